#!/usr/bin/env python3
"""Every command with wrong, missing, truncated or hostile input: one sentence, exit 1 or 2, no crash, nothing
half-written, earlier work untouched. Usage: hostile_input_test.py TANDEM GOLDEN_FOLDER MODEL"""
import hashlib
import os
import pickle
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import zipfile

import nibabel
import numpy as np

TANDEM, GOLDEN, MODEL = sys.argv[1:4]
WORK = tempfile.mkdtemp(prefix="tandem_hostile_")
CRASH_WORDS = ("terminate", "Segmentation", "Aborted", "what():", "AddressSanitizer", "runtime error", "Traceback")


def path(*names):
    return os.path.join(WORK, *names)


def write(name, data):
    with open(path(name), "wb") as f:
        f.write(data)
    return path(name)


def nifti_header(dims, datatype=4, bitpix=16, affine=(1.0, 1.0, 1.0), vox_offset=352.0):
    h = bytearray(352)
    struct.pack_into("<i", h, 0, 348)
    struct.pack_into("<8h", h, 40, len(dims), *(list(dims) + [1] * (7 - len(dims))))
    struct.pack_into("<hh", h, 70, datatype, bitpix)
    struct.pack_into("<8f", h, 76, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    struct.pack_into("<f", h, 108, vox_offset)
    struct.pack_into("<hh", h, 252, 0, 1)
    for row in range(3):
        values = [0.0] * 4
        values[row] = affine[row]
        struct.pack_into("<4f", h, 280 + 16 * row, *values)
    h[344:348] = b"n+1\0"
    return bytes(h)


class Evil:
    """Runs a command when a careless reader unpickles it."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def make_fixtures():
    random = np.random.RandomState(3)
    affine = np.diag([-1.5, -1.5, 3.0, 1.0])
    image = random.randint(-200, 300, (24, 20, 10)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(image, affine), path("good.nii.gz"))
    mask = np.zeros((24, 20, 10), np.uint8)
    mask[5:15, 6:14, 3:7] = 1
    nibabel.save(nibabel.Nifti1Image(mask, affine), path("mask.nii.gz"))
    nibabel.save(nibabel.Nifti1Image(np.zeros_like(mask), affine), path("empty_mask.nii.gz"))
    nibabel.save(nibabel.Nifti1Image(mask[:, :, :9], affine), path("short_mask.nii.gz"))
    nibabel.save(nibabel.Nifti1Image(mask, affine + np.diag([0, 0, 0.7, 0])), path("moved_mask.nii.gz"))
    nibabel.save(nibabel.Nifti1Image(mask.astype(np.float32) * 0.5, affine), path("half_mask.nii.gz"))
    packed = open(path("good.nii.gz"), "rb").read()
    write("truncated.nii.gz", packed[: len(packed) // 2])
    write("flipped.nii.gz", packed[:200] + bytes([packed[200] ^ 255]) + packed[201:])
    write("empty.nii", b"")
    write("text.nii", b"this is not an image\n" * 40)
    write("huge.nii", nifti_header([32767, 32767, 32767, 32767]) + b"\0" * 100)
    write("negative.nii", nifti_header([-5, 20, 10]) + b"\0" * 4000)
    write("no_datatype.nii", nifti_header([4, 4, 4], 9999, 16) + b"\0" * 4000)
    write("nan_affine.nii", nifti_header([4, 4, 4], affine=(float("nan"), 1, 1)) + b"\0" * 4000)
    write("singular.nii", nifti_header([4, 4, 4], affine=(0.0, 1, 1)) + b"\0" * 4000)
    write("far_offset.nii", nifti_header([4, 4, 4], vox_offset=1e30) + b"\0" * 4000)
    write("bad.png", b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\xff" * 40)
    write("bad.dcm", b"\0" * 128 + b"DICM" + b"\xff" * 60)
    write("bad.nrrd", b"NRRD0004\ntype: short\ndimension: 3\nsizes: 99999 99999 99999\nencoding: raw\n\n")
    write("bad.mha", b"ObjectType = Image\nNDims = 3\nDimSize = 9 9 999999999\nElementType = MET_SHORT\nElementDataFile = LOCAL\n")
    os.mkdir(path("empty_folder"))
    write("prompts_bad.json", b'{"prompts": [')
    write("prompts_wrong.json", b'{"prompts": [{"slice": "three", "box": [1, 2]}]}')
    write("prompts_deep.json", b"[" * 100000)
    for name, scribbles in malformed_scribbles().items():
        write(name, b'{"prompts": [{"slice": 3, "box": [1, 1, 9, 9], "scribbles": ' + scribbles + b"}]}")
    write("pairs_missing.csv", b"case,patient,modality,anatomy,image,mask,labels,source,licence,train\na,a,CT,x,nowhere.nii.gz,none.nii.gz,,,,yes\n")
    write("pairs_header.csv", b"one,two\n1,2\n")
    write("config_bad.json", b'{"variant": "paper", "embed_dim": -4}')
    make_models()
    make_projects()


def malformed_scribbles():
    return {
        "scribbles_number.json": b"7",
        "scribbles_null.json": b"null",
        "scribbles_bare.json": b"[[[1, 2], [3, 4]]]",
        "scribbles_empty.json": b'[{"points": []}]',
        "scribbles_no_points.json": b'[{"foreground": true}]',
        "scribbles_triple.json": b'[{"points": [[1, 2, 3]]}]',
        "scribbles_word.json": b'[{"points": [[1, "2"]]}]',
        "scribbles_sign.json": b'[{"points": [[1, 2], [3, 4]], "foreground": "yes"}]',
        "scribbles_infinite.json": b'[{"points": [[1, 2], [1e999, 4]]}]',
        "scribbles_outside.json": b'[{"points": [[1, 2], [24, 4]]}]',
        "scribbles_endless.json": b'[{"points": [' + b"[1, 2], [23, 19], " * 10000 + b"[1, 2]]}]",
    }


def make_models():
    model = open(os.path.join(GOLDEN, "paper", "model.safetensors"), "rb").read()
    write("truncated.safetensors", model[: len(model) // 2])
    write("header_length.safetensors", struct.pack("<Q", 1 << 60) + model[8:])
    write("text.safetensors", b"hello")
    write("empty.pth", b"")
    renamed = model.replace(b"mask_decoder.iou_token.weight", b"mask_decoder.iou_tokem.weight")
    write("renamed.safetensors", renamed)
    pth = open(os.path.join(GOLDEN, "sam", "model.pth"), "rb").read()
    write("truncated.pth", pth[: len(pth) // 3])
    # A checkpoint whose pickle calls os.system when it is unpickled by a reader that executes.
    with zipfile.ZipFile(path("evil.pth"), "w", zipfile.ZIP_STORED) as z:
        z.writestr("archive/data.pkl", pickle.dumps({"w": Evil("touch " + path("EXECUTED"))}, protocol=2))
        z.writestr("archive/version", "3\n")
    write("evil_raw.pth", pickle.dumps({"w": Evil("touch " + path("EXECUTED"))}, protocol=2))
    folder = path("golden_wrong")
    shutil.copytree(os.path.join(GOLDEN, "paper"), folder)
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o644)
    for name in ("model.safetensors", "model.pth"):
        data = bytearray(open(os.path.join(folder, name), "rb").read())
        at = len(data) * 2 // 3
        for n in range(at, at + 4000):  # other weights: the tensors must differ
            data[n] = (data[n] + 3) % 251
        open(os.path.join(folder, name), "wb").write(data)


def make_projects():
    write("text.tandem", b"this is not a project" * 100)
    write("empty.tandem", b"")
    other = sqlite3.connect(path("other.tandem"))
    other.execute("create table recipes (name text)")
    other.commit()
    other.close()
    run("project", "create", path("work.tandem"), "--name", "Work", expect=0)
    run("project", "import", path("work.tandem"), path("good.nii.gz"), "--labels", path("mask.nii.gz"), expect=0)
    data = open(path("work.tandem"), "rb").read()
    write("truncated.tandem", data[: len(data) // 2 // 4096 * 4096])
    newer = bytearray(data)
    struct.pack_into(">I", newer, 60, 9999)  # user_version
    write("newer.tandem", bytes(newer))
    write("taken.nii.gz", b"somebody's earlier work")


def run(*arguments, expect=None):
    done = subprocess.run([TANDEM, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=120)
    if expect is not None and done.returncode != expect:
        print("set-up failed:", arguments, done.returncode, done.stderr)
        sys.exit(1)
    return done


def snapshot():
    found = {}
    for folder, _, files in os.walk(WORK):
        for name in files:
            if not name.endswith(("-wal", "-shm", ".lock")):
                full = os.path.join(folder, name)
                found[full] = hashlib.sha256(open(full, "rb").read()).hexdigest()
    return found


def cases():
    out = path("out.nii.gz")
    good, mask = path("good.nii.gz"), path("mask.nii.gz")
    box = ["--box", "5:5,6,14,13"]
    images = ["truncated.nii.gz", "flipped.nii.gz", "empty.nii", "text.nii", "huge.nii", "negative.nii", "no_datatype.nii",
              "far_offset.nii", "bad.png", "bad.dcm", "bad.nrrd", "bad.mha", "empty_folder", "nowhere.nii"]
    for name in images:
        yield ["segment", path(name), "--box", "0:0,0,2,2", "--out", out], 1
    segment = ["segment", good, "--out", out]
    yield segment, 2  # no prompt
    yield ["segment", good, *box], 2  # no --out
    yield ["segment", good, *box, "--out", path("out.png")], 1
    yield ["segment", good, *box, "--out", path("nowhere", "out.nii.gz")], 1
    yield ["segment", good, *box, "--out", path("empty_folder")], 1
    yield [*segment, "--box", "five:1,2,3,4"], 1
    yield [*segment, "--box", "5:1,2,3"], 1
    yield [*segment, "--box", "5:1,2,3,nan"], 1
    yield [*segment, "--box", "50:1,2,3,4"], 1
    yield [*segment, "--box", "-1:1,2,3,4"], 1
    yield [*segment, "--box", "5:10,2,3,4"], 1
    yield [*segment, "--box", "5:1,2,300,4"], 1
    yield [*segment, "--point", "5:1,2,?"], 1
    yield [*segment, "--point", "5:-1,2,+"], 1
    for text in ("5", "5:1,2;3,4", "5:1,2;3,4,?", "5:1,2;3,+", "5:,+", "5:;,-", "x:1,2;3,4,+", "5:1,2;nan,4,+", "5:1,2;300,4,+", "5:1,2;3,4,-"):
        yield [*segment, "--scribble", text], 1  # the last alone: nothing is said to belong
    yield [*segment, "--plane", "diagonal", *box], 2
    yield [*segment, *box, "--frame", "7"], 1
    yield [*segment, "--boxes-from", path("short_mask.nii.gz")], 1
    yield [*segment, "--boxes-from", path("moved_mask.nii.gz")], 1
    yield [*segment, "--boxes-from", path("half_mask.nii.gz")], 1
    yield [*segment, "--boxes-from", path("empty_mask.nii.gz")], 1
    yield [*segment, "--boxes-from", mask, "--label", "9"], 1
    yield [*segment, "--boxes-from", mask, "--grow", "-3"], 2
    for name in ("prompts_bad.json", "prompts_wrong.json", "prompts_deep.json", "nowhere.json"):
        yield [*segment, "--prompts", path(name)], 1
    for name in malformed_scribbles():
        yield [*segment, "--prompts", path(name)], 1
    models = ["truncated.safetensors", "header_length.safetensors", "text.safetensors", "empty.pth", "renamed.safetensors",
              "truncated.pth", "evil.pth", "evil_raw.pth", "nowhere.pth"]
    for name in models:
        yield ["model", "info", path(name)], 1
        yield [*segment, *box, "--model", path(name)], 1
        yield ["model", "convert", path(name), path("converted.safetensors")], 1
    yield ["model", "convert", MODEL, path("nowhere", "m.safetensors")], 1
    yield ["model", "verify", path("golden_wrong")], 1
    yield ["model", "verify", path("empty_folder")], 1
    yield ["model", "fly", MODEL], 2
    for name in ("text.tandem", "empty.tandem", "other.tandem", "truncated.tandem", "newer.tandem", "nowhere.tandem", "empty_folder"):
        yield ["project", "status", path(name)], 1
        yield ["project", "import", path(name), good], 1
        yield ["project", "export", path(name), "--all", "--out", path("exported")], 1
    yield ["project", "create", path("work.tandem"), "--name", "Again"], 1
    yield ["project", "create", path("nowhere", "new.tandem")], 1
    yield ["project", "import", path("work.tandem"), path("truncated.nii.gz")], 1
    yield ["project", "import", path("work.tandem"), good, "--labels", path("moved_mask.nii.gz")], 1
    yield ["project", "import", path("work.tandem"), good, "--labels", path("half_mask.nii.gz")], 1
    yield ["project", "export", path("work.tandem"), "--all", "--out", path("taken.nii.gz")], 1
    for name in ("pairs_missing.csv", "pairs_header.csv", "nowhere.csv", "text.nii"):
        yield ["evaluate", path(name)], 1
        yield ["pack", path(name), "--out", path("packed")], 1
    yield ["evaluate", path("pairs_missing.csv"), "--protocol", "loose"], 2
    yield ["train", path("config_bad.json"), "--data", path("empty_folder"), "--out", path("trained")], 1
    yield ["train", path("prompts_bad.json"), "--data", path("empty_folder"), "--out", path("trained")], 1
    yield ["train", path("nowhere.json"), "--data", path("empty_folder"), "--out", path("trained")], 1
    yield ["phantom", path("good.nii.gz")], 1
    yield ["phantom", path("good.nii.gz", "inside")], 1
    yield ["phantom"], 2
    yield ["phantom", path("p"), "--seed", "minus"], 2
    yield ["bench", "encode"], 2
    yield ["bench", "train"], 2
    yield ["bench", "train", "--config", path("config_bad.json")], 1
    yield ["bench", "encode", "--config", path("config_bad.json")], 1
    yield ["bench", "encode", "--model", path("truncated.safetensors")], 1
    yield ["fly"], 2
    yield ["segment", "--sideways"], 2


def problem_of(arguments, expected):
    before = snapshot()
    try:
        done = run(*arguments)
    except subprocess.TimeoutExpired:
        return "hangs"
    words = done.stderr.strip()
    if done.returncode != expected:
        return f"exit {done.returncode} instead of {expected}: {words[:200]}"
    if any(w in done.stderr + done.stdout for w in CRASH_WORDS):
        return "crash words: " + words[:200]
    if expected == 1:
        sentences = [line for line in words.splitlines() if not line.startswith("tandem: note:")]
        if len(sentences) != 1 or not sentences[0].startswith("tandem: ") or not sentences[0].endswith((".", ".)", "?")):
            return "not one sentence: " + words[:300]
    elif not words:
        return "says nothing"
    after = snapshot()
    if before != after:
        changed = [k for k in after if after.get(k) != before.get(k)] + [k for k in before if k not in after]
        return "files changed: " + ", ".join(os.path.relpath(c, WORK) for c in changed)
    if os.path.exists(path("EXECUTED")):
        return "the pickle's command was executed"
    return None


def unspoken_fallback(name):
    """A position that is not usable is no reason to refuse the voxels, but it must be said."""
    done = run("segment", path(name), "--box", "0:0,0,2,2", "--out", path("fallback.nii.gz"))
    if done.returncode != 0 or "tandem: note:" not in done.stderr or "sform" not in done.stderr:
        return f"exit {done.returncode}, no note about the position: {done.stderr[:200]}"
    os.remove(path("fallback.nii.gz"))
    return None


def main():
    make_fixtures()
    failed = total = 0
    for name in ("nan_affine.nii", "singular.nii"):
        total += 1
        problem = unspoken_fallback(name)
        print(("ok    " if problem is None else "FAIL  ") + "segment " + name + " with a note" + (problem or ""), flush=True)
        failed += problem is not None
    for arguments, expected in cases():
        total += 1
        problem = problem_of(arguments, expected)
        shown = " ".join(os.path.relpath(a, WORK) if a.startswith(WORK) else a for a in arguments)
        print(("ok    " if problem is None else "FAIL  ") + shown + ("" if problem is None else "\n      " + problem), flush=True)
        failed += problem is not None
    status = run("project", "status", path("work.tandem"), "--json", "-")
    if status.returncode != 0:
        print("FAIL  the earlier project no longer opens:", status.stderr)
        failed += 1
    print(f"{total - failed} of {total} cases hold")
    shutil.rmtree(WORK)
    sys.exit(1 if failed else 0)


main()
