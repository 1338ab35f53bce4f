#!/usr/bin/env bash
# Installs what Tandem and its tests need, builds everything, and runs all tests.
# Arguments go to ctest (for example: installers/test.sh -R core_test).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install_packages build run test
export CCACHE_BASEDIR="$ROOT" CCACHE_NOHASHDIR=1 # the second build below finds what the first one has compiled
configure
build all
# The inference room builds and tests itself without the other rooms, as on a machine that has LibTorch and CMake only.
cmake --preset inference >"$ROOT/build/configure.log" 2>&1 || { tail -n 30 "$ROOT/build/configure.log"; exit 1; }
cmake --build "$ROOT/build/inference"
ctest --test-dir "$ROOT/build/inference" --output-on-failure
ctest --test-dir "$BUILD" --output-on-failure "$@"
