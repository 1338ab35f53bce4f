#!/usr/bin/env python3
"""Propagation in the real window, with a real mouse and keyboard: a box on one slice, Shift+P, the masks of the other slices
as one edit, a click on a finding, undo and redo of the whole, and a second run that is stopped. What is on disk is read with
Python's SQLite and compared with the truth.
Usage: propagation_window_test.py TANDEM IMAGE TRUTH LABEL LEAST_DICE SCREENSHOT_FOLDER"""
import sys
import time

from main_job_window_test import AXIAL, MainJob, dice, do, np


class PropagationJob(MainJob):
    def __init__(self, program, image, truth, label, least, screenshots):
        super().__init__(program, image, truth, label, screenshots)
        self.least = float(least)

    def box_and_propagate(self):
        window = self.window
        window.key("v")
        window.wait("the box tool", lambda s: s["document"]["tool"] == "Box", 5)
        inside = np.argwhere(self.slice_of(self.scan.liver))
        state = window.state()
        window.drag([self.scan.place(state, AXIAL, self.voxel(*corner)) for corner in (inside.min(axis=0), inside.max(axis=0))])
        window.wait("the proposal", lambda s: s["document"]["proposalState"] == "Ready", 120)
        window.key("shift+p")
        time.sleep(1.0)
        window.screenshot("03 propagating")
        window.wait("the list of findings", lambda s: "propagationPanel" in s["items"], 300)
        self.wait_for_entries(2)  # the proposal, and all other slices at once
        time.sleep(1)
        window.screenshot("04 propagated")
        self.propagated = self.on_disk()[2]
        slices = np.nonzero(self.propagated.any(axis=self.scan.axes(AXIAL)[:2]))[0]
        self.figures["slices"] = len(slices)
        self.figures["dice_3d"] = round(float(dice(self.propagated > 0, self.scan.liver)), 3)
        assert slices.min() < self.slice < slices.max(), "it went in one direction only"
        assert self.figures["dice_3d"] > self.least, self.figures
        titles = [entry[4] for entry in self.on_disk()[1]]
        assert titles[1].startswith("Propagation"), titles

    def go_to_finding(self):
        window = self.window
        findings = [name for name in window.state()["items"] if name.startswith("finding")]
        self.figures["findings_seen"] = len(findings)
        if not findings:
            return
        window.click_on(sorted(findings)[-1])
        time.sleep(0.5)
        window.screenshot("05 at a finding")

    def undo_and_redo_whole(self):
        window = self.window
        window.key("ctrl+z")
        self.wait_for_entries(3)
        left = self.on_disk()[2]
        assert left.astype(bool).sum() == (self.slice_of(left) > 0).sum() > 0, "undo did not take back every other slice"
        window.screenshot("06 undone")
        window.key("ctrl+shift+z")
        self.wait_for_entries(4)
        assert (self.on_disk()[2] == self.propagated).all()
        window.click_on("propagationDismiss")
        window.wait("the list to be closed", lambda s: "propagationPanel" not in s["items"], 5)
        window.screenshot("07 list closed")

    def button_and_stop(self):
        window = self.window
        window.key("ctrl+z")
        self.wait_for_entries(5)
        self.return_to_slice()
        window.click_on("propagateButton")
        stopped = self.stop_the_job()
        window.wait("the job to be gone", lambda s: "jobsButton" not in s["items"], 300)
        time.sleep(0.5)
        window.screenshot("09 stopped")
        if stopped and "propagationPanel" not in window.state()["items"]:
            assert self.entries() == 5, "a propagation that was stopped wrote something"
        else:
            print("   the job was done before it could be stopped", flush=True)
            self.wait_for_entries(6)

    def stop_the_job(self):
        """Whether there was still something to stop when the mouse got there."""
        window = self.window
        try:
            window.click_on("jobsButton")
            window.screenshot("08 jobs")
            window.click_on("stopJob")
        except AssertionError:
            return False
        return True

    def steps(self):
        return (self.open_scan, self.go_to_liver, self.box_and_propagate, self.go_to_finding, self.undo_and_redo_whole,
                self.button_and_stop)


if __name__ == "__main__":
    do(PropagationJob(*sys.argv[1:7]), "Propagation holds.")
