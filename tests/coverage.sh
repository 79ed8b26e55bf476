#!/usr/bin/env bash
# Line coverage of the pure modules by their unit tests: at least 95 % together, and no module far
# below.
#
#   tests/coverage.sh BUILD      a MODE=cov build with its unit tests
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1

find "$build" -name '*.gcda' -delete
failed=0
for program in "$build"/tests/test_*; do
	[[ -x $program && -f $program ]] || continue
	# A test's own failure is make check's business; what matters here is what it reached.
	timeout 240 "$program" >"$program.log" 2>&1 </dev/null || failed=$((failed + 1))
done
[[ $failed -eq 0 ]] || echo "coverage: $failed unit tests failed under coverage" >&2

gcovr --root . --object-directory "$build" --gcov-ignore-parse-errors \
	--filter 'libcommon/(base|json|sec|domain|wire)/' --exclude-unreachable-branches \
	--exclude-throw-branches --sort-uncovered --fail-under-line 95 "$build/libcommon"
