#!/usr/bin/env bash
# Installs what Tandem needs, builds it, and does its main job once on a synthetic abdomen:
# with a display the window opens on a demo project; without one the same job runs on the command line and leaves
# masks, NIfTI exports, a table of Dice against the truth, and preview pictures in build/demo/.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
install_packages build run
configure
build tandem tandem_inference
TANDEM="$BUILD/bin/tandem"
DEMO="$ROOT/build/demo"

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ "${1:-}" != "--headless" ]; then
    mkdir -p "$DEMO"
    [ -e "$DEMO/phantom/ct.nii.gz" ] || "$TANDEM" phantom "$DEMO/phantom"
    if [ ! -e "$DEMO/demo.tandem" ]; then
        "$TANDEM" project create "$DEMO/demo.tandem" --name "Demo"
        "$TANDEM" project import "$DEMO/demo.tandem" "$DEMO/phantom/ct.nii.gz" --labels-from "$DEMO/phantom/pairs.csv"
    fi
    exec "$TANDEM" "$DEMO/demo.tandem"
fi

rm -rf "$DEMO" && mkdir -p "$DEMO"
echo "== A synthetic abdomen with known labels"
"$TANDEM" phantom "$DEMO/phantom"
echo "== Masks from a box on every slice of every organ"
"$TANDEM" segment "$DEMO/phantom/ct.nii.gz" --boxes-from "$DEMO/phantom/labels.nii.gz" --out "$DEMO/masks.nii.gz" \
    --preview "$DEMO/axial.png"
echo "== Into a project, submitted, approved, exported"
"$TANDEM" project create "$DEMO/demo.tandem" --name "Demo"
"$TANDEM" project import "$DEMO/demo.tandem" "$DEMO/phantom/ct.nii.gz" --labels "$DEMO/masks.nii.gz" \
    --labels-from "$DEMO/phantom/pairs.csv"
"$TANDEM" project review "$DEMO/demo.tandem" --case ct --to submitted --by Annotator
"$TANDEM" project review "$DEMO/demo.tandem" --case ct --to approved --by Curator
"$TANDEM" project export "$DEMO/demo.tandem" --out "$DEMO/export"
"$TANDEM" project status "$DEMO/demo.tandem"
echo "== Dice against the truth, beside three baselines from the same boxes"
"$TANDEM" evaluate "$DEMO/phantom/pairs.csv" --json "$DEMO/evaluation.json"
echo "Results: build/demo (masks.nii.gz, export/, axial.png, evaluation.json)"
