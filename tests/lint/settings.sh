#!/usr/bin/env bash
# The settings that the programs print, the list of all known ones and the README agree.
# `tests/lint/settings.py --write` brings the README's table up to date.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 tests/lint/settings.py
