"""Compares the reader with nibabel, PIL and plain numpy on every image and mask of pairs.csv and pairs2d.csv and on
every file of geometry/. Usage: conformance_files.py IMAGE_DUMP DATA. Prints a table; exit 1 on any difference."""
import csv
import os
import sys

import nibabel
import numpy as np
from PIL import Image

from dump_client import LPS_FROM_RAS, Dump, Table, difference
from itk_reference import read_meta, read_nrrd

SKIPPED = 77


def nibabel_reference(path, frame):
    image = nibabel.load(path)
    data = np.asanyarray(image.dataobj)
    if data.dtype.fields:
        data = np.stack([data[c] for c in "RGB"], axis=-1)
        rest = data.shape[3:-1]
        data = data.reshape(data.shape[:3] + (-1, 3), order="F")[..., frame, :] if rest else data
    else:
        shape = (data.shape + (1, 1))[:3]
        data = data.reshape(shape + (-1,), order="F")[..., frame]
    slope, intercept = getattr(image.dataobj, "slope", 1), getattr(image.dataobj, "inter", 0)
    scaled = float(slope) != int(slope) or float(intercept) != int(intercept)
    return LPS_FROM_RAS @ image.affine, data, scaled


def volume_reference(path, frame=0):
    if path.endswith((".nrrd", ".nhdr")):
        return read_nrrd(path, frame) + (False,)
    if path.endswith((".mha", ".mhd")):
        return read_meta(path) + (False,)
    return nibabel_reference(path, frame)


def check_volume(dump, path, frame=0, labels=False):
    answer = dump.labels(path) if labels else dump.read(path, "", frame)
    if not answer["ok"]:
        return "refused: " + answer["sentence"], True
    affine, voxels, scaled = volume_reference(path, frame)
    problem = difference(answer, affine, voxels, scaled)
    if problem:
        return problem, True
    shape = "x".join(str(n) for n in answer["size"])
    return f"equal  {shape} {answer.get('type', 'labels')} {'; '.join(answer.get('warnings', []))}", False


def picture_reference(path, labels):
    image = Image.open(path)
    if image.mode == "P":
        array = np.array(image if labels else image.convert("RGB"))
    elif image.mode == "1":
        array = np.array(image).astype(np.uint8) * (1 if labels else 255)
    elif image.mode in ("RGBA", "LA"):
        array = np.array(image)[..., : len(image.mode) - 1].squeeze()
    else:
        array = np.array(image)
    if labels and array.ndim == 3:
        same = (array[..., :1] == array).all()
        array = array[..., 0] if same else None
    return None if array is None else np.swapaxes(array, 0, 1)[:, :, None]


def check_picture(dump, path, labels=False):
    answer = dump.labels(path) if labels else dump.read(path)
    voxels = picture_reference(path, labels)
    if voxels is None:
        refused = not answer["ok"] and "colour" in answer["sentence"]
        return ("refused: " + answer["sentence"], False) if refused else ("a colour mask was not refused", True)
    if not answer["ok"]:
        return "refused: " + answer["sentence"], True
    problem = difference(answer, np.eye(4), voxels)
    return (problem, True) if problem else (f"equal  {voxels.shape}", False)


def check_mask_written(dump, path):
    """The mask read by us, written by us and read by nibabel lies on the affine nibabel reads from the original."""
    out = os.path.join(dump.folder, "mask.nii.gz")
    answer = dump.ask("rewrite-labels", path, out)
    if not answer["ok"]:
        return "refused: " + answer["sentence"], True
    affine, voxels, _ = volume_reference(path)
    written = nibabel.load(out)
    header = written.header
    worst = np.abs(LPS_FROM_RAS @ written.affine - affine).max()
    if worst > 1e-5:
        return f"affine differs by {worst:g}", True
    if not np.array_equal(np.asanyarray(written.dataobj), voxels):
        return "voxels differ", True
    if header["qform_code"] == 1 and np.abs(written.get_qform() - written.get_sform()).max() > 1e-3:
        return "sform and qform disagree", True
    codes = f"sform {int(header['sform_code'])} qform {int(header['qform_code'])}"
    return f"equal  written {written.get_data_dtype()} {codes}", False


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def check_pairs(dump, table, data):
    for row in rows(os.path.join(data, "pairs.csv")):
        for column in ("image", "mask"):
            path = os.path.join(data, row[column])
            table.check(f"{row['case']} {column}", lambda: check_volume(dump, path, labels=column == "mask"))
        table.check(f"{row['case']} mask written", lambda: check_mask_written(dump, os.path.join(data, row["mask"])))


def check_pairs_2d(dump, table, data):
    seen = set()
    for row in rows(os.path.join(data, "pairs2d.csv")):
        for column in ("image", "mask"):
            if row[column] in seen:
                continue
            seen.add(row[column])
            path = os.path.join(data, row[column])
            table.check(row[column], lambda: check_picture(dump, path, column == "mask"))


# What must be refused, and a word of the reason.
REFUSED = {
    "nibabel/analyze.hdr": "Analyze 7.5",
    "nibabel/nifti1.hdr": ".img",
    "nibabel/nifti2.hdr": ".img",
    "nibabel/test.mgz": "MGH",
    "nibabel/row_major.dconn.nii": "CIFTI",
    "niivue/complex.nii.gz": "complex64",
    "pynrrd/BallBinary30x30x30_byteskip_minus_five.nhdr": "byte skip",
    "pynrrd/BallBinary30x30x30_byteskip_minus_one_nifti.nhdr": "not beside it",
    "pynrrd/BallBinary30x30x30_nifti.nhdr": "not beside it",
    "pynrrd/BallBinary30x30x30.raw": "kind that Tandem knows",
}


def check_refused(dump, path, word):
    answer = dump.read(path)
    if answer["ok"]:
        return "read, but must be refused", True
    return "refused: " + answer["sentence"], word not in answer["sentence"]


def check_geometry(dump, table, data):
    root = os.path.join(data, "geometry")
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            key = os.path.relpath(path, root)
            if key in REFUSED:
                table.check(key, lambda: check_refused(dump, path, REFUSED[key]))
                continue
            listed = dump.list(path)
            frames = listed["entries"][0]["frames"] if listed["ok"] else 1
            for frame in range(frames):
                table.check(f"{key} frame {frame}", lambda: check_volume(dump, path, frame))


def main():
    program, data = sys.argv[1:3]
    if not os.path.exists(os.path.join(data, "pairs.csv")):
        print("skipped: the large set of real scans is not beside this checkout")
        return SKIPPED
    dump, table = Dump(program), Table()
    check_geometry(dump, table, data)
    check_pairs(dump, table, data)
    check_pairs_2d(dump, table, data)
    return table.finish()


if __name__ == "__main__":
    sys.exit(main())
