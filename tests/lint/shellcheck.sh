#!/usr/bin/env bash
# Every shell script, by name or by its first line.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/lint/files '*' | while IFS= read -r file; do
	if [[ $file == *.sh ]] || head -c 64 "$file" | head -n 1 | grep -aqE '^#!.*\b(ba)?sh\b'; then
		printf '%s\n' "$file"
	fi
done | xargs -r shellcheck -x
