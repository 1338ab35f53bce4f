#pragma once

#include "core/geometry/slice_plane.h"
#include "core/image/label_map.h"
#include "core/usecases/evaluate.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace tandem {

/// Mean of what a model said of its masks.
class MeanGuess {
public:
    void add(const IouGuess&);
    std::optional<IouGuess> mean() const;

private:
    IouGuess sum_;
    std::int64_t count_ = 0;
};

/// Scores of one structure by one method, collected slice by slice.
class StackScore {
public:
    /// @param everySlice  all slices of the structure are added: the NSD is that of the volume
    /// @param plane       the plane of all slices added
    StackScore(const Geometry& grid, bool everySlice, Plane plane = Plane::Axial)
        : grid_(grid), everySlice_(everySlice), plane_(plane) {}

    /// Several objects may lie on one slice (instances).
    /// @param predictedIou  what the method said of this mask, if it does
    void add(SliceKey, const SliceMask& truth, const SliceMask& mask,
             std::optional<double> predictedIou = {});

    std::int64_t slices() const { return slices_; }
    double dsc() const;
    /// At 2 mm; at 2 px for a picture (one slice).
    double nsd() const;
    std::optional<IouGuess> guess() const;

private:
    struct Pair {
        SliceMask truth, mask;
    };
    double volumeNsd() const;
    double meanSliceNsd() const;

    Geometry grid_;
    bool everySlice_;
    Plane plane_;
    std::int64_t slices_ = 0;
    MeanGuess guess_;
    std::map<std::int64_t, Pair> bySlice_;
};

/// Means over structures, by method and number of clicks, in the order of their first row.
std::vector<EvaluateMean> meansOf(const std::vector<EvaluateRow>&);

} // namespace tandem
