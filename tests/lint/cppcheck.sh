#!/usr/bin/env bash
# cppcheck over all sources, with nothing suppressed.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BELFRY_BUILD:-build/release}
cache=$build/cppcheck
mkdir -p "$cache"
tests/lint/files 'libcommon/*.c' 'services/*.c' >"$cache/sources"
cppcheck --quiet --std=c11 --platform=unix64 --enable=warning,performance,portability \
	--error-exitcode=1 --cppcheck-build-dir="$cache" -j "$(nproc)" -D_GNU_SOURCE \
	-Ilibcommon -I"$build/gen" --template='{file}:{line}: {severity}: {message} [{id}]' \
	--file-list="$cache/sources"
