#pragma once

#include "core/image/volume.h"
#include "core/measure/grey_crop.h"
#include "core/tools/point_prompt.h"
#include "core/usecases/segmenter.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

/// Finds what looks like the places that somebody pointed at, all over a slice: nuclei, vessels, walls. Every
/// cell of a grid over the box and 30 % of its longer side around it (at most 384 cells along a side, none
/// smaller than a pixel) has features of its surroundings: the
/// principal components of its colours (as optical densities; a grey slice has one), blurred by 0.7, 1.5 and
/// 3 cells, differences of such blurs up to 12 cells, and how the first component bends at 1.5 and 3 cells
/// (the eigenvalues of its Hessian: ridges, spots). Ridge regression tells the cells that belong from those
/// that do not. Deterministic. Thread: one.
/// Source: such features with a trained classifier are those of ilastik (Berg et al., Nature Methods 2019).
class LookAlikes {
public:
    /// @param slice  with 1 or 3 components
    /// @param box    what is looked for lies in it (SlicePx): all cells inside and outside are a weak example
    ///               each of what belongs and what does not
    LookAlikes(const SliceImage& slice, const SliceBox& box);

    const CropGrid& grid() const { return grid_; }

    /// Takes cells (indices of the grid), and those at most 2 away from them, as examples; the latest word on
    /// a cell counts. Cells outside the grid are passed over.
    void show(std::span<const SlicePixel> cells, bool foreground);

    /// What the examples so far say: > 0 belongs; the grid's cells row by row, -10 outside the box. While all
    /// examples are of one kind, what is like them (or unlike them) most, 3 to 20 % of the box. Specks of
    /// less than 6 cells do not belong, unless they were pointed at.
    std::vector<float> logits() const;

private:
    using Gram = std::vector<double>; // features x features, row by row
    struct Sums {
        double cells = 0;
        Gram products;
        std::vector<double> values;
    };

    void addFeature(std::vector<float> values);
    void addFeaturesOf(const SliceImage& component, bool bends);
    template <class Use>
    Sums sumsOver(int step, const Use&) const;
    float cutOf(const std::vector<float>& scores) const;

    CropGrid grid_;
    std::vector<std::vector<float>> features_;   // each of mean 0 and deviation 1; the last is 1 everywhere
    std::vector<std::uint8_t> inBox_, examples_; // examples: 0 none, 1 belongs, 2 does not
    Sums box_, rest_;                            // of cells inside and outside the box, every other one
};

} // namespace tandem
