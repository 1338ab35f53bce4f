#include "core/imaging/imaging.h"
#include "core/imaging/nifti.h"
#include "core/imaging/nifti_affine.h"
#include "core/imaging/nifti_header.h"

#include <algorithm>
#include <new>

namespace tandem {
namespace imaging {
namespace fs = std::filesystem;
namespace {

constexpr double affineTolerance = 1e-4; // mm; what float32 keeps of a position within four metres

bool hasEnding(const std::string& name, const std::string& ending) {
    return name.size() > ending.size() &&
           name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
}

template <class T>
void append(Bytes& out, const std::vector<T>& values) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
    out.insert(out.end(), bytes, bytes + values.size() * sizeof(T));
}

template <class T>
constexpr NiftiType niftiTypeOf() {
    if constexpr (std::is_same_v<T, std::uint8_t>)
        return NiftiType::UInt8;
    else if constexpr (std::is_same_v<T, std::int16_t>)
        return NiftiType::Int16;
    else if constexpr (std::is_same_v<T, std::uint16_t>)
        return NiftiType::UInt16;
    else if constexpr (std::is_same_v<T, std::int32_t>)
        return NiftiType::Int32;
    else if constexpr (std::is_same_v<T, float>)
        return NiftiType::Float32;
    else
        return NiftiType::Float64;
}

Bytes encodeFile(const Geometry& grid, NiftiType type, const auto& values) {
    NiftiHeader header;
    headerFromGeometry(header, grid);
    header.type = type;
    header.slope = 1;
    header.description = "Tandem";
    Bytes file = encodeNiftiHeader(header);
    file.reserve(file.size() + values.size() * sizeof(values[0]));
    append(file, values);
    return file;
}

/// Reads the new file and compares it, voxel for voxel and grid for grid, before anything gets its name.
Result<void> checkWritten(const fs::path& temporary, const fs::path& path, const Geometry& grid,
                          auto&& sameValues) {
    const auto differs = [&](const std::string& how) {
        return Error{ErrorCode::FileUnwritable, "Cannot write " + path.string() +
                                                    ": what was written reads back differently (" + how +
                                                    "). Is the disk failing?"};
    };
    const Result<LoadedImage> back = readNifti(temporary, 0);
    if (!back)
        return differs(back.error().sentence);
    if (Result<void> same =
            checkSameGrid(grid, "The image", back->volume->geometry(), "the new file", affineTolerance);
        !same)
        return differs(same.error().sentence);
    if (!sameValues(*back->volume))
        return differs("voxels");
    return {};
}

Result<void> writeFile(const fs::path& path, Bytes file, const Geometry& grid, auto&& sameValues) {
    const std::string name = path.filename().string();
    const bool compressed = hasEnding(name, ".nii.gz");
    if (!compressed && !hasEnding(name, ".nii"))
        return Error{ErrorCode::InvalidArgument,
                     "Cannot write " + path.string() + ": the name of a NIfTI file ends in .nii or .nii.gz."};
    if (compressed)
        file = gzip(file);
    return writeAtomically(path, file, [&](const fs::path& temporary) {
        return checkWritten(temporary, path, grid, sameValues);
    });
}

Error outOfMemory(const fs::path& path) {
    return {ErrorCode::OutOfMemory, "Cannot write " + path.string() + ": there is not enough memory."};
}

bool sameBits(const auto& a, const auto& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](auto x, auto y) { return x == y || (x != x && y != y); });
}

} // namespace

Result<void> writeNiftiLabels(const fs::path& path, const LabelMap& map) try {
    const std::vector<std::uint16_t>& labels = map.labels();
    const bool small = std::all_of(labels.begin(), labels.end(), [](std::uint16_t v) { return v < 256; });
    Bytes file = small ? encodeFile(map.grid(), NiftiType::UInt8, Bytes(labels.begin(), labels.end()))
                       : encodeFile(map.grid(), NiftiType::UInt16, labels);
    return writeFile(path, std::move(file), map.grid(), [&](const Volume& back) {
        return std::visit(
            [&](const auto& v) { return std::equal(v.begin(), v.end(), labels.begin(), labels.end()); },
            back.values());
    });
} catch (const std::bad_alloc&) {
    return outOfMemory(path);
}

} // namespace imaging

Result<void> writeNiftiVolume(const std::filesystem::path& path, const Volume& volume) try {
    using namespace imaging;
    if (volume.components() != 1 && volume.components() != 3)
        return Error{ErrorCode::InvalidArgument,
                     "Cannot write " + path.string() + ": an image has 1 or 3 components."};
    return std::visit(
        [&]<class T>(const std::vector<T>& values) -> Result<void> {
            const bool colour = volume.components() == 3;
            if (colour && !std::is_same_v<T, std::uint8_t>)
                return Error{ErrorCode::FormatUnsupported,
                             "Cannot write " + path.string() + ": colour is written with 8 bits alone."};
            const NiftiType type = colour ? NiftiType::Rgb24 : niftiTypeOf<T>();
            return writeFile(path, encodeFile(volume.geometry(), type, values), volume.geometry(),
                             [&](const Volume& back) {
                                 const auto* same = std::get_if<std::vector<T>>(&back.values());
                                 return same && sameBits(*same, values);
                             });
        },
        volume.values());
} catch (const std::bad_alloc&) {
    return imaging::outOfMemory(path);
}

} // namespace tandem
