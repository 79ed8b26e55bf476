#!/usr/bin/env bash
# clang-format has the last word; `make format` says it.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/lint/files '*.c' '*.h' | xargs -r clang-format-14 --dry-run -Werror
