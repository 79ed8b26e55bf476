#!/usr/bin/env bash
# The sizes and the words that the style allows.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/lint/files '*.c' '*.h' '*.py' '*.sh' '*.sql' '*.lua' '*.md' '*.yaml' '*.yml' '*.txt' \
	Makefile deploy/ tests/ | exec /usr/bin/python3 tests/lint/limits.py
