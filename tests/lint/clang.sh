#!/usr/bin/env bash
# The second compiler: clang takes every source under the same warnings, and its analyser finds
# nothing to say. Each header compiles alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BELFRY_BUILD:-build/release}

# The flags of the build, less those that only matter for code generation.
flags=()
read -r -a words <"$build/flags"
for word in "${words[@]}"; do
	case $word in
	-Wl,*) ;;
	-std=* | -W* | -I* | -D_GNU_SOURCE) flags+=("$word") ;;
	esac
done

tests/lint/files 'libcommon/*.c' 'services/*.c' | xargs -r -P "$(nproc)" -n 8 \
	clang "${flags[@]}" --analyze --analyzer-output text -Xclang -analyzer-werror
tests/lint/files 'libcommon/*.c' 'services/*.c' 'tests/*.c' | xargs -r -P "$(nproc)" -n 8 \
	clang "${flags[@]}" -fsyntax-only
tests/lint/files 'libcommon/*.h' 'services/*.h' | xargs -r -P "$(nproc)" -n 16 \
	clang "${flags[@]}" -Wno-pragma-once-outside-header -fsyntax-only -x c
