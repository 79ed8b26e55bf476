#!/usr/bin/env bash
# Every shell script, by name or by its first line, with the files that it sources.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/lint/files '*' | while IFS= read -r file; do
	if head -n 1 "$file" | grep -aq '^# shellcheck shell='; then
		continue # read where it is sourced
	fi
	if [[ $file == *.sh ]] || head -c 64 "$file" | head -n 1 | grep -aqE '^#!.*\b(ba)?sh\b'; then
		printf '%s\n' "$file"
	fi
done | xargs -r shellcheck -x -a
