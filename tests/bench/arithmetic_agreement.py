#!/usr/bin/env python3
"""Compares masks that the encoder's bfloat16 gives with those of its float32, on labelled volumes.

usage: arithmetic_agreement.py TANDEM PAIRS.csv [EVERY [LARGEST_MB]]

Takes every EVERY-th row (default 5) whose image is no larger than LARGEST_MB (default 3). Boxes are the tight boxes of each
label on each slice. Prints the mean over structures of the masks' IoU, and of the Dice of each against the truth.
"""
import csv
import pathlib
import subprocess
import sys
import tempfile

import nibabel
import numpy as np


def segmented(program, image, mask, arithmetic, folder):
    out = folder / f"{arithmetic}.nii.gz"
    run = subprocess.run([program, "segment", image, "--boxes-from", mask, "--arithmetic", arithmetic, "--out", out],
                         capture_output=True, text=True)
    return np.asarray(nibabel.load(out).dataobj) if run.returncode == 0 else None


def overlap(a, b):
    """IoU and Dice of two masks."""
    both, either = np.count_nonzero(a & b), np.count_nonzero(a | b)
    return both / max(either, 1), 2 * both / max(np.count_nonzero(a) + np.count_nonzero(b), 1)


def main():
    program, table = sys.argv[1], pathlib.Path(sys.argv[2])
    every, largest = int((sys.argv[3:] or ["5"])[0]), float((sys.argv[4:] or ["3"])[0])
    rows = [r for r in csv.DictReader(table.open()) if (table.parent / r["image"]).stat().st_size < largest * 1e6]
    figures, refused = [], 0
    with tempfile.TemporaryDirectory() as name:
        for row in rows[::every]:
            image, mask = table.parent / row["image"], table.parent / row["mask"]
            masks = [segmented(program, image, mask, a, pathlib.Path(name)) for a in ("float32", "bfloat16")]
            if masks[0] is None or masks[1] is None or ".nii" not in mask.name:
                refused += 1
                continue
            truth = np.asarray(nibabel.load(mask).dataobj)
            for label in np.unique(masks[0])[1:]:
                found = [m == label for m in masks]
                is_true = truth.reshape(found[0].shape) == label
                figures.append((overlap(*found)[0], overlap(found[0], is_true)[1], overlap(found[1], is_true)[1]))
    iou, exact, quick = np.mean(figures, axis=0)
    worst = min(f[0] for f in figures)
    print(f"{len(figures)} structures of {len(rows[::every]) - refused} images ({refused} not taken): "
          f"IoU bfloat16 / float32 {iou:.4f} (least {worst:.4f}), Dice float32 {exact:.4f}, bfloat16 {quick:.4f}")


main()
