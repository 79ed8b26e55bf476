#!/usr/bin/env bash
# No call of a function that tests/lint/banned.txt names, comments and strings aside.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/lint/files 'libcommon/*.c' 'libcommon/*.h' 'services/*.c' 'services/*.h' |
	exec /usr/bin/python3 tests/lint/banned.py tests/lint/banned.txt
