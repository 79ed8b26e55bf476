#!/usr/bin/env bash
# The statements in libcommon/store/queries: what the build does not check of them.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/lint/files 'libcommon/store/queries/*.sql' |
	exec /usr/bin/python3 tests/lint/queries.py tests/lint/queries.txt
