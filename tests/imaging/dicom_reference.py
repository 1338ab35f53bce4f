"""DICOM volumes put together with pydicom, numpy and nibabel: what the reader is compared with.

Nothing here comes from the reader: pixels are pydicom's (with GDCM and Pillow as decoders), colours pydicom's
conversions, places computed from the tags as PS3.3 C.7.6.2 says, mosaics nibabel.nicom's."""
import gzip
import os
import warnings

import numpy as np
import pydicom
from nibabel.nicom import dicomwrappers
from pydicom.pixel_data_handlers import gdcm_handler, numpy_handler, pillow_handler, rle_handler
from pydicom.pixel_data_handlers.util import apply_color_lut, convert_color_space

warnings.simplefilter("ignore")
pydicom.config.pixel_data_handlers = [numpy_handler, rle_handler, pillow_handler, gdcm_handler]
CINE = {"US", "XA", "RF", "ES", "IVUS", "XC"}
NOT_IMAGES = ("1.2.840.10008.5.1.4.1.1.66.", "1.2.840.10008.5.1.4.1.1.88.", "1.2.840.10008.5.1.4.1.1.481.3",
              "1.2.840.10008.5.1.4.1.1.77.1.6")  # fmt: skip


def load(path):
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    ds = pydicom.dcmread(gzip.open(path) if packed else path, force=True)
    if "TransferSyntaxUID" not in ds.file_meta:  # no meta header: what pydicom found while reading
        ds.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian if ds.is_implicit_VR else (
            pydicom.uid.ExplicitVRLittleEndian if ds.is_little_endian else pydicom.uid.ExplicitVRBigEndian)
    swap_words(ds)
    return ds


def swap_words(ds):
    """8-bit pixels in 16-bit words of a big-endian file: pydicom 2.3 leaves the bytes of a word exchanged (the
    little-endian twins of pydicom's own test files show which way is right)."""
    if not ds.is_little_endian and ds.get("BitsAllocated") == 8 and "PixelData" in ds and ds["PixelData"].VR == "OW":
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").byteswap().tobytes()


def is_image(ds):
    pixels = any(name in ds for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))
    return pixels and not str(ds.get("SOPClassUID", "")).startswith(NOT_IMAGES) and "Rows" in ds


def stored_bits(ds, values):
    """Stored bits alone, sign extended: what lies above them is not the picture (PS3.5 8.1.1)."""
    bits, high = int(ds.BitsStored), int(ds.HighBit)
    values = values.astype(np.int64) >> (high + 1 - bits) & ((1 << bits) - 1)
    return np.where(values >> (bits - 1) & 1, values - (1 << bits), values) if ds.PixelRepresentation else values


def pixels(ds):
    """[frame, row, column] or [frame, row, column, 3]; integers as stored, colour as 8-bit RGB."""
    if "FloatPixelData" in ds or "DoubleFloatPixelData" in ds:
        raw = ds.FloatPixelData if "FloatPixelData" in ds else ds.DoubleFloatPixelData
        values = np.frombuffer(raw, "<f4" if "FloatPixelData" in ds else "<f8")
        return values.reshape(-1, ds.Rows, ds.Columns)
    frames, samples = int(ds.get("NumberOfFrames", 1) or 1), int(ds.get("SamplesPerPixel", 1))
    model, syntax = ds.PhotometricInterpretation, getattr(ds.file_meta, "TransferSyntaxUID", "")
    values = ds.pixel_array
    if samples == 3:
        if ds.BitsStored > 8:
            values = values >> (ds.BitsStored - 8)
        jpeg2000 = str(syntax).startswith("1.2.840.10008.1.2.4.9")
        if ds.PhotometricInterpretation.startswith("YBR_FULL") and not jpeg2000:
            values = convert_color_space(values.astype(np.uint8), "YBR_FULL", "RGB")
    elif model == "PALETTE COLOR":
        values = apply_color_lut(values, ds)[..., :3]
        values = values >> 8 if values.dtype == np.uint16 else values
    else:
        values = stored_bits(ds, values)
    return values.reshape((frames, int(ds.Rows), int(ds.Columns)) + ((3,) if values.shape[-1] == 3 and values.ndim > 2 and (samples == 3 or model == "PALETTE COLOR") else ()))


def frame_group(ds, frame, sequence):
    for holder in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        items = ds.get(holder)
        if items:
            item = items[frame] if holder.startswith("Per") else items[0]
            if sequence in item and len(item[sequence].value):
                return item[sequence].value[0]
    return ds


def floats(item, name, count):
    value = item.get(name)
    try:
        out = [float(v) for v in value] if value is not None else []
    except (TypeError, ValueError):
        out = []
    return out if len(out) == count else None


def number(item, name, default):
    value = item.get(name)
    try:
        return float(value) if value not in (None, "") else default
    except (TypeError, ValueError):
        return default


def pixel_spacing(item):
    for name in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        steps = floats(item, name, 2)
        if steps:
            return steps
    return [1.0, 1.0]


