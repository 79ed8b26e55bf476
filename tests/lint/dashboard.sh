#!/usr/bin/env bash
# The dashboard's files, as far as they can be judged without a browser.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 tests/lint/dashboard.py services/api-gateway/dashboard
