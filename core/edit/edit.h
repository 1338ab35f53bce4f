#pragma once

#include "core/geometry/slice_plane.h"
#include "core/image/label_map.h"
#include "core/result.h"

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace tandem {

/// Voxels start .. start+length-1 (array order, i fastest) that all changed from one label to another.
struct EditRun {
    std::uint64_t start = 0;
    std::uint32_t length = 0;
    std::uint16_t before = 0;
    std::uint16_t after = 0;
    friend bool operator==(const EditRun&, const EditRun&) = default;
};

/// What made an edit; kept in the journal.
enum class EditSource : std::uint8_t {
    Brush,
    Eraser,
    Proposal,
    Import,
    DeleteLabel,
    Grow,
    Propagation,
    Lasso
};

/// One change of a label map: plain data, the only way in. Runs are ascending and do not overlap;
/// voxels that would not change, and voxels of locked labels, are not in it.
struct Edit {
    EditSource source = EditSource::Brush;
    LabelId label;     ///< the label that was drawn with (0 = erased)
    std::string title; ///< for the undo menu: "Brush, liver, axial 41"
    std::vector<EditRun> runs;

    bool empty() const { return runs.empty(); }
    std::uint64_t voxelCount() const;
    friend bool operator==(const Edit&, const Edit&) = default;
};

/// Applies an edit. Error: InvalidArgument, and nothing is changed, if a run lies outside the map or a voxel
/// does not have the run's `before` (the edit belongs to another state of the map).
Result<void> applyEdit(LabelMap&, const Edit&);

/// The edit that takes another one back.
Edit inverse(const Edit&);

/// Which labels must not be touched.
using LockedLabels = std::set<LabelId>;

/// The edit that sets every voxel of `mask` on one slice to `label` (erase: label 0). With `onlyOver`, only
/// voxels that now hold that label change. Locked labels are neither written nor overwritten.
Edit editFromMask(const LabelMap&, SliceKey, const SliceMask&, LabelId label, EditSource, const LockedLabels&,
                  const LabelId* onlyOver = nullptr);

/// The edit that turns `map` into `target` (same grid); for imports and volume-wide tools. Locked labels
/// stay. Error: GridMismatch.
Result<Edit> editToward(const LabelMap& map, const LabelMap& target, EditSource, const LockedLabels&);

/// Bytes for the journal (little endian, variable-length integers), and back.
/// Error of decode: FormatInvalid for anything that encode did not write.
std::vector<std::uint8_t> encodeRuns(const std::vector<EditRun>&);
Result<std::vector<EditRun>> decodeRuns(const std::uint8_t* data, std::size_t size);

} // namespace tandem
