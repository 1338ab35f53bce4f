#pragma once

#include "core/files/json.h"
#include "core/files/safetensors.h"
#include "core/geometry/slice_plane.h"
#include "core/image/label_map.h"
#include "core/image/volume.h"
#include "core/result.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tandem {

/// Which side of the split by patient a slice is on.
enum class PackSplit { Train, KeptOut };

/// What a pack knows of one slice.
struct PackSlice {
    std::string id; ///< unique in the pack: tensors `id.image` and `id.layers`
    std::string caseName, patient, modality, source, licence; ///< source: name of the data set
    bool mayTrain = false;                                    ///< the licence allows training
    PackSplit split = PackSplit::Train;
    SliceKey slice;
    std::array<double, 2> spacing{1, 1}; ///< mm along x and y
    std::array<double, 12> affine{};     ///< patient (LPS mm) from voxel, rows of linear and offset
    std::int64_t pictureSide = 0;        ///< longer side of the slice, px
    std::map<int, std::string> labels;   ///< structures of this slice: number -> name
    std::string shard;                   ///< file name
};

/// Voxels of one slice of a pack.
struct PackPixels {
    SliceImage image; ///< int16 in the file: HU -1024..2000, or percentiles 0.5..99.5 to 0..4095
    std::vector<SliceMask>
        layers; ///< label numbers (1..255) in `inside`; structures that overlap lie in several
    SliceMask maskOf(int label) const;
};

/// A folder written by `tandem pack`: pack.json and safetensors shards. Thread: any, immutable.
class PackFile {
public:
    /// Errors: FileNotFound, FormatInvalid.
    static Result<PackFile> open(const std::filesystem::path& folder);

    const std::vector<PackSlice>& slices() const { return slices_; }
    /// Error: FormatInvalid if the shard does not hold the slice as pack.json says.
    Result<PackPixels> load(std::size_t slice) const;

private:
    std::filesystem::path folder_;
    std::vector<PackSlice> slices_;
    std::map<std::string, SafetensorsFile> shards_;
};

JsonValue packSliceToJson(const PackSlice&);
Result<PackSlice> packSliceFromJson(const JsonValue&);

} // namespace tandem
