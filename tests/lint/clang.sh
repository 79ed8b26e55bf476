#!/usr/bin/env bash
# The second compiler: clang takes every source under the same warnings, and each header alone (by
# itself a header does not use its own inline functions).
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -t flags < <(tests/lint/flags)

tests/lint/files 'libcommon/*.c' 'services/*.c' 'tests/*.c' | xargs -r -P "$(nproc)" -n 8 \
	clang "${flags[@]}" -fsyntax-only
tests/lint/files 'libcommon/*.h' 'services/*.h' | xargs -r -P "$(nproc)" -n 16 \
	clang "${flags[@]}" -Wno-pragma-once-outside-header -Wno-unused-function -fsyntax-only -x c
