#!/usr/bin/env python3
"""The main job without a window, looked at with nibabel and numpy: phantom -> boxes -> masks -> project -> export, for
NIfTI, oblique and DICOM images and for another plane. Usage: main_job_test.py TANDEM"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

import nibabel
import numpy as np

TANDEM = sys.argv.pop(1)


def tandem(*arguments, expect=0):
    done = subprocess.run([TANDEM, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode != expect:
        raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stderr}")
    return done


def dice(a, b):
    return 2.0 * np.logical_and(a, b).sum() / max(1, a.sum() + b.sum())


class MainJob(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem_main_job_ä_")
        self.addCleanup(self.folder.cleanup)

    def at(self, *names):
        return os.path.join(self.folder.name, *names)

    def check_masks(self, truth_file, mask_file, least=0.75):
        truth, mask = nibabel.load(truth_file), nibabel.load(mask_file)
        self.assertEqual(truth.shape, mask.shape)
        np.testing.assert_allclose(truth.affine, mask.affine, atol=1e-5)
        self.assertEqual(int(mask.header["sform_code"]) > 0, True)
        t, m = np.asarray(truth.dataobj), np.asarray(mask.dataobj)
        self.assertEqual(set(np.unique(m)) - {0}, set(np.unique(t)) - {0})
        scores = [dice(t == label, m == label) for label in np.unique(t) if label]
        self.assertGreater(float(np.mean(scores)), least, scores)
        return m

    def test_nifti_to_export(self):
        tandem("phantom", self.at("p"))
        tandem("segment", self.at("p", "ct.nii.gz"), "--boxes-from", self.at("p", "labels.nii.gz"), "--out", self.at("masks.nii.gz"),
               "--preview", self.at("axial.png"))
        mask = self.check_masks(self.at("p", "labels.nii.gz"), self.at("masks.nii.gz"))
        self.assertEqual(open(self.at("axial.png"), "rb").read(8), b"\x89PNG\r\n\x1a\n")
        tandem("project", "create", self.at("s.tandem"))
        tandem("project", "import", self.at("s.tandem"), self.at("p", "ct.nii.gz"), "--labels", self.at("masks.nii.gz"))
        tandem("project", "export", self.at("s.tandem"), "--all", "--out", self.at("export"))
        files = [f for f in os.listdir(self.at("export")) if f.endswith(".nii.gz")]
        self.assertEqual(len(files), 1)
        exported = nibabel.load(self.at("export", files[0]))
        np.testing.assert_array_equal(np.asarray(exported.dataobj), mask)
        np.testing.assert_allclose(exported.affine, nibabel.load(self.at("p", "ct.nii.gz")).affine, atol=1e-5)
        status = json.loads(tandem("project", "status", self.at("s.tandem"), "--json", "-").stdout)
        self.assertIn("1", json.dumps(status))

    def test_oblique_coronal(self):
        tandem("phantom", self.at("p"), "--oblique", "--seed", 5)
        tandem("segment", self.at("p", "ct.nii.gz"), "--boxes-from", self.at("p", "labels.nii.gz"), "--plane", "coronal", "--label", 1,
               "--out", self.at("liver.nii"))
        truth = np.asarray(nibabel.load(self.at("p", "labels.nii.gz")).dataobj)
        mask = nibabel.load(self.at("liver.nii"))
        np.testing.assert_allclose(mask.affine, nibabel.load(self.at("p", "ct.nii.gz")).affine, atol=1e-5)
        self.assertEqual(set(np.unique(np.asarray(mask.dataobj))), {0, 1})
        self.assertGreater(dice(truth == 1, np.asarray(mask.dataobj) == 1), 0.8)

    def test_dicom_lies_where_nifti_lies(self):
        tandem("phantom", self.at("n"), "--seed", 2)
        tandem("phantom", self.at("d"), "--seed", 2, "--dicom")
        box = ["--box", "40:20,40,80,110"]
        tandem("segment", self.at("n", "ct.nii.gz"), *box, "--out", self.at("n.nii.gz"))
        tandem("segment", self.at("d", "dicom"), *box, "--out", self.at("d.nii.gz"))
        n, d = nibabel.load(self.at("n.nii.gz")), nibabel.load(self.at("d.nii.gz"))
        np.testing.assert_allclose(n.affine, d.affine, atol=1e-3)
        np.testing.assert_array_equal(np.asarray(n.dataobj), np.asarray(d.dataobj))
        self.assertGreater(np.asarray(n.dataobj).sum(), 100)

    def test_prompts_in_array_axes_as_nibabel_shows_them(self):
        tandem("phantom", self.at("p"))
        for plane, axis in (("axial", 2), ("coronal", 1), ("sagittal", 0)):
            truth = np.asarray(nibabel.load(self.at("p", "labels.nii.gz")).dataobj) == 1
            index = int(np.argmax(truth.sum(axis=tuple(a for a in range(3) if a != axis))))
            a, b = np.nonzero(np.take(truth, index, axis=axis))  # the two remaining axes in array order: x, y
            prompts = {"plane": plane, "prompts": [{"slice": index, "label": 7, "box": [int(a.min()), int(b.min()), int(a.max()), int(b.max())]}]}
            with open(self.at("prompts.json"), "w") as f:
                json.dump(prompts, f)
            tandem("segment", self.at("p", "ct.nii.gz"), "--prompts", self.at("prompts.json"), "--out", self.at("m.nii.gz"))
            mask = np.asarray(nibabel.load(self.at("m.nii.gz")).dataobj)
            self.assertEqual(set(np.nonzero(mask)[axis]), {index})
            self.assertGreater(dice(np.take(truth, index, axis=axis), np.take(mask, index, axis=axis) == 7), 0.75)


unittest.main(verbosity=2)
