"""Compares the reader with pydicom (and nibabel for mosaics) on every DICOM file of the large set.
Usage: conformance_dicom.py IMAGE_DUMP DATA. Prints a table; exit 1 on any difference that is not explained here."""
import os
import sys
import tempfile

import numpy as np

from dump_client import Dump, Table, difference
from dicom_reference import read_folder

SKIPPED = 77

# Files that pydicom and GDCM turn into numbers and the reader refuses: a word of its reason.
REFUSED = {
    "JPEG2000-embedded-sequence-delimiter.dcm": "JPEG 2000",  # the width in the code stream is overwritten
}
# Lossy JPEG colour: two correct decoders differ by the rounding of YCbCr to RGB, by at most so many grey levels.
LOSSY = {"IM00001.fragmented_no_bot_jpeg_baseline.50.dcm": 2}
# Signed code stream under an unsigned tag: Pillow moves the values up by half of the range, the reader keeps them
# (this CT's air is then -2048 and not 30720).
MOVED = {"TOSHIBA_J2K_SIZ1_PixRep0.dcm": -32768}
# Decoded by neither pydicom nor GDCM (or wrongly: GDCM joins the fragments of JPEG-LS frames as one): must equal the
# same slices in a transfer syntax that they decode.
PREFIX = "CTImage.dcm_JPEGProcess"
TWINS = {
    PREFIX + "6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm": PREFIX + "2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm",
    PREFIX + "10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm": PREFIX + "2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm",
    "CT0012.fragmented_no_bot_jpeg_ls.80.dcm": "CT0012.not_fragmented_bot_rle.dcm",
}


def same_grid(volume, answer):
    return list(volume.voxels.shape[:3]) == answer["size"] and np.allclose(volume.affine, answer["affine"], atol=1e-4)


def compare(volume, answer):
    names = [os.path.basename(f) for f in volume.files]
    tolerance = max(LOSSY.get(name, 0) for name in names)
    voxels = volume.voxels + max((MOVED.get(name, 0) for name in names), key=abs)
    if tolerance:
        worst = np.abs(voxels.astype(float) - answer["voxels"]).max()
        return None if worst <= tolerance else f"values differ by {worst:g}, {tolerance} allowed"
    return difference(answer, volume.affine, voxels, volume.scaled)


def check_frame(dump, entry, frame, volumes, used):
    answer = dump.read(entry["path"], entry["series"], frame)
    if not answer["ok"]:
        return "refused: " + answer["sentence"], False
    series = entry["series"].split(" ")[0]
    problems = []
    for n, volume in enumerate(volumes):
        if n in used or volume.series != series or not same_grid(volume, answer):
            continue
        problem = compare(volume, answer)
        if problem is None:
            used.add(n)
            return f"equal  {'x'.join(map(str, answer['size']))} {answer['type']} {'; '.join(answer['warnings'])}", False
        problems.append(problem)
    return "; ".join(problems[:3]) or "no volume of the reference has this grid", True


def reference(folder):
    """Volumes of a folder; where a file has a twin, the twin's."""
    volumes, problems = read_folder(folder)
    for path in [p for p in sorted(problems) + sorted(f for v in volumes for f in v.files) if os.path.basename(p) in TWINS]:
        twin = os.path.join(os.path.dirname(os.path.realpath(path)), TWINS[os.path.basename(path)])
        with tempfile.TemporaryDirectory() as alone:
            os.symlink(twin, os.path.join(alone, os.path.basename(twin)))
            extra = read_folder(alone)[0]
        volumes = [v for v in volumes if path not in v.files] + extra
        problems.pop(path, None)
    return volumes, problems


def check_folder(dump, table, folder, name):
    volumes, problems = reference(folder)
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
        for path in sorted(f for f in volume.files if os.path.exists(f)):
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


def check_one_folder(dump, table, folder, name):
    volumes, problems, used = check_folder(dump, table, folder, name)
    check_left_over(dump, table, name, volumes, used)
    check_unreadable(dump, table, name, problems)


def check_file_alone(dump, table, path, name):
    """A file in a folder of its own: nothing is hidden behind another copy of the same picture."""
    with tempfile.TemporaryDirectory() as alone:
        os.symlink(path, os.path.join(alone, os.path.basename(path)))
        check_one_folder(dump, table, alone, name)


def main():
    program, data = sys.argv[1:3]
    root = os.path.join(data, "dicom")
    if not os.path.isdir(root):
        print("skipped: the large set of real scans is not beside this checkout")
        return SKIPPED
    dump, table = Dump(program), Table()
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        if not os.path.isdir(folder):
            continue
        check_one_folder(dump, table, folder, name)
        for at, _, files in sorted(os.walk(folder)):
            for file in sorted(files):
                if not file.startswith("DICOMDIR"):
                    check_file_alone(dump, table, os.path.join(at, file), f"{name} alone")
    return table.finish()


if __name__ == "__main__":
    sys.exit(main())
