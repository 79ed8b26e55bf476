#!/usr/bin/env bash
# deploy/k8s: both overlays rendered, held against the Kubernetes API's schemas and our own rules.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 tests/lint/k8s.py
