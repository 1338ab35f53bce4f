#!/usr/bin/env python3
"""Learning on the command line: a project's approved masks -> pack -> fine-tune -> replay; a teacher on images without
masks; the sheet of samples. Usage: learning_test.py TANDEM"""
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from PIL import Image

TANDEM = sys.argv.pop(1)
BUNDLED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "resources", "models", "tandem-small.safetensors")
QUICK = {"samples": 16, "batch": 4, "threads": 1, "warmupSteps": 1, "saveEverySamples": 8, "validateEverySamples": 8,
         "validateItems": 4}


def tandem(*arguments, expect=0):
    done = subprocess.run([TANDEM, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    if done.returncode != expect:
        raise AssertionError(f"{arguments} ended with {done.returncode}: {done.stdout} {done.stderr}")
    return done


class Learning(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem_learning_ö_")
        self.addCleanup(self.folder.cleanup)

    def at(self, *names):
        return os.path.join(self.folder.name, *names)

    def recipe(self, name, **more):
        with open(self.at(name), "w") as f:
            json.dump({"recipe": {**QUICK, **more}}, f)
        return self.at(name)

    def project(self, count):
        """A project of `count` approved phantoms; their images lie in scans/."""
        tandem("project", "create", self.at("s.tandem"))
        os.makedirs(self.at("scans"))
        for n in range(count):
            tandem("phantom", self.at("p"), "--seed", n + 1)
            image = shutil.copy(self.at("p", "ct.nii.gz"), self.at("scans", f"scan{n}.nii.gz"))
            tandem("project", "import", self.at("s.tandem"), image, "--labels", self.at("p", "labels.nii.gz"))
            shutil.rmtree(self.at("p"))
            for state in ("submitted", "approved"):
                tandem("project", "review", self.at("s.tandem"), "--case", f"scan{n}", "--to", state, "--by", "Ada")
        return self.at("s.tandem")

    def test_project_to_model_to_replay(self):
        project = self.project(3)
        said = tandem("train", self.recipe("quick.json", firstPackShare=0.6), "--project", project, "--out", self.at("run")).stdout
        self.assertIn("3 approved cases", said)
        self.assertIn("mean DSC", said)
        self.assertRegex(said, "The new model is (not )?better on")
        for name in ("model.safetensors", "best.safetensors", "state.safetensors", "curve.png"):
            self.assertTrue(os.path.exists(self.at("run", name)), name)
        with open(self.at("run", "validation.csv")) as f:
            rows = list(csv.DictReader(f))
        self.assertEqual([r["samples"] for r in rows if r["data_set"] == "all"], ["8", "16"])
        pack = json.load(open(self.at("run", "project-pack", "pack.json")))
        kept = {s["case"] for s in pack["slices"] if s["split"] == "kept_out"}
        self.assertEqual(len(kept), 1)

        scores = json.loads(tandem("project", "replay", project, "--model", self.at("run", "model.safetensors"), "--json", "-").stdout)
        self.assertEqual({r["case"] for r in scores["rows"]}, kept)
        self.assertTrue(all(0 <= r["dsc"] <= 1 for r in scores["rows"]))
        everything = json.loads(tandem("project", "replay", project, "--all", "--json", "-").stdout)
        self.assertEqual(len({r["case"] for r in everything["rows"]}), 3)
        mean = sum(r["dsc"] for r in everything["rows"]) / len(everything["rows"])
        self.assertAlmostEqual(everything["means"][0]["dsc"], mean, places=9)
        self.assertGreater(mean, 0.7)  # the bundled model, exact boxes, round phantoms

        tandem("pack", project, "--out", self.at("pack"))
        self.assertEqual(json.load(open(self.at("pack", "pack.json")))["slices"], pack["slices"])

    def test_teacher_on_images_without_masks(self):
        os.makedirs(self.at("scans"))
        tandem("phantom", self.at("p"))
        shutil.copy(self.at("p", "ct.nii.gz"), self.at("scans", "a.nii.gz"))
        config = self.recipe("quick.json", sceneShare=0.2, regionShare=0.8)
        said = tandem("train", config, "--teacher", BUNDLED, "--images", self.at("scans"), "--out", self.at("run")).stdout
        self.assertIn("slices of 1 images", said)
        self.assertIn("16 samples", said)
        tandem("model", "info", self.at("run", "model.safetensors"))

    def test_sheet(self):
        config = self.recipe("quick.json", sceneShare=1, regionShare=0)
        tandem("train", config, "--from", BUNDLED, "--sheet", self.at("sheet.png"))
        sheet = Image.open(self.at("sheet.png"))
        sheet.load()
        self.assertEqual(sheet.mode, "RGB")
        colours = {c for _, c in sheet.getcolors(1 << 24)}
        self.assertIn((250, 210, 60), colours)  # boxes
        self.assertIn((60, 230, 90), colours)  # outlines

    def test_wrong_usage(self):
        tandem("train", expect=2)
        tandem("train", self.recipe("quick.json"), expect=2)  # no --out
        tandem("train", self.recipe("quick.json"), "--images", self.at("x"), "--out", self.at("run"), expect=2)  # no teacher
        tandem("train", self.recipe("quick.json"), "--out", self.at("run"), expect=1)  # no network
        tandem("train", "--project", self.at("nowhere.tandem"), "--out", self.at("run"), expect=1)


if __name__ == "__main__":
    unittest.main()
