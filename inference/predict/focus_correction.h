#pragma once
// Private to inference/.

#include "core/measure/grey_crop.h"
#include "inference/predict/focus.h"

#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

/// Cells along a side of the grid that outlines are corrected on.
inline constexpr int correctionCells = 128;

/// Keeps what clicks and scribbles have decided so far about one object, on correctionCells x correctionCells
/// cells of its crop. Thread: one.
class FocusCorrection {
public:
    FocusCorrection(const SliceImage&, const FocusCrop&, const FocusSettings&);

    /// Marks the disc around a click, or around every cell of a scribble, that lies between it and the
    /// outline of the mask it was made on.
    void add(const PointPrompt&, const std::vector<float>& logitsBefore);

    /// The outline of the network's logits moved to edges and to what clicks and scribbles have decided; the
    /// logits first learn from them what the object looks like. In and out: logits on the grid.
    std::vector<float> apply(std::vector<float> logits) const;

private:
    void decideDisc(const Point<SlicePx>&, bool foreground, const std::vector<float>& logitsBefore);
    void decideLine(const PointPrompt&, const std::vector<float>& logitsBefore);
    void doubtAround(const Point<SlicePx>&, double radius);
    double distanceToOutline(const Point<SlicePx>&, bool foreground, const std::vector<float>&) const;

    CropGrid grid_;
    FocusSettings settings_;
    std::vector<float> grey_;           // 0..1
    std::vector<float> trust_;          // weight of the network's probability in the walker
    std::vector<std::uint8_t> seeds_;   // 0 open, 1 belongs, 2 does not
    std::vector<std::uint8_t> lines_;   // the same, under scribbles alone
    std::vector<std::uint8_t> outside_; // 1: outside the box
    int foreground_ = 0, background_ = 0;
};

} // namespace tandem
