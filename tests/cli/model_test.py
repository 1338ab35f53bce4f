#!/usr/bin/env python3
"""The models folder on the command line: list, import, remove, speed, known. What was written is read with own code.
Usage: model_test.py TANDEM GOLDEN_FOLDER"""
import hashlib
import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import unittest

GOLDEN = os.path.abspath(sys.argv.pop(2))
TANDEM = sys.argv.pop(1)
BUNDLED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "resources", "models", "tandem-small.safetensors")


def content(file):
    with open(file, "rb") as f:
        return f.read()


def safetensors(file):
    """Metadata, and (type, shape, bytes) of each tensor."""
    data = content(file)
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    metadata = header.pop("__metadata__", {})
    return metadata, {k: (v["dtype"], v["shape"], data[8 + size + v["data_offsets"][0]:8 + size + v["data_offsets"][1]])
                      for k, v in header.items()}


class Models(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem_models_ö_")
        self.addCleanup(folder.cleanup)
        self.home = folder.name
        self.folder = self.at("data", "Tandem", "Tandem", "models")

    def at(self, *names):
        return os.path.join(self.home, *names)

    def tandem(self, *arguments, expect=0):
        environment = dict(os.environ, HOME=self.home, XDG_DATA_HOME=self.at("data"))
        done = subprocess.run([TANDEM, "model", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=300, env=environment)
        self.assertEqual(done.returncode, expect, f"{arguments}: {done.stdout} {done.stderr}")
        return done

    def refused(self, *arguments):
        sentence = self.tandem(*arguments, expect=1).stderr
        self.assertEqual(sentence.count("\n"), 1, sentence)
        self.assertTrue(sentence.startswith("tandem: ") and sentence.endswith(".\n"), sentence)
        return sentence

    def listed(self, *more):
        return json.loads(self.tandem("list", "--json", "-", *more).stdout)["models"]

    def imported(self, file, *more):
        return self.tandem("import", file, *more).stdout.strip()

    def test_a_fresh_machine_has_the_bundled_model(self):
        (model,) = self.listed()
        self.assertEqual((model["origin"], model["kind"], model["prompts"][0]), ("bundled", "DB-SAM (paper)", "boxes"))
        self.assertTrue(os.path.samefile(model["file"], BUNDLED))
        self.assertAlmostEqual(model["size_mb"] * 1e6, os.path.getsize(BUNDLED), delta=1)
        self.assertFalse(os.path.exists(self.at("data")), "listing wrote something")

    def test_import_of_a_checkpoint(self):
        source = os.path.join(GOLDEN, "paper", "model.pth")
        file = self.imported(source, "--name", "Göttingen 1/2")
        digest = hashlib.sha256(content(source)).hexdigest()
        self.assertEqual(file, os.path.join(self.folder, f"Göttingen 1-2-{digest[:8]}.safetensors"))
        metadata, tensors = safetensors(file)
        self.assertEqual(tensors, safetensors(os.path.join(GOLDEN, "paper", "model.safetensors"))[1])
        config = json.loads(metadata["tandem.config"])
        self.assertEqual(config["name"], "Göttingen 1/2")
        self.assertEqual(config["source"], {"file": "model.pth", "sha256": digest})
        with open(os.path.join(GOLDEN, "paper", "config.json")) as f:
            self.assertEqual(config["interaction_indexes"] if "interaction_indexes" in config else config["adapter"],
                             json.load(f)["adapter"])
        model = self.listed()[1]
        self.assertEqual((model["name"], model["origin"], model["kind"]), ("Göttingen 1/2", "imported", "DB-SAM (paper)"))

        before = os.stat(file).st_mtime_ns
        again = self.tandem("import", source, "--name", "Göttingen 1/2")
        self.assertEqual(again.stdout.strip(), file)
        self.assertIn("before", again.stderr)
        self.assertEqual(os.stat(file).st_mtime_ns, before)
        self.assertEqual(os.listdir(self.folder), [os.path.basename(file)])

    def test_a_file_with_its_configuration_keeps_its_bytes(self):
        file = self.imported(BUNDLED)
        self.assertEqual(content(file), content(BUNDLED))
        self.assertEqual(self.imported(BUNDLED), file)
        self.assertEqual(self.imported(file), file)  # from the folder into the folder
        other = self.imported(BUNDLED, "--name", "Another")
        kinds = {t[0] for t in safetensors(other)[1].values()}
        self.assertIn("F16", kinds)  # stays as small as it was
        self.assertEqual(self.imported(BUNDLED, "--name", "Another"), other)
        self.assertEqual(len(os.listdir(self.folder)), 2)

    def test_what_is_no_model_is_refused(self):
        with open(self.at("letter.pth"), "w") as f:
            f.write("Dear colleague, the weights follow.")
        self.assertIn("letter.pth", self.refused("import", self.at("letter.pth")))
        shutil.copy(os.path.join(GOLDEN, "sam", "model.pth"), self.at("cut.pth"))
        os.truncate(self.at("cut.pth"), 9000)
        self.assertIn("cut.pth", self.refused("import", self.at("cut.pth")))
        self.refused("import", os.path.join(GOLDEN, "sam", "tensors.safetensors"))  # tensors, but no network
        self.refused("import", self.at("nowhere.pth"))
        self.assertFalse(os.path.exists(self.folder), "something was written")

    def test_no_file_is_ever_replaced(self):
        source = os.path.join(GOLDEN, "sam", "model.pth")
        digest = hashlib.sha256(content(source)).hexdigest()
        os.makedirs(self.folder)
        other = os.path.join(self.folder, f"model-{digest[:8]}.safetensors")
        shutil.copy(os.path.join(GOLDEN, "paper", "model.safetensors"), other)
        shutil.copy(os.path.join(GOLDEN, "paper", "config.json"), other.replace(".safetensors", ".json"))
        file = self.imported(source)
        self.assertEqual(file, other.replace(".safetensors", "-2.safetensors"))
        self.assertEqual(content(other), content(os.path.join(GOLDEN, "paper", "model.safetensors")))
        self.assertEqual(self.imported(source), file)

    def test_files_that_cannot_be_read_are_listed_with_the_reason(self):
        file = self.imported(os.path.join(GOLDEN, "sam", "model.pth"), "--name", "good")
        for name, text in (("bad.pth", "no model"), (".hidden.pth", "no model"), ("notes.txt", "no model")):
            with open(os.path.join(self.folder, name), "w") as f:
                f.write(text)
        _, bad, good = self.listed()
        self.assertEqual((bad["name"], good["name"], good["file"]), ("bad.pth", "good", file))
        self.assertIn("bad.pth", bad["problem"])
        self.assertNotIn("kind", bad)
        self.assertIn(bad["problem"], self.tandem("list").stdout)

    def test_remove(self):
        file = self.imported(os.path.join(GOLDEN, "sam", "model.pth"), "--name", "mine")
        self.assertIn("models folder", self.refused("remove", BUNDLED))
        self.assertIn("nobody", self.refused("remove", "nobody"))
        outside = shutil.copy(file, self.at("outside.safetensors"))
        self.refused("remove", outside)
        self.assertTrue(os.path.exists(outside))
        self.tandem("remove", "mine")
        self.assertEqual(os.listdir(self.folder), [])
        shutil.copy(outside, os.path.join(self.folder, "twin.safetensors"))
        shutil.copy(outside, os.path.join(self.folder, "sister.safetensors"))
        self.assertIn("Several", self.refused("remove", "mine"))  # both have that name inside
        self.tandem("remove", "twin")
        self.assertEqual(os.listdir(self.folder), ["sister.safetensors"])

    def test_speed_is_measured_and_remembered_for_the_file_as_it_is(self):
        file = self.imported(os.path.join(GOLDEN, "sam", "model.pth"), "--name", "mine")
        speed = json.loads(self.tandem("speed", "mine", "--runs", "2", "--json", "-").stdout)
        self.assertEqual((speed["file"], speed["runs"]), (file, 2))
        self.assertGreater(speed["encode_ms"], 0)
        self.assertGreaterEqual(speed["first_box_ms"], speed["encode_ms"])
        self.assertGreater(speed["further_box_ms"], 0)
        self.assertGreater(speed["click_ms"], 0)
        self.assertIn(speed["arithmetic"], ("float32", "bfloat16"))
        self.assertRegex(self.tandem("list").stdout, r"ms for a further one, \d+ ms for a click")
        remembered = self.listed()[1]["speed"]
        self.assertEqual(remembered, {k: v for k, v in speed.items() if k != "file"})
        os.utime(file, (1, 1))  # another file now, for all anyone knows
        self.assertNotIn("speed", self.listed()[1])
        with open(self.at("data", "Tandem", "Tandem", "model-notes.json"), "w") as f:
            f.write("{ damaged")
        self.assertEqual(len(self.listed()), 2)

    def test_other_commands_take_a_models_name(self):
        self.imported(os.path.join(GOLDEN, "sam", "model.pth"), "--name", "mine")
        environment = dict(os.environ, HOME=self.home, XDG_DATA_HOME=self.at("data"))

        def segment(*more):
            return subprocess.run([TANDEM, "segment", self.at("p", "ct.nii.gz"), "--box", "36:60,52,118,109", "--out",
                                   self.at("mask.nii.gz"), *more], capture_output=True, text=True, timeout=120, env=environment)
        subprocess.run([TANDEM, "phantom", self.at("p")], check=True, capture_output=True, timeout=60)
        self.assertEqual(segment("--model", "mine").returncode, 0)
        by_name = content(self.at("mask.nii.gz"))
        self.assertEqual(segment("--model", os.path.join(GOLDEN, "sam", "model.pth")).returncode, 0)
        self.assertEqual(content(self.at("mask.nii.gz")), by_name)
        self.assertEqual(segment().returncode, 0)
        self.assertNotEqual(content(self.at("mask.nii.gz")), by_name)
        self.assertIn("nobody", segment("--model", "nobody").stderr)
        self.assertIn("no file", segment("--model", "nowhere.pth").stderr)

    def test_a_projects_models(self):
        project = self.at("study.tandem")
        subprocess.run([TANDEM, "project", "create", project], check=True, capture_output=True, timeout=60)
        for run in ("run 1", "run 2"):
            os.makedirs(self.at("study learning", run))
            shutil.copy(BUNDLED, self.at("study learning", run, "model.safetensors"))
        os.makedirs(self.at("study learning", "run 2", "project-pack"))  # under way
        self.assertEqual(len(self.listed()), 1)
        bundled, learnt = self.listed("--project", project)
        self.assertTrue(bundled["project_default"])
        self.assertEqual((learnt["origin"], learnt["name"]), ("learnt", "Tandem small, run 1"))
        with sqlite3.connect(project) as data:
            data.execute("INSERT INTO setting (key, value) VALUES ('model.file', ?)", (self.at("gone.pth"),))
        models = self.listed("--project", project)
        self.assertEqual([m["origin"] for m in models], ["bundled", "learnt", "project"])
        self.assertEqual([m["project_default"] for m in models], [False, False, True])
        self.assertIn("gone.pth", models[2]["problem"])
        self.refused("list", "--project", self.at("nowhere.tandem"))

    def test_known(self):
        known = {m["file"]: m for m in json.loads(self.tandem("known", "--json", "-").stdout)}
        self.assertEqual(known["sam_vit_b_01ec64.pth"]["bytes"], 375042383)
        self.assertEqual(set(m["licence"] for m in known.values()), {"Apache-2.0"})
        said = self.tandem("known").stdout
        for m in known.values():
            self.assertIn(m["page"], said)
        self.assertIn("downloads nothing", said)


if __name__ == "__main__":
    unittest.main()
