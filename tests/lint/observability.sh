#!/usr/bin/env bash
# deploy/observability: rules, their tests, configurations, the dashboard, and a page for each alert.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 tests/lint/observability.py
