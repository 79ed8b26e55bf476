#!/usr/bin/env bash
# base, json, sec, domain and wire do no I/O, read no clock, no environment and no randomness: what
# their objects import is either defined by one of them or stands in tests/lint/purity.txt.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BELFRY_BUILD:-build/release}

objects=()
for floor in base json sec domain wire; do
	for source in libcommon/"$floor"/*.c; do
		[[ -e $source ]] || continue
		object=$build/${source%.c}.o
		if [[ ! -e $object ]]; then
			echo "purity: $object is missing; build first" >&2
			exit 1
		fi
		objects+=("$object")
	done
done
objects+=("$build/gen/embed.o")

nm -A "${objects[@]}" | awk '
FILENAME == ARGV[1] {
	sub(/#.*/, "")
	for (i = 2; i <= NF; i++)
		allowed[$1 $i] = 1
	next
}
{
	colon = index($0, ":")
	object = substr($0, 1, colon - 1)
	symbol = $NF
	kind = $(NF - 1)
	if (kind ~ /^[A-TV-Z]$/)
		defined[symbol] = 1
	else if (kind == "U")
		wanted[object " " symbol] = 1
}
END {
	for (pair in wanted) {
		split(pair, part, " ")
		symbol = part[2]
		floor = part[1]
		sub(/\/[^\/]*$/, "", floor)
		sub(/.*\//, "", floor)
		# What instrumented builds add is no doing of the module.
		if (symbol in defined || symbol ~ /^__(asan|ubsan|gcov|sanitizer|llvm_)/)
			continue
		if (!(("any:" symbol) in allowed) && !((floor ":" symbol) in allowed)) {
			print part[1] ": imports " symbol
			bad = 1
		}
	}
	exit bad
}
' tests/lint/purity.txt -
