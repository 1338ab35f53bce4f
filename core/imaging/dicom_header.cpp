#include "core/imaging/dicom_header.h"

#include "core/imaging/dicom_items.h"
#include "core/imaging/dicom_mosaic.h"

#include <dcmtk/dcmdata/dcxfer.h>

#include <algorithm>
#include <cmath>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t mostFrames = 1 << 20;

bool startsWith(const std::string& text, std::string_view beginning) {
    return text.compare(0, beginning.size(), beginning) == 0;
}

/// Why a kind of object is no image of voxels; empty for those that are.
std::string refusalOfClass(const std::string& uid) {
    if (startsWith(uid, "1.2.840.10008.5.1.4.1.1.66."))
        return "it is a DICOM segmentation, registration or other derived object, not an image. Open the "
               "image that it belongs to.";
    if (startsWith(uid, "1.2.840.10008.5.1.4.1.1.88."))
        return "it is a structured report, not an image.";
    if (uid == UID_RTStructureSetStorage)
        return "it is a radiotherapy structure set (outlines), not an image. Open the CT that it belongs to.";
    if (uid == UID_VLWholeSlideMicroscopyImageStorage)
        return "it is a whole-slide microscopy image made of tiles, which Tandem does not read.";
    if (uid == UID_MediaStorageDirectoryStorage)
        return "it is a DICOMDIR, the list of a medium.";
    return {};
}

/// Why the pixels cannot be decoded; empty if they can.
std::string refusalOfSyntax(DcmDataset& dataset, const std::string& metaSyntax) {
    const std::string known = DcmXfer(dataset.getOriginalXfer()).getXferID();
    const std::string uid = metaSyntax.empty() ? known : metaSyntax;
    const auto refused = [](const std::string& name) {
        return "its pixels are compressed as " + name +
               ", which Tandem does not decode. Convert it to an uncompressed transfer syntax.";
    };
    if (uid == "1.2.840.10008.1.2.4.201" || uid == "1.2.840.10008.1.2.4.202" ||
        uid == "1.2.840.10008.1.2.4.203")
        return refused("High-Throughput JPEG 2000 (HTJ2K)");
    if (uid == "1.2.840.10008.1.2.8.1")
        return refused("deflated frames");
    if (uid == "1.2.840.10008.1.2.1.99")
        return {};
    const DcmXfer syntax(uid.c_str());
    if (syntax.getXfer() == EXS_Unknown)
        return refused("\"" + uid + "\"");
    const E_TransferSyntax x = syntax.getXfer();
    const bool readable = !syntax.isEncapsulated() || x == EXS_RLELossless || x == EXS_JPEG2000LosslessOnly ||
                          x == EXS_JPEG2000 || x == EXS_JPEGLSLossless || x == EXS_JPEGLSLossy ||
                          (x >= EXS_JPEGProcess1 && x <= EXS_JPEGProcess14SV1);
    return readable ? std::string() : refused(syntax.getXferName());
}

/// Present, and the pixels as floating point, or as integers.
std::optional<PixelFormat::Storage> storageOf(DcmDataset& d) {
    if (d.tagExists(DCM_PixelData))
        return PixelFormat::Storage::Integer;
    if (d.tagExists(DCM_FloatPixelData))
        return PixelFormat::Storage::Float32;
    if (d.tagExists(DCM_DoubleFloatPixelData))
        return PixelFormat::Storage::Float64;
    return std::nullopt;
}

bool isSensible(const PixelFormat& p) {
    const bool depth = p.bitsAllocated == 8 || p.bitsAllocated == 16 || p.bitsAllocated == 32 ||
                       (p.bitsAllocated == 64 && p.storage == PixelFormat::Storage::Float64);
    return p.columns >= 1 && p.rows >= 1 && p.columns <= 65535 && p.rows <= 65535 &&
           (p.samples == 1 || p.samples == 3) && depth && p.bitsStored >= 1 &&
           p.bitsStored <= p.bitsAllocated && p.highBit >= p.bitsStored - 1 && p.highBit < p.bitsAllocated;
}

PixelFormat pixelFormat(DcmDataset& d, PixelFormat::Storage storage) {
    PixelFormat p;
    p.storage = storage;
    p.columns = integerOf(d, DCM_Columns).value_or(0);
    p.rows = integerOf(d, DCM_Rows).value_or(0);
    const auto small = [&](const DcmTagKey& key, std::int64_t otherwise) {
        return static_cast<int>(std::clamp<std::int64_t>(integerOf(d, key).value_or(otherwise), -1, 1000));
    };
    const int floatBits = storage == PixelFormat::Storage::Float64 ? 64 : 32;
    p.samples = small(DCM_SamplesPerPixel, 1);
    p.bitsAllocated = storage == PixelFormat::Storage::Integer ? small(DCM_BitsAllocated, 0) : floatBits;
    p.bitsStored =
        storage == PixelFormat::Storage::Integer ? small(DCM_BitsStored, p.bitsAllocated) : floatBits;
    p.highBit =
        storage == PixelFormat::Storage::Integer ? small(DCM_HighBit, p.bitsStored - 1) : floatBits - 1;
    p.isSigned = small(DCM_PixelRepresentation, 0) == 1;
    p.planar = small(DCM_PlanarConfiguration, 0) == 1;
    p.photometric = textOf(d, DCM_PhotometricInterpretation);
    return p;
}

