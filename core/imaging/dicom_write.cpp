#include "core/imaging/dicom_file.h"
#include "core/imaging/imaging.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace tandem {
namespace imaging {
namespace fs = std::filesystem;
namespace {

Error cannotWrite(const fs::path& path, const std::string& reason) {
    return {ErrorCode::FileUnwritable, "Cannot write " + path.string() + ": " + reason};
}

/// A number as a DICOM decimal string: at most 16 characters, as exact as they allow.
std::string decimal(double value) {
    if (std::abs(value) < 1e-12)
        return "0";
    std::array<char, 40> text{};
    for (int digits = 15; digits > 0; --digits)
        if (std::snprintf(text.data(), text.size(), "%.*g", digits, value) <= 16)
            break;
    return text.data();
}

template <class Values>
std::string decimals(const Values& values) {
    std::string text;
    for (const double v : values)
        text += (text.empty() ? "" : "\\") + decimal(v);
    return text;
}

/// What all files of a series have in common.
struct Series {
    const Volume& volume;
    const DicomSeriesLabels& labels;
    std::string studyUid, seriesUid, frameUid;
};

std::string newUid(const char* root) {
    std::array<char, 100> uid{};
    dcmGenerateUniqueIdentifier(uid.data(), root);
    return uid.data();
}

void putText(DcmDataset& d, const DcmTagKey& key, const std::string& text) {
    d.putAndInsertString(key, text.c_str());
}

void putIdentity(DcmDataset& d, const Series& series, std::int64_t slice) {
    putText(d, DCM_SpecificCharacterSet, "ISO_IR 192");
    putText(d, DCM_SOPClassUID, UID_CTImageStorage);
    putText(d, DCM_SOPInstanceUID, newUid(SITE_INSTANCE_UID_ROOT));
    putText(d, DCM_StudyInstanceUID, series.studyUid);
    putText(d, DCM_SeriesInstanceUID, series.seriesUid);
    putText(d, DCM_FrameOfReferenceUID, series.frameUid);
    putText(d, DCM_Modality, "CT");
    putText(d, DCM_ImageType, "DERIVED\\PRIMARY\\AXIAL");
    putText(d, DCM_Manufacturer, "Tandem");
    putText(d, DCM_PatientName, series.labels.patientName);
    putText(d, DCM_PatientID, series.labels.patientId);
    putText(d, DCM_SeriesDescription, series.labels.seriesDescription);
    putText(d, DCM_SeriesNumber, "1");
    putText(d, DCM_InstanceNumber, std::to_string(slice + 1));
    for (const DcmTagKey& empty :
         {DCM_StudyDate, DCM_StudyTime, DCM_AccessionNumber, DCM_ReferringPhysicianName, DCM_StudyID,
          DCM_PatientBirthDate, DCM_PatientSex, DCM_AcquisitionNumber, DCM_KVP,
          DCM_PositionReferenceIndicator})
        putText(d, empty, "");
}

void putPlane(DcmDataset& d, const Geometry& grid, std::int64_t slice) {
    const auto spacing = grid.spacing();
    const Vector<Patient> row = grid.direction(0), column = grid.direction(1);
    const Point<Patient> place = grid.patientFromVoxel()(Point<Voxel>{{0, 0, static_cast<double>(slice)}});
    putText(d, DCM_ImagePositionPatient, decimals(place.v));
    putText(d, DCM_ImageOrientationPatient,
            decimals(std::array<double, 6>{row[0], row[1], row[2], column[0], column[1], column[2]}));
    putText(d, DCM_PixelSpacing,
            decimals(std::array<double, 2>{spacing[1], spacing[0]})); // between rows, between columns
    putText(d, DCM_SliceThickness, decimal(spacing[2]));
    putText(d, DCM_SpacingBetweenSlices, decimal(spacing[2]));
}

std::vector<Uint16> slicePixels(const Volume& volume, std::int64_t slice) {
    const Size3& size = volume.geometry().size();
    std::vector<Uint16> pixels;
    pixels.reserve(static_cast<std::size_t>(size[0] * size[1]));
    for (std::int64_t j = 0; j < size[1]; ++j)
        for (std::int64_t i = 0; i < size[0]; ++i) {
            const double v = std::clamp(std::round(volume.at({i, j, slice})), -32768.0, 32767.0);
            pixels.push_back(static_cast<Uint16>(static_cast<std::int16_t>(v)));
        }
    return pixels;
}

void putPixels(DcmDataset& d, const Volume& volume, std::int64_t slice) {
    const Size3& size = volume.geometry().size();
    d.putAndInsertUint16(DCM_SamplesPerPixel, 1);
    putText(d, DCM_PhotometricInterpretation, "MONOCHROME2");
    d.putAndInsertUint16(DCM_Rows, static_cast<Uint16>(size[1]));
    d.putAndInsertUint16(DCM_Columns, static_cast<Uint16>(size[0]));
    d.putAndInsertUint16(DCM_BitsAllocated, 16);
    d.putAndInsertUint16(DCM_BitsStored, 16);
    d.putAndInsertUint16(DCM_HighBit, 15);
    d.putAndInsertUint16(DCM_PixelRepresentation, 1);
    putText(d, DCM_RescaleIntercept, "0");
    putText(d, DCM_RescaleSlope, "1");
    putText(d, DCM_RescaleType, "HU");
    putText(d, DCM_WindowCenter, "40");
    putText(d, DCM_WindowWidth, "400");
    const std::vector<Uint16> pixels = slicePixels(volume, slice);
    d.putAndInsertUint16Array(DCM_PixelData, pixels.data(), static_cast<unsigned long>(pixels.size()));
}

Result<void> writeSlice(const fs::path& path, const Series& series, std::int64_t slice) {
    DcmFileFormat file;
    DcmDataset& d = *file.getDataset();
    putIdentity(d, series, slice);
    putPlane(d, series.volume.geometry(), slice);
    putPixels(d, series.volume, slice);
    const fs::path temporary = path.string() + ".tmp";
    const OFCondition saved = file.saveFile(OFFilename(temporary.c_str()), EXS_LittleEndianExplicit);
    Result<void> done =
        saved.good() ? renameDurably(temporary, path) : cannotWrite(path, std::string(saved.text()) + ".");
    if (!done) {
        std::error_code ignored;
        fs::remove(temporary, ignored);
    }
    return done;
}

/// What DICOM slices cannot hold.
Result<void> checkWritable(const fs::path& folder, const Volume& volume) {
    const Geometry& g = volume.geometry();
    const auto refused = [&](const char* why) {
        return Error{ErrorCode::FormatUnsupported, "Cannot write " + folder.string() + " as DICOM: " + why};
    };
    if (volume.components() != 1)
        return refused("a CT has grey values, not colours.");
    if (g.size()[0] > 65535 || g.size()[1] > 65535)
        return refused("a slice has more than 65535 rows or columns.");
    if (g.isSheared())
        return refused("the axes of the image are not perpendicular. Resample it first.");
    return {};
}

} // namespace
} // namespace imaging

Result<void> writeDicomSeries(const std::filesystem::path& folder, const Volume& volume,
                              const DicomSeriesLabels& labels) try {
    using namespace imaging;
    if (Result<void> writable = checkWritable(folder, volume); !writable)
        return writable;
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed)
        return cannotWrite(folder, failed.message() + ".");
    const Series series{volume, labels, newUid(SITE_STUDY_UID_ROOT), newUid(SITE_SERIES_UID_ROOT),
                        newUid(SITE_STUDY_UID_ROOT)};
    for (std::int64_t slice = 0; slice < volume.geometry().size()[2]; ++slice) {
        std::array<char, 32> name{};
        std::snprintf(name.data(), name.size(), "IM%05lld.dcm", static_cast<long long>(slice + 1));
        if (Result<void> done = writeSlice(folder / name.data(), series, slice); !done)
            return done;
    }
    return {};
} catch (const std::bad_alloc&) {
    return Error{ErrorCode::OutOfMemory, "Cannot write " + folder.string() + ": there is not enough memory."};
}

} // namespace tandem
