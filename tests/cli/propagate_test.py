#!/usr/bin/env python3
"""Propagation without a window, looked at with nibabel and numpy: from one box through the volume, in several planes, and
the scores of `evaluate --propagate` against masks made by `segment --propagate`. Usage: propagate_test.py TANDEM"""
import csv
import json
import os
import subprocess
import sys
import tempfile
import unittest

import nibabel
import numpy as np

TANDEM = sys.argv.pop(1)
LIVER, RIGHT_KIDNEY, AORTA = 1, 3, 6


def tandem(*arguments, expect=0):
    done = subprocess.run([TANDEM, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode != expect:
        raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}")
    return done


def voxels(file):
    return np.asarray(nibabel.load(file).dataobj)


def dice(a, b):
    return 2.0 * np.logical_and(a, b).sum() / max(1, a.sum() + b.sum())


def middle_box(truth, axis):
    """Slice and box of the middle one of the slices that have the structure, x and y in array order."""
    others = tuple(a for a in range(3) if a != axis)
    present = np.nonzero(truth.any(axis=others))[0]
    index = int(present[len(present) // 2])
    x, y = np.nonzero(np.take(truth, index, axis=axis))
    return index, [int(x.min()), int(y.min()), int(x.max()), int(y.max())]


class Propagation(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem_propagate_")
        self.addCleanup(self.folder.cleanup)

    def at(self, *names):
        return os.path.join(self.folder.name, *names)

    def given_phantom(self, *options):
        tandem("phantom", self.at("p"), *options)
        return self.at("p", "ct.nii.gz"), voxels(self.at("p", "labels.nii.gz"))

    def propagate(self, image, plane, index, box, *more):
        words = f"{index}:" + ",".join(map(str, box))
        done = tandem("segment", image, "--propagate", "--plane", plane, "--box", words, *more, "--out", self.at("m.nii.gz"))
        mask = nibabel.load(self.at("m.nii.gz"))
        np.testing.assert_allclose(mask.affine, nibabel.load(image).affine, atol=1e-5)
        return np.asarray(mask.dataobj), done

    def test_one_box_in_each_plane_of_an_oblique_image(self):
        image, labels = self.given_phantom("--oblique", "--seed", 3)
        for plane, axis in (("axial", 2), ("coronal", 1), ("sagittal", 0)):
            truth = labels == RIGHT_KIDNEY
            index, box = middle_box(truth, axis)
            mask, _ = self.propagate(image, plane, index, box, "--label", 4)
            self.assertEqual(set(np.unique(mask)), {0, 4})
            self.assertGreater(dice(truth, mask == 4), 0.7, plane)
            slices = np.nonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))[0]
            self.assertLess(slices.min(), index)
            self.assertGreater(slices.max(), index)

    def test_at_most_so_many_slices(self):
        image, labels = self.given_phantom()
        index, box = middle_box(labels == AORTA, 2)
        mask, _ = self.propagate(image, "axial", index, box, "--most-slices", 2)
        self.assertEqual(list(np.nonzero(mask.any(axis=(0, 1)))[0]), list(range(index - 2, index + 3)))

    def test_key_slices_of_two_labels(self):
        image, labels = self.given_phantom()
        prompts = []
        for label in (LIVER, RIGHT_KIDNEY):
            present = np.nonzero((labels == label).any(axis=(0, 1)))[0]
            for index in (present[len(present) // 4], present[3 * len(present) // 4]):
                x, y = np.nonzero(labels[:, :, index] == label)
                prompts.append({"slice": int(index), "label": label, "box": [int(x.min()), int(y.min()), int(x.max()), int(y.max())]})
        with open(self.at("prompts.json"), "w") as file:
            json.dump({"plane": "axial", "prompts": prompts}, file)
        tandem("segment", image, "--propagate", "--prompts", self.at("prompts.json"), "--out", self.at("m.nii.gz"))
        mask = voxels(self.at("m.nii.gz"))
        self.assertEqual(set(np.unique(mask)), {0, LIVER, RIGHT_KIDNEY})
        for label in (LIVER, RIGHT_KIDNEY):
            self.assertGreater(dice(labels == label, mask == label), 0.75, label)

    def test_scores_are_those_of_the_masks(self):
        image, labels = self.given_phantom()
        with open(self.at("pairs.csv"), "w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["case", "modality", "image", "mask", "labels"])
            table.writerow(["phantom", "CT", "p/ct.nii.gz", "p/labels.nii.gz", "1=liver;3=right kidney"])
        done = tandem("evaluate", self.at("pairs.csv"), "--propagate", "--structures", 2, "--json", self.at("s.json"),
                      "--csv", self.at("s.csv"))
        self.assertIn("repeated-ellipse", done.stdout)
        with open(self.at("s.json")) as file:
            report = json.load(file)
        self.assertEqual(len(report["rows"]), 6)  # two structures, three methods
        with open(self.at("s.csv")) as file:
            self.assertEqual(len(file.read().splitlines()), 7)
        for row in report["rows"]:
            truth = labels == row["label"]
            index, box = middle_box(truth, 2)
            if row["method"].startswith("propagated "):
                mask, _ = self.propagate(image, "axial", index, box)
                self.assertAlmostEqual(row["dsc"], dice(truth, mask > 0), 5)
                self.assertEqual(row["n"], mask.any(axis=(0, 1)).sum())
            elif row["method"] == "repeated-ellipse":
                self.assertAlmostEqual(row["dsc"], dice(truth, self.repeated_ellipse(truth, box)), 5)
        means = {m["method"].split()[0]: m["dsc"] for m in report["means"]}
        for method in means:
            rows = [r["dsc"] for r in report["rows"] if r["method"].split()[0] == method]
            self.assertAlmostEqual(means[method], np.mean(rows), 6)

    @staticmethod
    def repeated_ellipse(truth, box):
        x0, y0, x1, y1 = box
        x, y = np.ogrid[: truth.shape[0], : truth.shape[1]]
        r = ((x - (x0 + x1) / 2) / ((x1 - x0 + 1) / 2)) ** 2 + ((y - (y0 + y1) / 2) / ((y1 - y0 + 1) / 2)) ** 2
        present = np.nonzero(truth.any(axis=(0, 1)))[0]
        mask = np.zeros(truth.shape, bool)
        mask[:, :, present.min() : present.max() + 1] = (r <= 1)[:, :, None]
        return mask

    def test_wrong_usage_and_nothing_found(self):
        image, _ = self.given_phantom()
        tandem("segment", image, "--propagate", "--out", self.at("m.nii.gz"), expect=2)
        refused = tandem("segment", image, "--propagate", "--box", "999:1,1,9,9", "--out", self.at("m.nii.gz"), expect=1)
        self.assertIn("There is no axial slice 999", refused.stderr)
        self.assertFalse(os.path.exists(self.at("m.nii.gz")))


unittest.main(verbosity=2)
