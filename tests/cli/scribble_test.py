#!/usr/bin/env python3
"""Scribbles and candidates on the command line: whatever the network thinks, their pixels are in the mask or out of it; from options and from
a prompts file alike. Masks are read with nibabel.
Usage: scribble_test.py TANDEM WHOLE_SLICE_MODEL"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import nibabel
import numpy as np

SAM = os.path.abspath(sys.argv.pop(2))
TANDEM = sys.argv.pop(1)
SLICE = 2
# Along rows and columns, so that their pixels are plain to see: [x, y] to [x, y].
IN, OUT = [[10, 8], [30, 8], [30, 20]], [[16, 30], [40, 30]]


class Scribbles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem_scribble_")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        x, y, _ = np.mgrid[0:48, 0:40, 0:4]
        image = 100 * (np.hypot(x - 26, y - 22) < 12) + np.random.RandomState(2).randint(0, 20, (48, 40, 4))
        nibabel.save(nibabel.Nifti1Image(image.astype(np.int16), np.diag([-1, -1, 3, 1.0])), self.at("image.nii.gz"))

    def at(self, name):
        return os.path.join(self.folder, name)

    def mask(self, *prompts):
        """The prompted slice, as [x, y]."""
        subprocess.run([TANDEM, "segment", self.at("image.nii.gz"), *prompts, "--out", self.at("mask.nii.gz")], check=True, timeout=300)
        labels = np.asarray(nibabel.load(self.at("mask.nii.gz")).dataobj)
        self.assertEqual(np.delete(labels, SLICE, axis=2).sum(), 0, "another slice was drawn on")
        return labels[:, :, SLICE]

    def prompts_file(self, **prompt):
        with open(self.at("prompts.json"), "w") as f:
            json.dump({"prompts": [{"slice": SLICE, **prompt}]}, f)
        return self.at("prompts.json")

    def assert_decided(self, mask):
        self.assertTrue((mask[10:31, 8] == 1).all() and (mask[30, 8:21] == 1).all(), mask.T)
        self.assertTrue((mask[16:41, 30] == 0).all(), mask.T)

    def test_every_pixel_is_decided_and_both_ways_to_say_it_are_one(self):
        box = [14, 10, 38, 34]
        strokes = [{"points": IN, "foreground": True}, {"points": OUT, "foreground": False}]
        options = ["--box", f"{SLICE}:14,10,38,34", "--scribble", f"{SLICE}:10,8;30,8;30,20,+", "--scribble", f"{SLICE}:16,30;40,30,-"]
        for model in ([], ["--model", SAM]):
            with self.subTest(model=model):
                said = self.mask(*model, *options)
                self.assert_decided(said)
                written = self.mask(*model, "--prompts", self.prompts_file(box=box, scribbles=strokes))
                np.testing.assert_array_equal(written, said)
                without = self.mask(*model, "--box", f"{SLICE}:14,10,38,34")
                self.assertTrue((without != said).any())

    def test_a_scribble_needs_no_box_and_belongs_unless_said_otherwise(self):
        mask = self.mask("--prompts", self.prompts_file(label=1, scribbles=[{"points": [[20, 22], [32, 22]]}]))
        self.assertTrue((mask[20:33, 22] == 1).all())

    def test_a_scribble_that_comes_after_a_click_wins_over_it(self):
        mask = self.mask("--prompts", self.prompts_file(points=[[26, 22, 1], [20, 22, 1]],
                                                        scribbles=[{"points": [[26, 18], [26, 26]], "foreground": False}]))
        self.assertTrue((mask[26, 18:27] == 0).all())
        self.assertEqual(mask[20, 22], 1)

    def test_candidates_are_counted_round_and_the_last_one_is_all_that_looks_like_the_points(self):
        image = np.zeros((48, 40, 4), np.int16)
        for left, top in ((6, 6), (24, 8), (38, 28), (12, 26)):  # four alike parts
            image[left:left + 6, top:top + 6] = 100
        noise = np.random.RandomState(2).randint(0, 20, image.shape)
        nibabel.save(nibabel.Nifti1Image((image + noise).astype(np.int16), np.diag([-1, -1, 3, 1.0])), self.at("image.nii.gz"))
        prompts = ["--box", f"{SLICE}:1,1,46,38", "--point", f"{SLICE}:9,9,+", "--point", f"{SLICE}:20,20,-"]
        dice = []
        for n in range(1, 5):  # at most: the likeliest, another reading of the box, look-alikes
            mask = self.mask(*prompts, "--candidate", str(n))
            dice.append(2 * (mask * (image[:, :, SLICE] > 0)).sum() / (mask.sum() + (image[:, :, SLICE] > 0).sum()))
        self.assertGreater(max(dice[1:3]), 0.85, dice)
        self.assertTrue(dice[2] == dice[0] or dice[3] == dice[0], dice)
        refused = subprocess.run([TANDEM, "segment", self.at("image.nii.gz"), *prompts, "--candidate", "0", "--out", self.at("mask.nii.gz")],
                                 capture_output=True)
        self.assertNotEqual(refused.returncode, 0)

    def test_help_says_how(self):
        words = subprocess.run([TANDEM, "segment", "--help"], capture_output=True, text=True, check=True).stdout
        self.assertIn("--scribble", words)
        self.assertIn('"scribbles": [{"points": [[x,y], ...], "foreground": true}]', words)


if __name__ == "__main__":
    unittest.main()
