#!/usr/bin/env bash
# Formatting, static analysis and QML checks; warnings are errors. Needs a configured build/release.
# Without arguments all sources are looked at, else the files given.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install_packages build run lint
[ -e "$BUILD/compile_commands.json" ] || configure
mapfile -t sources < <(if [ $# -gt 0 ]; then printf '%s\n' "$@"; else git ls-files '*.cpp' '*.h'; fi)
clang-format --dry-run --Werror "${sources[@]}"
printf '%s\n' "${sources[@]}" | grep '\.cpp$' | xargs -P "$(nproc)" -n 4 clang-tidy -p "$BUILD" --quiet
