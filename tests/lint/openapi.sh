#!/usr/bin/env bash
# proto/openapi.yaml: whole and sound, and the same routes as the gateway's table.
set -euo pipefail
cd "$(dirname "$0")/../.."
# The table with its macros expanded; the headers matter to none of them.
grep -v '^#include' services/api-gateway/routes.c | gcc -E -P - |
	exec /usr/bin/python3 tests/lint/openapi.py proto/openapi.yaml services/api-gateway/problem.c