/// An element of a frame: from its own functional group, else from the shared one, else from the dataset
/// itself.
class FrameItems {
public:
    FrameItems(DcmDataset& d, std::int64_t frame)
        : dataset_(d), own_(itemOf(d, DCM_PerFrameFunctionalGroupsSequence, static_cast<long>(frame))),
          shared_(itemOf(d, DCM_SharedFunctionalGroupsSequence)) {}

    DcmItem& group(const DcmTagKey& sequence) const {
        for (DcmItem* from : {own_, shared_})
            if (from)
                if (DcmItem* found = itemOf(*from, sequence))
                    return *found;
        return dataset_;
    }

private:
    DcmItem& dataset_;
    DcmItem* own_;
    DcmItem* shared_;
};

void readPosition(const FrameItems& items, DicomSlice& slice) {
    const auto p = numbersOf(items.group(DCM_PlanePositionSequence), DCM_ImagePositionPatient);
    const auto o = numbersOf(items.group(DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient);
    if (p.size() != 3 || o.size() != 6)
        return;
    slice.position = {{p[0], p[1], p[2]}};
    slice.alongRow = {{o[0], o[1], o[2]}};
    slice.alongColumn = {{o[3], o[4], o[5]}};
    const double dot = o[0] * o[3] + o[1] * o[4] + o[2] * o[5];
    slice.placed = std::abs(slice.alongRow.length() - 1) < 0.05 &&
                   std::abs(slice.alongColumn.length() - 1) < 0.05 && std::abs(dot) < 0.05;
}

/// PixelSpacing is (step between rows, step between columns).
void readPixelSteps(const FrameItems& items, DicomSlice& slice, std::vector<std::string>& warnings) {
    DcmItem& measures = items.group(DCM_PixelMeasuresSequence);
    std::string warning;
    auto steps = numbersOf(measures, DCM_PixelSpacing);
    if (steps.size() != 2) {
        steps = numbersOf(measures, DCM_ImagerPixelSpacing);
        warning = "The size of the pixels is that on the detector, which is larger than in the patient.";
    }
    if (steps.size() != 2) {
        steps = numbersOf(measures, DCM_NominalScannedPixelSpacing);
        warning.clear();
    }
    if (steps.size() != 2 || !(steps[0] > 0) || !(steps[1] > 0)) {
        steps = {1, 1};
        warning = "The file does not say how large its pixels are; 1 mm is assumed.";
    }
    slice.rowStep = steps[0];
    slice.columnStep = steps[1];
    if (!warning.empty() && std::find(warnings.begin(), warnings.end(), warning) == warnings.end())
        warnings.push_back(warning);
}

void readRescale(const FrameItems& items, DcmDataset& d, DicomSlice& slice) {
    DcmItem& transformation = items.group(DCM_PixelValueTransformationSequence);
    slice.slope = numberOf(transformation, DCM_RescaleSlope).value_or(1);
    slice.intercept = numberOf(transformation, DCM_RescaleIntercept).value_or(0);
    if (slice.slope == 0) // a slope of 0 would erase the picture; it is a mistake of the sender
        slice.slope = 1;
    if (const auto dose = numberOf(d, DCM_DoseGridScaling); dose && *dose > 0)
        slice.slope = *dose;
}

/// Radiotherapy doses: the planes' places along the normal, from the first one's.
void placeDosePlanes(DcmDataset& d, DicomInstance& instance) {
    const auto offsets = numbersOf(d, DCM_GridFrameOffsetVector);
    if (static_cast<std::int64_t>(offsets.size()) != instance.frames || instance.slices.empty())
        return;
    for (std::size_t n = 0; n < instance.slices.size(); ++n) {
        DicomSlice& s = instance.slices[n];
        const Vector<Patient>&u = s.alongRow, &v = s.alongColumn;
        const Vector<Patient> normal{
            {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]}};
        s.position = s.position + (offsets[n] - offsets[0]) * normal;
    }
}

/// A cine loop's frames follow one another in time; other loops of frames without places are slices.
bool isCine(DcmDataset& d, const std::string& modality) {
    static constexpr std::array<std::string_view, 6> cine{"US", "XA", "RF", "ES", "IVUS", "XC"};
    return d.tagExists(DCM_FrameTime) || d.tagExists(DCM_FrameTimeVector) || d.tagExists(DCM_CineRate) ||
           std::find(cine.begin(), cine.end(), modality) != cine.end();
}

