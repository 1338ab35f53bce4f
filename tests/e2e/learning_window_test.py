#!/usr/bin/env python3
"""Learning in the real window, with a real mouse: three approved phantoms, Model > Learn from this project, a run that is
stopped and leaves nothing, a run that ends, its table, taking the new model and going back. What the project remembers is
read with Python's SQLite. Usage: learning_window_test.py TANDEM SCREENSHOT_FOLDER"""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import desktop

SHORT = {"samples": 16, "batch": 4, "threads": 1, "warmupSteps": 1, "saveEverySamples": 8, "validateEverySamples": 8, "validateItems": 4}


class LearningJob:
    def __init__(self, program, screenshots):
        self.program, self.screenshots = program, screenshots
        shutil.rmtree(screenshots, ignore_errors=True)
        os.makedirs(screenshots)
        self.folder = tempfile.mkdtemp(prefix="tandem_learning_")
        self.project, self.runs = self.at("study.tandem"), self.at("study learning")

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def tandem(self, *arguments):
        subprocess.run([self.program, *arguments], check=True, capture_output=True, timeout=300)

    def make_project(self):
        self.tandem("project", "create", self.project)
        for n in range(3):
            self.tandem("phantom", self.at("p"), "--seed", str(n + 1))
            image = shutil.move(self.at("p", "ct.nii.gz"), self.at(f"scan{n}.nii.gz"))
            self.tandem("project", "import", self.project, image, "--labels", self.at("p", "labels.nii.gz"))
            shutil.rmtree(self.at("p"))
            for state in ("submitted", "approved"):
                self.tandem("project", "review", self.project, "--case", f"scan{n}", "--to", state, "--by", "Ada")

    def use_recipe(self, **more):
        os.makedirs(self.runs, exist_ok=True)
        with open(os.path.join(self.runs, "recipe.json"), "w") as f:
            json.dump({"recipe": {**SHORT, **more}}, f)

    def remembered(self):
        with sqlite3.connect(f"file:{self.project}?mode=ro", uri=True) as data:
            row = data.execute("SELECT value FROM setting WHERE key = 'model.file'").fetchone()
        return row[0] if row else ""

    def open_dialog(self):
        window = self.window
        window.wait("the model", lambda s: s["model"] == "Ready" and s["session"]["caseOpen"], 120)
        window.click_on("modelMenuHead")
        window.click_on("menuLearn")
        window.wait("the dialog", lambda s: "learningStart" in s["items"], 10)
        window.screenshot("01 before")

    def start_and_stop(self):
        self.use_recipe(samples=4000)
        self.window.click_on("learningStart")
        desktop.wait_until("the first samples", lambda: os.path.exists(os.path.join(self.runs, "run 1", "model.safetensors")), 120)
        self.window.screenshot("02 learning")
        self.window.click_on("learningStop")
        self.window.wait("the run to be stopped", lambda s: "learningStart" in s["items"] and "learningReport" in s["items"], 60)
        self.window.screenshot("03 stopped")
        assert os.listdir(self.runs) == ["recipe.json"], "a run that was stopped left files"

    def start_and_finish(self):
        self.use_recipe()
        self.window.click_on("learningStart")
        self.window.wait("the new model", lambda s: "learningAdopt" in s["items"], 180)
        self.window.screenshot("04 learnt")
        run = os.path.join(self.runs, "run 1")
        assert os.path.exists(os.path.join(run, "model.safetensors"))
        assert not os.path.exists(os.path.join(run, "project-pack")), "slices of patients were left behind"
        assert self.remembered() == "", "the model changed without being asked for"

    def adopt_and_go_back(self):
        self.window.click_on("learningAdopt")
        self.window.wait("the new model in use", lambda s: "learningAdopted" in s["items"], 60)
        assert self.window.state()["modelName"].endswith(", run 1"), "old and new model look alike"
        self.window.screenshot("05 adopted")
        desktop.wait_until("the project to remember it", lambda: self.remembered().endswith("run 1/model.safetensors"), 10)
        self.window.click_on("learningBack")
        self.window.wait("the old model in use", lambda s: "learningAdopt" in s["items"] and s["model"] == "Ready", 60)
        desktop.wait_until("the project to forget it", lambda: self.remembered() == "", 10)

    def run(self):
        self.make_project()
        with desktop.Desktop() as screen:
            self.window = desktop.Window(screen, self.program, [self.project], self.at(), self.screenshots)
            try:
                for step in (self.open_dialog, self.start_and_stop, self.start_and_finish, self.adopt_and_go_back):
                    print("--", step.__name__.replace("_", " "), flush=True)
                    step()
            except AssertionError:
                self.window.screenshot("99 where it failed")
                raise
            finally:
                self.window.close()
        shutil.rmtree(self.folder)


if __name__ == "__main__":
    desktop.skip_without_tools()
    LearningJob(*sys.argv[1:3]).run()
    print("Learning holds.")
