"""Compares the reader with pydicom (and nibabel for mosaics) on every DICOM file of the large set.
Usage: conformance_dicom.py IMAGE_DUMP DATA. Prints a table; exit 1 on any difference that is not explained here."""
import os
import sys

import numpy as np

from dump_client import Dump, Table, difference
from dicom_reference import read_folder

SKIPPED = 77

# Files that pydicom decodes and the reader refuses: the word of its reason, and why that is right.
REFUSED = {}
# Files whose pixels differ from pydicom's, by at most so many grey levels, and why.
LOSSY = {}


def same_grid(volume, answer):
    return list(volume.voxels.shape[:3]) == answer["size"] and np.allclose(volume.affine, answer["affine"], atol=1e-4)


def compare(volume, answer, tolerance):
    if tolerance:
        worst = np.abs(volume.voxels.astype(float) - answer["voxels"]).max()
        return None if worst <= tolerance else f"values differ by {worst:g}, {tolerance} allowed"
    return difference(answer, volume.affine, volume.voxels, volume.scaled)


def check_frame(dump, entry, frame, volumes, used):
    answer = dump.read(entry["path"], entry["series"], frame)
    if not answer["ok"]:
        return "refused: " + answer["sentence"], False
    series = entry["series"].split(" ")[0]
    problems = []
    for n, volume in enumerate(volumes):
        if n in used or volume.series != series or not same_grid(volume, answer):
            continue
        tolerance = max([LOSSY.get(os.path.basename(f), 0) for f in volume.files])
        problem = compare(volume, answer, tolerance)
        if problem is None:
            used.add(n)
            return f"equal  {'x'.join(map(str, answer['size']))} {answer['type']} {'; '.join(answer['warnings'])}", False
        problems.append(problem)
    return "; ".join(problems[:3]) or "no volume of the reference has this grid", True


def check_folder(dump, table, folder, name):
    volumes, problems = read_folder(folder)
    listed = dump.list(folder)
    used = set()
    for entry in listed.get("entries", []):
        for frame in range(entry["frames"]):
            title = f"{name}: {entry['description']} frame {frame}"
            table.check(title, lambda: check_frame(dump, entry, frame, volumes, used))
    return volumes, problems, used


def check_left_over(dump, table, name, volumes, used):
    """Volumes of the reference that no series of ours equals: every file must be refused for a reason stated here."""
    for n, volume in enumerate(volumes):
        if n in used:
            continue
        for path in sorted(volume.files):
            answer = dump.read(path)
            word = REFUSED.get(os.path.basename(path))
            refused = not answer["ok"] and word and word in answer["sentence"]
            told = "refused: " + answer.get("sentence", "") if not answer["ok"] else "read, but equal to no volume of the reference"
            table.add(f"{name}/{os.path.basename(path)}", told, not refused)


def check_unreadable(dump, table, name, problems):
    """What pydicom cannot decode: a sentence, or an image; never a crash."""
    for path, reason in sorted(problems.items()):
        def outcome():
            answer = dump.read(path)
            if not answer["ok"]:
                return "refused: " + answer["sentence"], len(answer["sentence"]) < 40
            return f"read (pydicom: {reason}) {answer['size']}", False
        table.check(f"{name}/{os.path.basename(path)}", outcome)


def main():
    program, data = sys.argv[1:3]
    root = os.path.join(data, "dicom")
    if not os.path.isdir(root):
        print("skipped: the large set of real scans is not beside this checkout")
        return SKIPPED
    dump, table = Dump(program), Table()
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        if os.path.isdir(folder):
            volumes, problems, used = check_folder(dump, table, folder, name)
            check_left_over(dump, table, name, volumes, used)
            check_unreadable(dump, table, name, problems)
    return table.finish()


if __name__ == "__main__":
    sys.exit(main())