Result<void> checkReadable(DcmFileFormat& file, const fs::path& path) {
    DcmDataset& d = *file.getDataset();
    DcmMetaInfo& meta = *file.getMetaInfo();
    std::string classUid = textOf(d, DCM_SOPClassUID);
    if (classUid.empty())
        classUid = textOf(meta, DCM_MediaStorageSOPClassUID);
    if (const std::string reason = refusalOfClass(classUid); !reason.empty())
        return readError(ErrorCode::FormatUnsupported, path, reason);
    if (!storageOf(d)) {
        const char* name = dcmFindNameOfUID(classUid.c_str());
        return readError(ErrorCode::FormatUnsupported, path,
                         "it is a DICOM file without pixels" + (name ? " (" + std::string(name) + ")" : "") +
                             ".");
    }
    if (const std::string reason = refusalOfSyntax(d, textOf(meta, DCM_TransferSyntaxUID)); !reason.empty())
        return readError(ErrorCode::FormatUnsupported, path, reason);
    return {};
}

void addWarnings(DcmDataset& d, DicomInstance& instance) {
    if (d.tagExists(DCM_ModalityLUTSequence))
        instance.warnings.emplace_back(
            "The file has a table for its grey values (Modality LUT) that is not applied.");
}

void readSlices(DcmDataset& d, const fs::path& path, DicomInstance& instance) {
    const std::string uid = textOf(d, DCM_SOPInstanceUID);
    const std::int64_t number = integerOf(d, DCM_InstanceNumber).value_or(0);
    const std::int64_t time = integerOf(d, DCM_TemporalPositionIdentifier).value_or(0);
    for (std::int64_t frame = 0; frame < instance.frames; ++frame) {
        const FrameItems items(d, frame);
        DicomSlice slice;
        slice.file = path;
        slice.frame = frame;
        slice.instanceUid = uid;
        slice.order = {time, number, frame};
        readPosition(items, slice);
        readPixelSteps(items, slice, instance.warnings);
        readRescale(items, d, slice);
        instance.slices.push_back(std::move(slice));
    }
    placeDosePlanes(d, instance);
}

Result<void> readInstance(DcmFileFormat& file, const fs::path& path, DicomInstance& instance) {
    DcmDataset& d = *file.getDataset();
    if (Result<void> readable = checkReadable(file, path); !readable)
        return readable;
    instance.pixels = pixelFormat(d, *storageOf(d));
    if (!isSensible(instance.pixels))
        return readError(ErrorCode::FormatUnsupported, path,
                         "its pixels are stored in a form that Tandem does not read (" +
                             std::to_string(instance.pixels.columns) + " x " +
                             std::to_string(instance.pixels.rows) + ", " +
                             std::to_string(instance.pixels.samples) + " samples of " +
                             std::to_string(instance.pixels.bitsAllocated) + " bits).");
    if (!textOf(d, DCM_NumberOfFrames).empty() && !integerOf(d, DCM_NumberOfFrames))
        return readError(ErrorCode::FormatInvalid, path, "its number of frames is no number.");
    instance.frames = std::max<std::int64_t>(1, integerOf(d, DCM_NumberOfFrames).value_or(1));
    if (instance.frames > mostFrames)
        return readError(ErrorCode::FormatInvalid, path,
                         "its header promises more frames than any image has.");
    instance.seriesUid = textOf(d, DCM_SeriesInstanceUID);
    instance.modality = textOf(d, DCM_Modality);
    instance.seriesDescription = personText(d, DCM_SeriesDescription);
    DcmItem& measures = FrameItems(d, 0).group(DCM_PixelMeasuresSequence);
    instance.sliceStep =
        std::abs(numberOf(d, DCM_SpacingBetweenSlices)
                     .value_or(numberOf(measures, DCM_SpacingBetweenSlices)
                                   .value_or(numberOf(measures, DCM_SliceThickness).value_or(0))));
    instance.framesAreTime = isCine(d, instance.modality);
    readSlices(d, path, instance);
    addWarnings(d, instance);
    return splitMosaic(d, path, instance);
}

} // namespace

Result<DicomInstance> readDicomHeader(const fs::path& path) {
    DicomInstance instance;
    Result<void> done =
        withDicom(path, [&](DcmFileFormat& file) { return readInstance(file, path, instance); });
    return done ? Result<DicomInstance>(std::move(instance)) : Result<DicomInstance>(done.error());
}

bool isDicomDirectory(const fs::path& path) {
    bool directory = false;
    const Result<void> done = withDicom(path, [&](DcmFileFormat& file) {
        directory =
            textOf(*file.getMetaInfo(), DCM_MediaStorageSOPClassUID) == UID_MediaStorageDirectoryStorage ||
            file.getDataset()->tagExists(DCM_DirectoryRecordSequence);
        return Result<void>();
    });
    return done && directory;
}

} // namespace tandem::imaging
