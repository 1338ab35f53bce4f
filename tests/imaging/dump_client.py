"""Talks to image_dump: one process, restarted when it dies, so that a crash is one failed item and not the end."""
import json
import os
import subprocess
import tempfile

import numpy as np


class Crash(Exception):
    """image_dump ended instead of answering."""


class Dump:
    def __init__(self, program, folder=None):
        self.program = program
        self.folder = folder or tempfile.mkdtemp(prefix="tandem_imaging_")
        self.raw = os.path.join(self.folder, "voxels.raw")
        self.process = None

    def ask(self, *fields):
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write("\t".join(str(f) for f in fields) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.process = None
            raise Crash(f"image_dump ended with code {code} on {fields}")
        return json.loads(line)

    def list(self, path):
        return self.ask("list", path)

    def read(self, path, series="", frame=0):
        """The answer, with voxels as an array [x, y, z] or [x, y, z, component]."""
        answer = self.ask("read", path, series, frame, self.raw)
        return self._with_voxels(answer, answer.get("type"))

    def labels(self, path):
        return self._with_voxels(self.ask("labels", path, self.raw), "uint16")

    def _with_voxels(self, answer, dtype):
        if answer["ok"]:
            values = np.fromfile(self.raw, dtype=dtype)
            components = answer.get("components", 1)
            shape = ([components] if components > 1 else []) + answer["size"]
            values = values.reshape(shape, order="F")
            answer["voxels"] = np.moveaxis(values, 0, -1) if components > 1 else values
            answer["affine"] = np.array(answer["affine_lps"] + [[0, 0, 0, 1]], dtype=float)
        return answer


LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def difference(answer, affine, voxels, scaled=False):
    """None if geometry and voxels are the same; else what differs. Integers must be equal, scaled values to 1e-6."""
    if affine is not None:
        worst = np.abs(answer["affine"] - affine).max()
        if not worst <= 1e-5:
            return f"affine differs by {worst:g}"
    if answer["voxels"].shape != voxels.shape:
        return f"shape {answer['voxels'].shape} instead of {voxels.shape}"
    a, b = answer["voxels"].astype(np.float64), voxels.astype(np.float64)
    if scaled:
        span = max(1.0, np.nanmax(np.abs(b)) if b.size else 1.0)
        if not np.allclose(a, b, rtol=1e-6, atol=1e-6 * span, equal_nan=True):
            return f"values differ by {np.nanmax(np.abs(a - b)):g} of {span:g}"
    elif not np.array_equal(a, b, equal_nan=True):
        return f"{int((a != b).sum())} voxels differ"
    return None


class Table:
    """Every item with its result; the end of a run says how many failed."""

    def __init__(self):
        self.rows = []

    def add(self, name, result, failed=False):
        self.rows.append((name, result, failed))
        print(f"{'FAIL' if failed else 'ok  '}  {name:70s}  {result}", flush=True)

    def check(self, name, function):
        try:
            result, failed = function()
        except Crash as crash:
            result, failed = str(crash), True
        self.add(name, result, failed)

    def finish(self):
        bad = [r for r in self.rows if r[2]]
        equal = sum(1 for r in self.rows if not r[2] and r[1].startswith("equal"))
        refused = sum(1 for r in self.rows if not r[2] and r[1].startswith("refused"))
        print(f"\n{len(self.rows)} items: {equal} equal, {refused} refused in words, {len(bad)} failed")
        for name, result, _ in bad:
            print(f"  FAIL {name}: {result}")
        return 1 if bad else 0
