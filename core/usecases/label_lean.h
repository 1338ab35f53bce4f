#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"
#include "core/measure/grey_crop.h"
#include "core/usecases/segmenter.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// What a network said inside a box and the mask that was accepted there, both on the cells of the frame of
/// the mask's own box (leanFrame), so that boxes drawn tightly and with slack compare.
struct LabelExample {
    std::vector<float> logits; ///< within -6..6
    std::vector<float> mask;   ///< covered share of a cell
    friend bool operator==(const LabelExample&, const LabelExample&) = default;
};

/// What is added to a network's logits in the frame of a box, from what the masks of a label have in common.
struct BoxLean {
    SliceImage cells; ///< one component, on leanFrame's cells
    float outside = 0;

    /// On the cells of a grid on the slice, with the frame of this box.
    std::vector<float> on(const CropGrid&, const SliceBox&) const;
};

/// The cells that a box and a quarter of its lengths on every side are divided into (SlicePx).
CropGrid leanFrame(const SliceBox&);

/// @param logits  of a part of a slice, one component; its first pixel is the slice's pixel (left, top)
/// @param lean  what was added to them already; is taken off again. May be null
/// @return nothing if the mask has no pixel in the box
std::optional<LabelExample> exampleOf(const SliceImage& logits, std::int64_t left, std::int64_t top,
                                      const BoxLean* lean, const SliceBox& box, const SliceMask& accepted);

/// The latest examples of one label on one plane, the newest last.
class LabelMemory {
public:
    void add(LabelExample);
    const std::deque<LabelExample>& examples() const { return examples_; }
    /// What to add to a network's logits: of a few constants and weights of the masks' mean shape the pair
    /// under which each example is met best by the shape of the others (mean DSC, less a little for straying
    /// from nothing). Null for fewer than two examples and where nothing helps.
    std::shared_ptr<const BoxLean> lean() const;

private:
    std::deque<LabelExample> examples_;
};

/// A memory as text (a byte for each cell's logit, one for its share) and back; nothing remembered where the
/// text is none.
std::string memoryAsText(const LabelMemory&);
LabelMemory memoryFromText(std::string_view);

} // namespace tandem
