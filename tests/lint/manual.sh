#!/usr/bin/env bash
# docs/belfry.1 is what `belfry manual` prints, and good roff to man, groff and mandoc; the completion
# is good bash. `build/bin/belfry manual >docs/belfry.1` brings the page up to date.
set -euo pipefail
cd "$(dirname "$0")/../.."
belfry=${BELFRY_BIN:-build/bin}/belfry
env -i "$belfry" manual | diff -u docs/belfry.1 - >&2 || {
	echo "docs/belfry.1 is not what belfry manual prints" >&2
	exit 1
}
mandoc -Tlint -Wwarning docs/belfry.1
# groff says nothing where there is nothing to say
for tool in "groff -man -Tutf8 -ww -z" "man --warnings=w -l"; do
	said=$(LC_ALL=C.UTF-8 MANWIDTH=80 $tool docs/belfry.1 2>&1 >/dev/null)
	if [[ -n $said ]]; then
		echo "$tool: $said" >&2
		exit 1
	fi
done
env -i "$belfry" completion bash | shellcheck -s bash -
