#!/usr/bin/env bash
# The floors of the house: each #include is one that tests/lint/layers.txt grants.
#
# Within a floor everything may be included. A service sees libcommon and itself. Headers of
# libraries (<event2/event.h>) belong to the floors that the table names; libc's are free.
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/lint/files 'libcommon/*.c' 'libcommon/*.h' 'services/*.c' 'services/*.h' |
	xargs -r grep -nHE '^[[:space:]]*#[[:space:]]*include' |
	awk '
function fail(text) { print where ": " text; bad = 1 }
FILENAME == ARGV[1] {
	sub(/#.*/, "")
	if (!NF)
		next
	who = $1
	sub(/:$/, "", who)
	if (who ~ /^</)
		library[substr(who, 2, length(who) - 2)] = 1
	else
		floors[who] = 1
	for (i = 2; i <= NF; i++)
		granted[who, $i] = 1
	next
}
{
	split($0, part, ":")
	where = part[1] ":" part[2]
	n = split(part[1], dir, "/")
	top = dir[1]
	home = dir[2]
	if (top == "libcommon" && !(home in floors)) {
		fail("libcommon/" home " is no floor of tests/lint/layers.txt")
		next
	}
	if (match($0, /"[^"]+"/)) {
		name = substr($0, RSTART + 1, RLENGTH - 2)
		slash = index(name, "/")
		floor = slash ? substr(name, 1, slash - 1) : ""
		if (name == "store_gen.h")
			floor = "store"
		if (top == "services") {
			if (floor != "" && !(floor in floors))
				fail("a service includes libcommon and itself only: " name)
		} else if (floor != home && !((home, floor) in granted)) {
			fail("floor " home " is not granted " name)
		}
	} else if (match($0, /<[^>]+>/)) {
		name = substr($0, RSTART + 1, RLENGTH - 2)
		for (prefix in library)
			if (index(name, prefix) == 1 && !(("<" prefix ">", home) in granted))
				fail(home " is not granted <" name ">")
	}
}
END { exit bad }
' tests/lint/layers.txt -

# The grants themselves only ever point downwards.
awk '
BEGIN {
	rank["base"] = 0
	rank["json"] = rank["sec"] = rank["domain"] = 1
	rank["wire"] = rank["sys"] = 2
	rank["loop"] = 3
	rank["pg"] = rank["redis"] = rank["http"] = rank["dial"] = 4
	rank["store"] = rank["queue"] = 5
	pure["base"] = pure["json"] = pure["sec"] = pure["domain"] = pure["wire"] = 1
}
{ sub(/#.*/, "") }
NF && $1 !~ /^</ {
	sub(/:$/, "", $1)
	for (i = 2; i <= NF; i++) {
		if (!($1 in rank) || !($i in rank) || rank[$i] >= rank[$1]) {
			print FILENAME ":" FNR ": " $1 " may not be granted " $i
			bad = 1
		}
		if (($1 in pure) && !($i in pure)) {
			print FILENAME ":" FNR ": the pure floor " $1 " may not be granted " $i
			bad = 1
		}
	}
}
END { exit bad }
' tests/lint/layers.txt
