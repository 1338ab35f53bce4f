"""NRRD and MetaImage read with numpy alone: what the reader is compared with."""
import bz2
import os
import zlib

import numpy as np

NRRD_TYPES = {
    "signed char": "i1", "int8": "i1", "unsigned char": "u1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2",
    "unsigned short": "u2", "ushort": "u2", "uint16": "u2", "int": "i4", "int32": "i4", "unsigned int": "u4",
    "uint32": "u4", "float": "f4", "double": "f8", "int64": "i8", "long long": "i8", "uint64": "u8",
}  # fmt: skip
# Columns of LPS for each axis of a named space (http://teem.sourceforge.net/nrrd/format.html).
SPACES = {"left-posterior-superior": (1, 1, 1), "right-anterior-superior": (-1, -1, 1),
          "left-anterior-superior": (1, -1, 1), "lps": (1, 1, 1), "ras": (-1, -1, 1), "las": (1, -1, 1)}  # fmt: skip


def vector(text):
    return None if text == "none" else [float(x) for x in text.strip("()").split(",")]


def nrrd_header(file):
    fields = {}
    assert file.readline().startswith(b"NRRD")
    for line in iter(file.readline, b""):
        line = line.decode("ascii", "replace").rstrip("\r\n")
        if not line:
            break
        if ":=" not in line and ": " in line:
            key, value = line.split(": ", 1)
            fields[key.lower().replace(" ", "")] = value.strip()
    return fields


def nrrd_bytes(path, fields, rest):
    if "datafile" in fields:
        with open(os.path.join(os.path.dirname(path), fields["datafile"]), "rb") as file:
            rest = file.read()
    for _ in range(int(fields.get("lineskip", 0))):
        rest = rest.split(b"\n", 1)[1]
    encoding = fields["encoding"].lower()
    if encoding in ("gzip", "gz"):
        rest = zlib.decompressobj(31).decompress(rest)
    elif encoding in ("bzip2", "bz2"):
        rest = bz2.decompress(rest)
    return rest


def read_nrrd(path, frame=0):
    with open(path, "rb") as file:
        fields = nrrd_header(file)
        rest = file.read()
    sizes = [int(n) for n in fields["sizes"].split()]
    dtype = np.dtype(NRRD_TYPES[fields["type"]])
    dtype = dtype.newbyteorder(">" if fields.get("endian") == "big" else "<")
    count = int(np.prod(sizes))
    raw = nrrd_bytes(path, fields, rest)
    if fields["encoding"].lower() in ("ascii", "text", "txt"):
        values = np.array(raw.split(), dtype=dtype.newbyteorder("="))
    else:
        skip, size = int(fields.get("byteskip", 0)), count * dtype.itemsize
        raw = raw[-size:] if skip == -1 else raw[skip : skip + size]
        values = np.frombuffer(raw, dtype)
    voxels = values.reshape(sizes, order="F")
    directions = fields.get("spacedirections", "").split()
    others = [axis for axis, direction in enumerate(directions) if direction == "none"]
    voxels = np.moveaxis(voxels, others, range(-len(others), 0)) if others else voxels
    space = [n for axis, n in enumerate(sizes) if axis not in others]
    voxels = voxels.reshape((space + [1, 1])[:3] + [-1], order="F")
    return nrrd_affine(fields), voxels[..., frame]


def nrrd_affine(fields):
    affine = np.eye(4)
    signs = SPACES.get(fields.get("space", "").lower(), (1, 1, 1))
    if "spacedirections" in fields:
        directions = [vector(d) for d in fields["spacedirections"].split()]
        for axis, direction in enumerate(d for d in directions if d is not None):
            affine[: len(direction), axis] = direction
    elif "spacings" in fields:
        for axis, step in enumerate(fields["spacings"].split()[:3]):
            affine[axis, axis] = 1.0 if step == "nan" else float(step)
    if "spaceorigin" in fields:
        origin = vector(fields["spaceorigin"])
        affine[: len(origin), 3] = origin
    return np.diag(list(signs) + [1]) @ affine


META_TYPES = {"MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
              "MET_UINT": "u4", "MET_FLOAT": "f4", "MET_DOUBLE": "f8"}  # fmt: skip


def read_meta(path):
    fields = {}
    with open(path, "rb") as file:
        for line in iter(file.readline, b""):
            key, value = line.decode("ascii").split("=", 1)
            fields[key.strip()] = value.strip()
            if key.strip() == "ElementDataFile":
                break
        rest = file.read()
    if fields["ElementDataFile"] != "LOCAL":
        with open(os.path.join(os.path.dirname(path), fields["ElementDataFile"]), "rb") as file:
            rest = file.read()
    if fields.get("CompressedData") == "True":
        rest = zlib.decompress(rest)
    order = ">" if fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB")) == "True" else "<"
    size = [int(n) for n in fields["DimSize"].split()]
    values = np.frombuffer(rest, np.dtype(META_TYPES[fields["ElementType"]]).newbyteorder(order), int(np.prod(size)))
    n = len(size)
    affine = np.eye(4)
    direction = fields.get("TransformMatrix") or fields.get("Rotation") or fields.get("Orientation")
    matrix = np.array(direction.split(), float).reshape(n, n).T if direction else np.eye(n)
    spacing = np.array(fields.get("ElementSpacing", " ".join(["1"] * n)).split(), float)
    affine[:n, :n] = matrix * spacing
    origin = fields.get("Offset") or fields.get("Position") or fields.get("Origin")
    if origin:
        affine[:n, 3] = np.array(origin.split(), float)
    return affine, values.reshape((size + [1, 1])[: max(3, n)], order="F")
