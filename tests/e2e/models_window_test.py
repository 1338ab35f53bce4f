#!/usr/bin/env python3
"""The Models page in the real window, with a real mouse, keyboard and drag: a checkpoint is dropped and imported, measured,
used, made the project's default; the project reopened; the file removed; the project reopened again. What the project
remembers is read with Python's SQLite. Usage: models_window_test.py TANDEM DRAG_SOURCE GOLDEN_FOLDER SCREENSHOT_FOLDER"""
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

import desktop


class ModelsJob:
    def __init__(self, program, drag_source, golden, screenshots):
        self.program, self.drag_source, self.golden, self.screenshots = program, drag_source, golden, screenshots
        shutil.rmtree(screenshots, ignore_errors=True)
        os.makedirs(screenshots)
        self.folder = tempfile.mkdtemp(prefix="tandem_models_")
        self.project = self.at("study.tandem")
        self.models = self.at("data", "Tandem", "Tandem", "models")

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def tandem(self, *arguments):
        subprocess.run([self.program, *arguments], check=True, capture_output=True, timeout=300)

    def make_files(self):
        self.tandem("phantom", self.at("p"))
        self.tandem("project", "create", self.project)
        self.tandem("project", "import", self.project, self.at("p", "ct.nii.gz"))
        shutil.copy(os.path.join(self.golden, "sam", "model.pth"), self.at("tiny.pth"))
        shutil.copy(os.path.join(self.golden, "sam", "config.json"), self.at("tiny.json"))
        shutil.copy(os.path.join(self.golden, "paper", "model.pth"), self.at("small.pth"))
        shutil.copy(os.path.join(self.golden, "paper", "config.json"), self.at("small.json"))
        with open(self.at("letter.pth"), "w") as f:
            f.write("Dear colleague, the weights follow.")

    def remembered(self):
        with sqlite3.connect(f"file:{self.project}?mode=ro", uri=True) as data:
            row = data.execute("SELECT value FROM setting WHERE key = 'model.file'").fetchone()
        return row[0] if row else ""

    def start(self):
        self.window = desktop.Window(self.screen, self.program, [self.project], self.at(), self.screenshots)
        self.window.wait("the case and a model", lambda s: s["model"] == "Ready" and s["session"]["caseOpen"], 120)

    def again(self):
        self.window.close()
        self.start()

    def listed(self, title):
        return next((m for m in self.window.state()["models"] if m["title"] == title), None)

    def wait_for(self, what, title, ready, seconds=60):
        return desktop.wait_until(what, lambda: (m := self.listed(title)) and ready(m) and m, seconds)

    def open_page(self):
        self.window.click_on("modelMenuHead")
        self.window.click_on("menuModels")
        self.window.wait("the page", lambda s: "modelImport" in s["items"] and s["models"], 10)

    def drop(self, file, place):
        """As a file manager does: pressed in its window, carried over, released."""
        source = subprocess.Popen([self.drag_source, file], env=self.screen.environment, stdout=self.window.log, stderr=self.window.log)
        try:
            self.screen.do("search", "--sync", "--onlyvisible", "--name", "^tandem drag source$")
            time.sleep(0.3)
            self.screen.do("mousemove", 40, 40)
            self.screen.do("mousedown", 1)
            x, y = self.window.on_screen(*place)
            for step in range(1, 11):
                self.screen.do("mousemove", 40 + (x - 40) * step // 10, 40 + (y - 40) * step // 10)
                time.sleep(0.05)
            time.sleep(0.3)
            self.window.screenshot("dragging " + os.path.basename(file))
            self.screen.do("mouseup", 1)
            time.sleep(0.3)
        finally:
            source.kill()
            source.wait()

    def drop_on_the_page(self):
        self.start()
        self.open_page()
        self.window.screenshot("01 page")
        self.drop(self.at("tiny.pth"), self.window.middle_of("modelRow_Tandem small"))
        row = self.wait_for("the dropped model", "tiny", lambda m: True)
        assert os.path.dirname(row["file"]) == self.models, row
        assert self.listed("Tandem small")["inUse"], "a model was used without being asked for"
        self.window.screenshot("02 imported")

    def what_is_no_model(self):
        self.drop(self.at("letter.pth"), self.window.middle_of("modelRow_Tandem small"))
        self.window.wait("the sentence", lambda s: "modelProblem" in s["items"], 30)
        self.window.screenshot("03 refused")
        assert len(os.listdir(self.models)) == 1, os.listdir(self.models)

    def measure(self):
        self.window.click_on("modelRow_tiny")
        self.window.click_on("modelMeasure")
        self.wait_for("the speed", "tiny", lambda m: "per box" in m["speed"], 120)
        self.window.screenshot("04 measured")

    def use(self):
        self.window.click_on("modelRow_Tandem small")
        self.window.key("Down")
        self.window.key("Return")
        self.wait_for("the imported model in use", "tiny", lambda m: m["inUse"])
        self.window.wait("its name below", lambda s: s["modelName"] == "tiny", 10)
        assert self.remembered() == "" and not self.listed("tiny")["isDefault"], "a model used once became the default"
        self.window.screenshot("05 in use")
        self.again()
        assert self.window.state()["modelName"] == "Tandem small"

    def make_default(self):
        self.open_page()
        self.wait_for("the list", "tiny", lambda m: "per box" in m["speed"])
        self.window.click_on("modelRow_tiny")
        self.window.wait("its details", lambda s: "modelRemove" in s["items"], 10)
        places = self.window.places_so_far("modelRow_tiny")
        assert len(places) == 1, f"the row moved while the page was opened or read: {places}"
        self.window.click_on("modelDefault")
        row = self.wait_for("the default", "tiny", lambda m: m["inUse"] and m["isDefault"])
        desktop.wait_until("the project to remember it", lambda: self.remembered() == row["file"], 10)
        self.window.screenshot("06 default")
        self.again()
        assert self.window.state()["modelName"] == "tiny"

    def remove(self):
        self.open_page()
        self.window.click_on("modelRow_tiny")
        self.window.click_on("modelRemove")
        self.window.wait("the question", lambda s: "modelRemoveConfirm" in s["items"], 10)
        self.window.screenshot("07 asked")
        self.window.click_on("modelRemoveConfirm")
        desktop.wait_until("the file to go", lambda: os.listdir(self.models) == [], 20)
        self.window.wait("the bundled model", lambda s: s["modelName"] == "Tandem small", 30)
        self.again()
        self.window.wait("the sentence", lambda s: "bundled model is used" in s["notice"], 30)
        assert self.window.state()["modelName"] == "Tandem small"
        self.window.screenshot("08 reopened without it")

    def drop_on_the_window(self):
        self.drop(self.at("small.pth"), self.window.middle_of("slice0"))
        self.window.wait("the page", lambda s: "modelRow_small" in s["items"], 30)
        assert self.listed("small")["problem"] == ""
        self.window.screenshot("09 dropped on the window")

    def run(self):
        self.make_files()
        with desktop.Desktop() as self.screen:
            try:
                for step in (self.drop_on_the_page, self.what_is_no_model, self.measure, self.use, self.make_default, self.remove,
                             self.drop_on_the_window):
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
    ModelsJob(*sys.argv[1:5]).run()
    print("The Models page holds.")
