#include "inference/predict/candidates.h"

#include "core/measure/look_alikes.h"
#include "inference/predict/focus.h"

namespace tandem {

std::vector<CandidateKind> candidatesOf(const Prompts& object, int otherSizes, bool otherBox, bool parts) {
    std::vector<CandidateKind> kinds{parts ? CandidateKind::Parts : CandidateKind::Likeliest};
    kinds.insert(kinds.end(), static_cast<std::size_t>(otherSizes), CandidateKind::OtherSize);
    if (parts)
        kinds.push_back(CandidateKind::OneObject);
    if (otherBox)
        kinds.push_back(CandidateKind::OtherBox);
    if (!object.points.empty())
        kinds.push_back(CandidateKind::LookAlikes);
    return kinds;
}

std::vector<float> lookAlikeLogits(const SliceImage& slice, const Prompts& object) {
    const SliceBox all{0, 0, static_cast<double>(slice.width) - 1, static_cast<double>(slice.height) - 1};
    LookAlikes alikes(slice, object.box.value_or(all));
    const CropGrid& grid = alikes.grid();
    for (const PointPrompt& p : object.points)
        alikes.show(pixelsUnder(promptOnGrid(p, grid), grid.width, grid.height), p.foreground);
    return unsampleGrid(alikes.logits(), grid, slice.width, slice.height, -10);
}

} // namespace tandem
