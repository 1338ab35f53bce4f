#pragma once

#include "core/geometry/slice_plane.h"
#include "core/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace tandem {

/// What the grey values mean, as far as the file says.
enum class Intensity { Unknown, Hounsfield, Colour };

/// An image on a grid: immutable once made, shared between threads as shared_ptr<const Volume>.
/// Values are the real ones (scl_slope / rescale applied); integer files without scaling keep their type.
/// Colour has 3 interleaved components of uint8. A still picture is a volume of one slice (columns, rows, 1).
class Volume {
public:
    using Values =
        std::variant<std::vector<std::uint8_t>, std::vector<std::int16_t>, std::vector<std::uint16_t>,
                     std::vector<std::int32_t>, std::vector<float>, std::vector<double>>;

    /// @param values voxelCount() * components values, i fastest, components interleaved.
    /// Error: InvalidArgument if the number of values does not fit.
    /// @param shownInverted low values are meant to be bright (DICOM's MONOCHROME1).
    static Result<Volume> make(Geometry, Values values, int components = 1, Intensity = Intensity::Unknown,
                               bool shownInverted = false);

    const Geometry& geometry() const { return geometry_; }
    const Values& values() const { return values_; }
    int components() const { return components_; }
    Intensity intensity() const { return intensity_; }
    bool shownInverted() const { return shownInverted_; }

    /// The real value of one component of one voxel.
    double at(const VoxelIndex&, int component = 0) const;
    /// Smallest and largest finite value over all components.
    std::array<double, 2> range() const;
    /// Values at the given fractions (0..1) of the sorted finite values, or of the positive ones alone.
    /// Exact for up to 2^22 values, beyond that from an even subsample.
    std::vector<double> quantiles(const std::vector<double>& fractions, bool positiveOnly = false) const;

private:
    Geometry geometry_;
    Values values_;
    int components_ = 1;
    Intensity intensity_ = Intensity::Unknown;
    bool shownInverted_ = false;
};

/// One slice as the network and the views take it: rows y, columns x of SlicePx, components interleaved.
struct SliceImage {
    std::int64_t width = 0;  ///< columns
    std::int64_t height = 0; ///< rows
    int components = 1;
    std::vector<float> values; ///< height * width * components
};

/// Cuts one slice. Error: InvalidArgument if the index is outside.
Result<SliceImage> extractSlice(const Volume&, SliceKey);

/// A volume and where it came from; what readers return.
struct LoadedImage {
    std::shared_ptr<const Volume> volume;
    std::string description;           ///< one line: format, modality, series description
    std::string modality;              ///< "CT", "MR", ... or empty
    std::vector<std::string> warnings; ///< sentences: sheared axes, missing slices, lost geometry
};

/// Default window of an image: level and width. CT (Hounsfield) gets soft tissue 40/400, others the 0.5..99.5
/// percentiles of their positive values (of all values if none is positive), colour 127.5/255. Inverted: the
/// lowest value is white.
struct GreyWindow {
    double level = 0;
    double width = 1;
    bool inverted = false;
    friend bool operator==(const GreyWindow&, const GreyWindow&) = default;
};
GreyWindow defaultWindow(const Volume&);

} // namespace tandem
