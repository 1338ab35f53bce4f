#!/usr/bin/env python3
"""The main job in the real window, with a real mouse and keyboard: open a scan, draw a box round the liver, take the
network's proposal, brush, undo, redo, be killed in mid-stroke, open again, submit, approve, export. What is on disk is
read with Python's SQLite, what is exported with nibabel, what is shown off the screen itself.
Usage: main_job_window_test.py TANDEM IMAGE TRUTH LIVER_LABEL SCREENSHOT_FOLDER
(IMAGE "demo": the case that the first start offers, a synthetic abdomen that the program makes; TRUTH is ignored)"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

import desktop

desktop.skip_without_tools()
try:
    import nibabel
    import numpy as np
    from PIL import Image
except ImportError as missing:
    print(f"Skipped: {missing} (see installers/packages.txt).")
    sys.exit(desktop.SKIP)

import journal

NEW, IN_PROGRESS, SUBMITTED, APPROVED, REJECTED = range(5)
AXIAL, CORONAL, SAGITTAL = range(3)
# Towards which patient direction the screen's x and y grow (radiological convention), by plane.
SCREEN = {AXIAL: ("L", "P"), CORONAL: ("L", "I"), SAGITTAL: ("P", "I")}
OPPOSITE = dict(zip("LRAPIS", "RLPASI"))


class Scan:
    """Image and truth as nibabel sees them, and where a voxel must be on the screen."""

    def __init__(self, image, truth, label):
        self.affine = nibabel.load(image).affine
        self.liver = np.asarray(nibabel.load(truth).dataobj) == label
        self.codes = nibabel.aff2axcodes(self.affine)
        self.size = self.liver.shape

    def axis_towards(self, letter):
        """The array axis along a patient direction, and whether it runs against it."""
        for axis, code in enumerate(self.codes):
            if code in (letter, OPPOSITE[letter]):
                return axis, code != letter

    def axes(self, plane):
        x, y = (self.axis_towards(letter)[0] for letter in SCREEN[plane])
        return x, y, 3 - x - y

    def fullest(self, plane):
        x, y, across = self.axes(plane)
        return int(np.argmax(self.liver.sum(axis=(x, y))))

    def place(self, state, plane, voxel):
        """Where the centre of a voxel (fractions allowed) lies in the window."""
        name = f"slice{plane}"
        left, top = state["items"][name][:2]
        rect = state["views"][name]["imageRect"]
        place = []
        for letter, start, length in zip(SCREEN[plane], rect[:2], rect[2:]):
            axis, against = self.axis_towards(letter)
            part = (voxel[axis] + 0.5) / self.size[axis]
            place.append(start + length * (1 - part if against else part))
        return left + place[0], top + place[1]


def dice(a, b):
    return 2 * np.logical_and(a, b).sum() / max(1, a.sum() + b.sum())


class MainJob:
    def __init__(self, program, image, truth, label, screenshots):
        self.program, self.screenshots = program, screenshots
        self.folder = tempfile.mkdtemp(prefix="tandem_window_")
        shutil.rmtree(screenshots, ignore_errors=True)
        os.makedirs(screenshots)
        self.image, self.truth, self.label = image, truth, int(label)
        self.figures = {}

    # What is on disk, read by somebody else.

    def on_disk(self):
        project = journal.Project(self.project_file)
        try:
            return project.case(), project.entries(), project.mask()
        finally:
            project.close()

    def entries(self):
        return len(self.on_disk()[1])

    def wait_for_entries(self, count):
        desktop.wait_until(f"{count} entries on disk", lambda: self.entries() == count, 10)

    @staticmethod
    def scan_is_shown(state):
        return state["document"].get("open") and "slice0" in state["views"] and not state["session"]["opening"] \
            and "openingCurtain" not in state["items"]

    # Steps.

    def start(self, arguments):
        self.window = desktop.Window(self.desktop, self.program, arguments, self.folder, self.screenshots)
        return self.window

    def open_scan(self):
        begun = time.monotonic()
        if self.image == "demo":
            self.take_the_demo()
        else:
            self.project_file = os.path.join(self.folder, "study.tandem")
            subprocess.run([self.program, "project", "create", self.project_file], check=True, stdout=subprocess.DEVNULL)
            self.start([self.project_file, self.image])
        window = self.window
        state = window.wait("the scan to be shown", self.scan_is_shown, 60)
        self.figures["start_to_scan_s"] = round(time.monotonic() - begun, 2)
        assert os.path.samefile(state["session"]["projectPath"], self.project_file), state["session"]
        window.wait("the model", lambda s: s["model"] == "Ready", 60)
        self.figures["start_to_model_s"] = round(time.monotonic() - begun, 2)
        self.scan = Scan(self.image, self.truth, self.label)
        self.slice = self.scan.fullest(AXIAL)
        window.screenshot("01 scan open")

    def take_the_demo(self):
        window = self.start([])
        window.wait("the offer of a demo", lambda s: "emptyDemo" in s["items"], 20)
        window.screenshot("00 first start")
        window.click_on("emptyDemo")
        self.project_file = window.wait("the demo project", lambda s: s["session"]["projectPath"], 60)["session"]["projectPath"]
        images = os.path.join(os.path.dirname(self.project_file), "phantom")
        self.image, self.truth = os.path.join(images, "ct.nii.gz"), os.path.join(images, "truth.nii.gz")

    def go_to_liver(self):
        window, plane = self.window, AXIAL
        across = self.scan.axes(AXIAL)[2]
        middle = np.argwhere(np.take(self.scan.liver, self.slice, axis=across)).mean(axis=0)
        voxel = np.insert(middle, across, self.slice)
        window.key("x")
        window.click(*self.scan.place(window.state(), CORONAL, voxel))
        cursor = lambda s: self.cursor(s)[across]
        window.wait("the crosshair near the liver", lambda s: abs(cursor(s) - self.slice) <= 2, 5)
        window.move(*self.scan.place(window.state(), plane, voxel))
        for _ in range(40):
            now = cursor(window.state())
            if now == self.slice:
                break
            up = (self.slice > now) != self.scan.axis_towards("S")[1]
            window.key("period" if up else "comma")
            window.wait("the next slice", lambda s: cursor(s) != now, 5)
        assert cursor(window.state()) == self.slice
        window.screenshot("02 at the liver")

    def slice_of(self, volume):
        return np.take(volume, self.slice, axis=self.scan.axes(AXIAL)[2])

    def voxel(self, a, b):
        """A voxel of the chosen axial slice from its two in-plane indices, in array order."""
        return np.insert(np.array([a, b], float), self.scan.axes(AXIAL)[2], self.slice)

    def box_round_liver(self):
        """Boxes on one slice after the other, until the window never stood still for 50 ms while the network worked, in a time in
        which the machine did not stop another program either."""
        attempts = 5
        self.figures["attempts"] = self.figures["attempts_on_a_busy_machine"] = 0
        ticker = desktop.Ticker(os.path.join(self.folder, "ticker.log"))
        try:
            for attempt in range(attempts):
                if attempt > 0:
                    self.next_slice_down()
                self.draw_box(ticker)
                self.figures["attempts"] += 1
                if self.figures["gaps_over_50_ms_while_encoding"] == 0:
                    break
        finally:
            ticker.close()
        self.window.screenshot("03 proposal")
        assert self.entries() == 0, "a proposal is no edit before it is accepted"

    def draw_box(self, ticker):
        window = self.window
        window.key("v")
        window.wait("the box tool", lambda s: s["document"]["tool"] == "Box", 5)
        inside = np.argwhere(self.slice_of(self.scan.liver))
        low, high = inside.min(axis=0) - 1, inside.max(axis=0) + 1
        state = window.state()
        window.drag([self.scan.place(state, AXIAL, self.voxel(*low)), self.scan.place(state, AXIAL, self.voxel(*high))], release=False)
        before, stops = window.state(), ticker.stops()
        begun = time.monotonic()
        window.release()
        window.wait("the proposal", lambda s: s["document"]["proposalState"] == "Ready", 120)
        self.figures["box_to_proposal_s"] = round(time.monotonic() - begun, 2)
        time.sleep(0.2)
        state = window.state()
        assert state["document"]["proposalMs"] > 0
        self.figures["proposal_ms"] = round(state["document"]["proposalMs"], 1)
        gaps = state["gapsOver50"] - before["gapsOver50"]
        busy = ticker.stops() > stops
        self.figures["gaps_over_50_ms_while_encoding"] = gaps
        self.figures["attempts_on_a_busy_machine"] += gaps > 0 and busy
        if gaps > 0:
            print(f"   the window stood still {gaps} times for more than 50 ms; " + ("so did" if busy else "not so") +
                  f" another program (load {os.getloadavg()[0]:.1f})", flush=True)
        self.figures["longest_gap_ms_since_start"] = round(state["longestGapMs"], 1)

    def next_slice_down(self):
        window, across = self.window, self.scan.axes(AXIAL)[2]
        window.key("Escape")
        window.wait("the proposal to be gone", lambda s: s["document"]["proposalState"] == "None", 5)
        window.key("comma")
        now = window.wait("the next slice", lambda s: self.cursor(s)[across] != self.slice, 5)
        self.slice = self.cursor(now)[across]

    @staticmethod
    def cursor(state):
        return [state["document"][name] for name in ("cursorI", "cursorJ", "cursorK")]

    def accept(self):
        window = self.window
        window.key("Return")
        self.wait_for_entries(1)
        window.wait("the proposal to be taken", lambda s: s["document"]["proposalState"] == "None" and s["document"]["canUndo"], 10)
        case, entries, mask = self.on_disk()
        assert case["state"] == IN_PROGRESS, case
        drawn = self.slice_of(mask) > 0
        assert mask.astype(bool).sum() == drawn.sum(), "the proposal went to another slice, too"
        self.figures["dice_of_proposal"] = round(float(dice(drawn, self.slice_of(self.scan.liver))), 3)
        assert self.figures["dice_of_proposal"] > 0.6, self.figures
        time.sleep(1)  # the first surface is built
        window.screenshot("04 accepted")

    def stroke_places(self, row):
        """A short path from left to right through the in-plane places `row` parts down the image."""
        size = self.slice_of(self.scan.liver).shape
        state = self.window.state()
        voxels = [self.voxel(size[0] * part, size[1] * row) for part in (0.4, 0.5, 0.6)]
        return voxels, [self.scan.place(state, AXIAL, v) for v in voxels]

    def unlabelled_stroke(self):
        """The path of the first row that starts outside of the mask: a stroke inside of it would change nothing."""
        mask = self.on_disk()[2]
        for row in (0.6, 0.7, 0.5, 0.9, 0.1):
            voxels, places = self.stroke_places(row)
            if not all(mask[tuple(np.round(v).astype(int))] for v in voxels):
                return places
        raise AssertionError("the mask covers every row")

    def brush(self):
        window = self.window
        before = self.on_disk()[2]
        window.key("b")
        window.wait("the brush", lambda s: s["document"]["tool"] == "Brush", 5)
        voxels, places = self.stroke_places(0.2)
        window.drag(places)
        self.wait_for_entries(2)
        mask = self.on_disk()[2]
        for v in voxels:
            assert mask[tuple(np.round(v).astype(int))] > 0, f"the brush did not draw at voxel {v}"
        changed = np.argwhere(mask != before)
        radius = window.state()["document"]["brushRadiusMm"]
        world = nibabel.affines.apply_affine(self.scan.affine, changed)
        path = nibabel.affines.apply_affine(self.scan.affine, np.linspace(voxels[0], voxels[-1], 200))
        reach = np.sqrt(((world[:, None] - path[None]) ** 2).sum(axis=2)).min(axis=1)
        slack = float(np.abs(self.scan.affine[:3, :3]).sum(axis=0).max())
        assert reach.max() <= radius + slack, f"the brush drew {reach.max():.1f} mm from its path, radius {radius} mm"
        self.brushed, self.before_brush = mask, before
        window.screenshot("05 brushed")

    def undo_and_redo(self):
        window = self.window
        window.key("ctrl+z")
        self.wait_for_entries(3)
        assert (self.on_disk()[2] == self.before_brush).all(), "undo left something behind"
        window.wait("redo to be there", lambda s: s["document"]["canRedo"], 5)
        window.screenshot("06 undone")
        window.key("ctrl+shift+z")
        self.wait_for_entries(4)
        assert (self.on_disk()[2] == self.brushed).all(), "redo brought back something else"
        window.wait("redo to be used up", lambda s: not s["document"]["canRedo"], 5)
        window.screenshot("07 redone")

    def kill_in_mid_stroke(self):
        window = self.window
        _, places = self.stroke_places(0.75)
        window.drag(places, release=False)
        window.screenshot("08 in mid-stroke")
        window.kill()
        window.release()
        case, entries, mask = self.on_disk()
        assert len(entries) == 4 and (mask == self.brushed).all(), "the kill changed what was finished"

    def open_again(self):
        window = self.start([self.project_file])
        window.wait("the case to be open again", self.scan_is_shown, 60)
        state = window.wait("its undo", lambda s: s["document"]["canUndo"], 5)
        assert not state["document"]["canRedo"]
        assert state["session"]["caseState"] == "InProgress", state["session"]
        assert (self.on_disk()[2] == self.brushed).all()
        self.return_to_slice()
        window.screenshot("09 open again")
        window.key("ctrl+z")
        self.wait_for_entries(5)
        assert (self.on_disk()[2] == self.before_brush).all(), "undo did not survive the kill"
        window.key("ctrl+shift+z")
        self.wait_for_entries(6)
        assert (self.on_disk()[2] == self.brushed).all()

    def return_to_slice(self):
        shots = self.window.screenshots
        self.go_to_liver()
        os.rename(os.path.join(shots, "02 at the liver.png"), os.path.join(shots, "08b at the liver again.png"))

    def screen_shows_mask(self):
        """Every voxel of the slice looks different with masks shown and hidden exactly if it is labelled on disk."""
        window = self.window
        window.key("x")
        window.move(*window.middle_of("caseStateBadge"))
        shown = np.asarray(Image.open(window.screenshot("10 masks shown")).convert("RGB")).astype(int)
        self.desktop.do("keydown", "space")
        window.wait("the masks to be hidden", lambda s: s["document"]["masksHidden"], 5)
        hidden = np.asarray(Image.open(window.screenshot("11 masks hidden")).convert("RGB")).astype(int)
        self.desktop.do("keyup", "space")
        window.wait("the masks to be shown", lambda s: not s["document"]["masksHidden"], 5)
        state = window.state()
        differs = np.abs(shown - hidden).sum(axis=2) > 12
        labelled = self.slice_of(self.on_disk()[2]) > 0
        x, y, width, height = state["items"]["slice0"]
        wrong = seen = 0
        for a in range(labelled.shape[0]):
            for b in range(labelled.shape[1]):
                px, py = self.scan.place(state, AXIAL, self.voxel(a, b))
                if not (x + 40 < px < x + width - 40 and y + 40 < py < y + height - 40):
                    continue  # under letters and bars
                sx, sy = window.on_screen(px, py)
                seen += 1
                wrong += bool(differs[sy, sx]) != bool(labelled[a, b])
        self.figures["voxels_compared_on_screen"] = seen
        self.figures["voxels_shown_wrong"] = int(wrong)
        assert seen > 500 and wrong <= 0.004 * seen, self.figures

    def submit_and_be_rejected(self):
        window = self.window
        window.click_on("submitButton")
        self.answer_person_dialog()
        window.wait("the case to be submitted", lambda s: s["session"]["caseState"] == "Submitted", 10)
        window.screenshot("12 submitted")
        window.click_on("rejectButton")
        window.wait("the question why", lambda s: "rejectReason" in s["items"], 5)
        time.sleep(0.3)
        window.type("The tip is missing")
        window.screenshot("12b reject")
        window.click_on("rejectConfirm")
        state = window.wait("the case to come back", lambda s: s["session"]["caseState"] == "Rejected", 10)
        assert state["session"]["caseComment"] == "The tip is missing", state["session"]["caseComment"]
        window.screenshot("12c rejected")

    def correct_submit_and_approve(self):
        window = self.window
        window.key("b")
        window.drag(self.unlabelled_stroke())
        self.wait_for_entries(7)
        window.wait("the case to be in progress", lambda s: s["session"]["caseState"] == "InProgress", 10)
        self.corrected = self.on_disk()[2]
        window.click_on("submitButton")
        window.wait("the case to be submitted", lambda s: s["session"]["caseState"] == "Submitted", 10)
        window.click_on("approveButton")
        window.wait("the case to be approved", lambda s: s["session"]["caseState"] == "Approved", 10)
        window.screenshot("13 approved")
        project = journal.Project(self.project_file)
        steps = project.review_steps()
        project.close()
        assert steps == [(NEW, IN_PROGRESS), (IN_PROGRESS, SUBMITTED), (SUBMITTED, REJECTED), (REJECTED, IN_PROGRESS),
                         (IN_PROGRESS, SUBMITTED), (SUBMITTED, APPROVED)], steps

    def answer_person_dialog(self):
        time.sleep(0.4)
        if "personName" in self.window.state()["items"]:  # asked once, of a new person
            self.window.type("Ada")  # over the proposed name, which is selected
            self.window.screenshot("12a who are you")
            self.window.click_on("personConfirm")

    def finished_mask_is_not_drawn_on(self):
        window = self.window
        window.key("b")
        _, places = self.stroke_places(0.5)
        window.drag(places)
        time.sleep(0.5)
        assert self.entries() == 7 and (self.on_disk()[2] == self.corrected).all(), "an approved mask was drawn on"
        window.screenshot("14 approved masks are kept")

    def export(self):
        window = self.window
        out = os.path.join(self.folder, "masks out")
        window.key("ctrl+e")
        window.wait("the export dialog", lambda s: "exportFolder" in s["items"], 10)
        window.click_on("exportFolder")
        window.key("ctrl+a")
        window.type(out)
        window.screenshot("15 export")
        window.click_on("exportStart")
        desktop.wait_until("the exported mask", lambda: os.path.isdir(out) and any(f.endswith(".nii.gz") for f in os.listdir(out)), 30)
        window.wait("the report", lambda s: "exportReport" in s["items"], 30)
        window.screenshot("16 exported")
        files = [f for f in os.listdir(out) if f.endswith(".nii.gz")]
        assert len(files) == 1, files
        exported = nibabel.load(os.path.join(out, files[0]))
        assert np.abs(exported.affine - self.scan.affine).max() < 1e-5
        assert (np.asarray(exported.dataobj) == self.on_disk()[2]).all(), "the exported mask is not the one on screen"
        self.figures["exported_voxels"] = int((np.asarray(exported.dataobj) > 0).sum())

    def steps(self):
        return (self.open_scan, self.go_to_liver, self.box_round_liver, self.accept, self.brush, self.undo_and_redo,
                self.kill_in_mid_stroke, self.open_again, self.screen_shows_mask, self.submit_and_be_rejected,
                self.correct_submit_and_approve, self.finished_mask_is_not_drawn_on, self.export, self.judge_smoothness)

    def run(self):
        with desktop.Desktop() as self.desktop:
            try:
                for step in self.steps():
                    print("--", step.__name__.replace("_", " "), flush=True)
                    step()
            except AssertionError:
                if hasattr(self, "window") and self.window.process.poll() is None:
                    self.window.screenshot("99 where it failed")
                    print(self.window.state())
                raise
            finally:
                if hasattr(self, "window"):
                    self.window.close()

    def judge_smoothness(self):
        f = self.figures
        if f["gaps_over_50_ms_while_encoding"] == 0:
            return
        assert f["attempts_on_a_busy_machine"] == f["attempts"], \
            f"the window stood still for more than 50 ms each time the network worked: {f}"
        print("Smoothness could not be judged: the machine stopped other programs for more than 50 ms, too.")


def do(job, sentence):
    """Runs a job, says what was measured, and ends with a sentence."""
    try:
        job.run()
    finally:
        print("figures:", job.figures)
        print("screenshots:", job.screenshots)
    shutil.rmtree(job.folder)
    print(sentence)


if __name__ == "__main__":
    do(MainJob(*sys.argv[1:6]), "The main job holds.")
