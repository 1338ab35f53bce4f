"""Makes tests/data/images/stills and expected.json: what nibabel, pydicom, PIL and numpy read from every fixture.
Usage: make_expected.py tests/data/images. The tests in C++ compare the reader with it, so that a clone tests itself."""
import json
import os
import sys

import numpy as np
from PIL import Image

import conformance_files
from dicom_reference import read_folder
from dump_client import LPS_FROM_RAS  # noqa: F401  (kept beside the other references)

PROBES = 60


def make_stills(folder):
    """Pictures of every kind; the content is a ramp with noise, so that every pixel matters."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:37, 0:53]
    grey = ((x * 3 + y * 5) % 200 + rng.integers(0, 50, x.shape)).astype(np.uint8)
    rgb = np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)
    alpha = np.dstack([rgb, rng.integers(0, 255, x.shape).astype(np.uint8)])
    deep = (grey.astype(np.uint16) * 257 + 1).astype(np.uint16)
    palette = Image.fromarray(rgb).quantize(17)
    pictures = {
        "grey8.png": Image.fromarray(grey), "rgb8.png": Image.fromarray(rgb), "rgba8.png": Image.fromarray(alpha),
        "grey16.png": Image.fromarray(deep), "palette.png": palette, "grey_alpha.png": Image.fromarray(alpha).convert("LA"),
        "bits1.png": Image.fromarray(grey > 128), "grey8.tif": Image.fromarray(grey), "grey16.tif": Image.fromarray(deep),
        "rgb8.tif": Image.fromarray(rgb), "palette.tif": palette, "bits1.tif": Image.fromarray(grey > 128),
        "float.tif": Image.fromarray(grey.astype(np.float32) / 7), "grey.jpg": Image.fromarray(grey),
        "rgb.jpg": Image.fromarray(rgb), "rgb.bmp": Image.fromarray(rgb), "palette.bmp": palette, "grey.bmp": Image.fromarray(grey),
    }  # fmt: skip
    os.makedirs(folder, exist_ok=True)
    for name, picture in pictures.items():
        options = {"compression": "tiff_lzw"} if name in ("grey16.tif", "rgb8.tif") else {}
        picture.save(os.path.join(folder, name), **options)


def entry(path, frame, affine, voxels, labels=False):
    rng = np.random.default_rng(len(path) + frame)
    voxels = np.asarray(voxels)
    colour = voxels.ndim == 4
    probes = []
    for _ in range(PROBES):
        at = [int(rng.integers(0, n)) for n in voxels.shape]
        probes.append(at[:3] + [at[3] if colour else 0, float(voxels[tuple(at)])])
    return {"path": path, "frame": frame, "labels": labels, "size": list(voxels.shape[:3]), "components": 3 if colour else 1,
            "affine_lps": np.asarray(affine)[:3].tolist(), "sum": float(voxels.astype(float).sum()), "probes": probes}  # fmt: skip


def file_entries(root):
    for folder in ("nifti", "nrrd"):
        for name in sorted(os.listdir(os.path.join(root, folder))):
            path = os.path.join(root, folder, name)
            frames = 20 if name == "functional.nii" else 2 if "nifti2" in name else 1
            for frame in (0, frames - 1) if frames > 1 else (0,):
                affine, voxels, _ = conformance_files.volume_reference(path, frame)
                yield entry(f"{folder}/{name}", frame, affine, voxels)
    for name in sorted(os.listdir(os.path.join(root, "stills"))):
        path = os.path.join(root, "stills", name)
        yield entry(f"stills/{name}", 0, np.eye(4), conformance_files.picture_reference(path, False))
        labels = conformance_files.picture_reference(path, True)
        if labels is not None and labels.dtype.kind in "bui":
            yield entry(f"stills/{name}", 0, np.eye(4), labels, True)


def dicom_entries(root):
    for name in sorted(os.listdir(os.path.join(root, "dicom"))):
        volumes, problems = read_folder(os.path.join(root, "dicom", name))
        if not volumes:
            print(f"no reference for {name}: {problems}")
        for frame, volume in enumerate(volumes):
            yield entry(f"dicom/{name}", frame, volume.affine, volume.voxels)


def main():
    root = sys.argv[1]
    make_stills(os.path.join(root, "stills"))
    entries = list(file_entries(root)) + list(dicom_entries(root))
    with open(os.path.join(root, "expected.json"), "w", encoding="utf-8") as file:
        json.dump(entries, file, separators=(",", ":"))
    print(len(entries), "entries")


if __name__ == "__main__":
    main()
