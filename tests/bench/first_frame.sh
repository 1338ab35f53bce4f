#!/usr/bin/env bash
# Time from process start to first frame: Tandem's window beside an empty Qt Quick window, in turns, medians and ratio.
# Usage: first_frame.sh BUILD_FOLDER [RUNS]   (needs a display; run it under xvfb-run where there is none)
set -euo pipefail
BUILD=$1 RUNS=${2:-7}
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export XDG_DATA_HOME=$home/data XDG_CONFIG_HOME=$home/config XDG_CACHE_HOME=$home/cache
ours=() empty=()
for ((n = 0; n <= RUNS; ++n)); do # the first of each warms the disk cache and is not counted
    log=$(mktemp -p "$home")
    "$BUILD/bin/tandem" --print-startup 2>"$log" & pid=$!
    until grep -q "first frame" "$log"; do sleep 0.02; kill -0 $pid || { cat "$log"; exit 1; }; done
    kill $pid; wait $pid 2>/dev/null || true
    a=$(sed -n 's/.*first frame after \([0-9]*\) ms.*/\1/p' "$log")
    b=$("$BUILD/tests/empty_window" | sed -n 's/.*after \([0-9]*\) ms.*/\1/p')
    [ "$n" -eq 0 ] || { ours+=("$a"); empty+=("$b"); }
done
a=$(printf '%s\n' "${ours[@]}" | median) b=$(printf '%s\n' "${empty[@]}" | median)
echo "first frame, median of $RUNS: tandem $a ms, empty Qt Quick window $b ms, ratio $(awk "BEGIN{printf \"%.2f\", $a/$b}")"