class Slice:
    """One frame of one file with its place."""

    def __init__(self, path, ds, frame, array):
        self.path, self.frame, self.array = path, frame, array
        self.series, self.uid = str(ds.get("SeriesInstanceUID", "")), str(ds.get("SOPInstanceUID", ""))
        self.modality = str(ds.get("Modality", ""))
        self.position = floats(frame_group(ds, frame, "PlanePositionSequence"), "ImagePositionPatient", 3)
        self.orientation = floats(frame_group(ds, frame, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
        self.placed = self.position is not None and self.orientation is not None
        self.spacing = pixel_spacing(frame_group(ds, frame, "PixelMeasuresSequence"))
        transform = frame_group(ds, frame, "PixelValueTransformationSequence")
        self.slope, self.intercept = number(transform, "RescaleSlope", 1.0), number(transform, "RescaleIntercept", 0.0)
        self.slope = number(ds, "DoseGridScaling", self.slope)
        measures = frame_group(ds, 0, "PixelMeasuresSequence")
        self.step = number(ds, "SpacingBetweenSlices", number(measures, "SpacingBetweenSlices", number(measures, "SliceThickness", 0.0)))
        self.order = (number(ds, "TemporalPositionIdentifier", 0.0), number(ds, "InstanceNumber", 0.0), frame)
        self.cine = self.modality in CINE or any(name in ds for name in ("FrameTime", "FrameTimeVector", "CineRate"))
        offsets = floats(ds, "GridFrameOffsetVector", int(ds.get("NumberOfFrames", 1) or 1))
        if offsets and self.placed:
            self.position = list(np.array(self.position) + (offsets[frame] - offsets[0]) * self.normal())

    def normal(self):
        return np.cross(self.orientation[:3], self.orientation[3:])

    def place(self):
        return float(np.dot(self.position, self.normal()))

    def key(self):
        own = () if self.placed and not self.cine else (self.path,)
        where = tuple(np.round(self.orientation, 2) + 0.0) if self.placed else ()
        return (self.series, self.modality, self.array.shape, where, tuple(np.round(self.spacing, 4))) + own


class Volume:
    """[x, y, z] values and affine (LPS) of one frame of a series."""

    def __init__(self, slices):
        self.files = {s.path for s in slices}
        self.series = slices[0].series
        first, last = slices[0], slices[-1]
        self.scaled = any(s.slope not in (0, 1) or s.intercept != int(s.intercept) for s in slices)
        raw = np.stack([s.array for s in slices], axis=2)
        self.voxels = np.swapaxes(raw, 0, 1)
        if raw.ndim == 3:
            slope = np.array([s.slope or 1.0 for s in slices])
            self.voxels = self.voxels * slope + np.array([s.intercept for s in slices])
        self.affine = np.eye(4)
        columns = [np.eye(3)[0], np.eye(3)[1]] if not first.placed else [np.array(first.orientation[:3]), np.array(first.orientation[3:])]
        normal = np.cross(*columns)
        step = normal * (first.step or 1.0)
        if first.placed and len(slices) > 1:
            step = (np.array(last.position) - np.array(first.position)) / (len(slices) - 1)
        self.affine[:3, :3] = np.column_stack([columns[0] * first.spacing[1], columns[1] * first.spacing[0], step])
        self.affine[:3, 3] = first.position if first.placed else 0


def mosaic_volume(path, ds):
    wrapper = dicomwrappers.wrapper_from_data(ds)
    volume = Volume.__new__(Volume)
    volume.files, volume.series, volume.scaled = {path}, str(ds.SeriesInstanceUID), False
    volume.voxels = np.swapaxes(np.asarray(wrapper.get_data()), 0, 1)
    volume.affine = wrapper.affine[:, [1, 0, 2, 3]]  # nibabel's first axis counts rows
    return volume


def volumes_of(slices):
    """Frames of one group: slices by place, the n-th picture of every place in frame n."""
    first = slices[0]
    if first.cine:
        return [Volume([s]) for s in slices]
    if not first.placed:
        return [Volume(slices)]
    seen, unique = set(), []
    for s in slices:
        if not s.uid or (s.uid, s.frame) not in seen:
            seen.add((s.uid, s.frame))
            unique.append(s)
    places = []
    for s in sorted(unique, key=lambda s: s.place()):
        if not places or s.place() - places[-1][0].place() > 0.01:
            places.append([])
        places[-1].append(s)
    for place in places:
        place.sort(key=lambda s: s.order)
    return [Volume([place[n] for place in places]) for n in range(min(len(p) for p in places))]


def read_folder(folder):
    """Volumes of a folder, and for each file that pydicom cannot turn into pixels the reason."""
    slices, volumes, problems = [], [], {}
    for path in sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names):
        try:
            ds = load(path)
            if not is_image(ds):
                problems[path] = "no image of voxels"
                continue
            if "MOSAIC" in ds.get("ImageType", []):
                volumes.append(mosaic_volume(path, ds))
                continue
            array = pixels(ds)
            slices += [Slice(path, ds, n, array[n]) for n in range(len(array))]
        except Exception as problem:  # a damaged file: pydicom raises nearly anything
            problems[path] = f"{type(problem).__name__}: {problem}"[:120]
    groups = {}
    for s in slices:
        groups.setdefault(s.key(), []).append(s)
    for group in groups.values():
        volumes += volumes_of(group)
    return volumes, problems
