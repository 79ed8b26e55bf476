#!/usr/bin/env bash
# Runs each fuzz target of a MODE=fuzz build for a while, one per core, from the stored inputs.
#
#   tests/fuzz/run.sh DIR SECONDS
#
# New inputs stay under DIR; a crash leaves its input there and is reported with its path.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$1
seconds=$2

fuzz_one() {
	local program=$1 seconds=$2 name corpus
	name=$(basename "$program")
	corpus=tests/fuzz/corpus/${name#fuzz_}
	mkdir -p "$program.inputs"
	[[ -d $corpus ]] || corpus=proto/vectors
	if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
		-artifact_prefix="$program." "$program.inputs" "$corpus" >"$program.log" 2>&1; then
		echo "ok   $name"
	else
		echo "FAIL $name (see $program.log)"
		return 1
	fi
}
export -f fuzz_one

find "$dir" -maxdepth 1 -type f -executable -name 'fuzz_*' -print0 | sort -z |
	xargs -0 -r -n 1 -P "$(nproc)" bash -c "fuzz_one \"\$1\" $seconds" fuzz_one
