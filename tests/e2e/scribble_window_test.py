#!/usr/bin/env python3
"""Scribbles in the real window, with a real mouse and keyboard: one along the liver, one with Shift beside it, one that is taken
back, one that is dropped with Escape before the mouse lets go. What is proposed and stored is read with Python's SQLite.
Usage: scribble_window_test.py TANDEM IMAGE TRUTH LABEL SCREENSHOT_FOLDER"""
import sqlite3
import sys

from main_job_window_test import AXIAL, MainJob, desktop, dice, do, np


class ScribbleJob(MainJob):
    def path_along(self, allowed):
        """In-plane voxels along the longest row of a slice's pixels, without the ends of the row: [(a, b), ...]."""
        longest = (0, 0, 0)  # length, a, b
        for b in range(allowed.shape[1]):
            length = 0
            for a in range(allowed.shape[0]):
                length = length + 1 if allowed[a, b] else 0
                longest = max(longest, (length, a, b))
        length, last, b = longest
        first = last - length + 1
        return [(a, b) for a in range(first + length // 5, last - length // 5 + 1)]

    def inner(self, mask, steps):
        """What is left when a slice's rim is taken off so many times."""
        for _ in range(steps):
            mask = mask & np.roll(mask, 1, 0) & np.roll(mask, -1, 0) & np.roll(mask, 1, 1) & np.roll(mask, -1, 1)
        return mask

    def choose_paths(self):
        liver = self.slice_of(self.scan.liver)
        self.inside = self.path_along(self.inner(liver, 4))
        lowest = np.argwhere(liver)[:, 1].max()
        beside = self.inner(~liver, 3)
        beside[:, :max(0, lowest - 30)] = False
        beside[:, lowest + 1:] = False
        self.outside = self.path_along(beside)[::2]

    def scribble(self, path, shift=False, release=True):
        state = self.window.state()
        places = [self.scan.place(state, AXIAL, self.voxel(*path[n])) for n in (0, len(path) // 2, -1)]
        if shift:
            self.desktop.do("keydown", "shift")
        self.window.drag(places, release)
        if shift:
            self.desktop.do("keyup", "shift")

    def wait_for_prompts(self, count):
        self.window.wait(f"the answer to {count} prompts", lambda s: s["document"]["promptPoints"] == count
                         and s["document"]["proposalState"] == "Ready" and not s["document"]["proposalWorking"], 120)

    def draw_along_the_liver(self):
        window = self.window
        self.choose_paths()
        window.key("p")
        window.wait("the point tool", lambda s: s["document"]["tool"] == "Points", 5)
        window.screenshot("03 points tool")
        self.scribble(self.inside, release=False)
        window.screenshot("04 while drawing")
        window.release()
        self.wait_for_prompts(1)
        window.screenshot("05 belongs")

    def draw_beside_and_take_back(self):
        window = self.window
        self.scribble(self.outside, shift=True)
        self.wait_for_prompts(2)
        window.screenshot("06 does not belong")
        window.key("BackSpace")
        self.wait_for_prompts(1)
        window.screenshot("07 taken back")
        self.scribble(self.outside, shift=True)
        self.wait_for_prompts(2)

    def drop_one_in_the_hand(self):
        window = self.window
        self.scribble(self.inside[::-1], release=False)
        self.desktop.do("key", "Escape")  # window.key would let the mouse button go first
        window.release()
        state = window.state()["document"]
        assert state["promptPoints"] == 2 and state["proposalState"] == "Ready", state

    def accept_and_compare(self):
        window = self.window
        window.key("Return")
        self.wait_for_entries(1)
        drawn = self.slice_of(self.on_disk()[2]) > 0
        assert all(drawn[a, b] for a, b in self.inside[1:-1]), "a scribble did not win at all its pixels"
        assert not any(drawn[a, b] for a, b in self.outside[1:-1]), "a scribble that says no did not win at all its pixels"
        self.figures["dice_of_proposal"] = round(float(dice(drawn, self.slice_of(self.scan.liver))), 3)
        window.screenshot("08 accepted")

    def compare_the_record(self):
        with sqlite3.connect(f"file:{self.project_file}?mode=ro", uri=True) as db:
            (prompt,) = db.execute("SELECT prompt_id FROM proposal WHERE accepted = 1").fetchone()
            points = db.execute("SELECT number, x, y, foreground FROM prompt_point WHERE prompt_id = ? ORDER BY number", (prompt,)).fetchall()
            assert [p[3] for p in points] == [1, 0], points
            for (number, x, y, _), path in zip(points, (self.inside, self.outside)):
                along = db.execute("SELECT x, y FROM prompt_along WHERE prompt_id = ? AND number = ? ORDER BY step", (prompt, number)).fetchall()
                assert np.abs(np.subtract((x, y), path[0])).max() < 1, ((x, y), path[0])
                assert np.abs(np.subtract(along[-1], path[-1])).max() < 1.5, (along[-1], path[-1])

    def show_the_keys(self):
        self.window.key("question")
        self.window.screenshot("09 keys")

    def steps(self):
        return (self.open_scan, self.go_to_liver, self.draw_along_the_liver, self.draw_beside_and_take_back,
                self.drop_one_in_the_hand, self.accept_and_compare, self.compare_the_record, self.show_the_keys)


if __name__ == "__main__":
    do(ScribbleJob(*sys.argv[1:6]), "Scribbles hold.")
