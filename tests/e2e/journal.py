"""Reads a Tandem project with Python's own SQLite and zlib, so that the window's masks can be compared with something that
is not Tandem: the edit journal of database/README.md replayed over an empty map."""
import sqlite3
import zlib

import numpy as np

DO, UNDO, REDO = range(3)


def _numbers(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield value
            value = shift = 0


def _runs(blob, size):
    raw = zlib.decompress(blob)
    assert len(raw) == size and raw[0] == 1, "an entry of the journal is not what the README says"
    numbers = _numbers(raw[1:])
    reached = 0
    for _ in range(next(numbers)):
        start = reached + next(numbers)
        length, before, after = next(numbers), next(numbers), next(numbers)
        reached = start + length
        yield start, length, before, after


class Project:
    """What is on disk now; may be read while the program runs."""

    def __init__(self, file):
        self.db = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)

    def close(self):
        self.db.close()

    def case(self):
        row = self.db.execute('SELECT c.id, c.name, c.state, l.id, i.size_i, i.size_j, i.size_k FROM "case" c '
                              "JOIN layer l ON l.case_id = c.id JOIN image i ON i.case_id = c.id ORDER BY c.id DESC LIMIT 1").fetchone()
        return dict(zip(("id", "name", "state", "layer", "i", "j", "k"), row)) if row else None

    def entries(self):
        layer = self.case()["layer"]
        return self.db.execute("SELECT id, action, target, source, title, bytes, runs FROM edit WHERE layer_id = ? ORDER BY id",
                               (layer,)).fetchall()

    def mask(self):
        """The label map as an array [i, j, k]."""
        case = self.case()
        flat = np.zeros(case["i"] * case["j"] * case["k"], np.uint16)
        done = {}
        for number, action, target, _, _, size, blob in self.entries():
            if action == DO:
                done[number] = list(_runs(blob, size))
            for start, length, before, after in done[number if action == DO else target]:
                if action == UNDO:
                    before, after = after, before
                assert (flat[start:start + length] == before).all(), f"entry {number} does not fit"
                flat[start:start + length] = after
        return flat.reshape((case["i"], case["j"], case["k"]), order="F")

    def review_steps(self):
        return self.db.execute("SELECT from_state, to_state FROM review_event WHERE case_id = ? ORDER BY id",
                               (self.case()["id"],)).fetchall()
