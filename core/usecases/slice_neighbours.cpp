#include "core/usecases/slice_neighbours.h"

#include "core/usecases/label_lean.h"

#include <algorithm>
#include <cstdlib>

namespace tandem {
namespace {

constexpr float kShare = 0.4F;  // of the neighbours
constexpr float kLargest = 6;   // of a logit
constexpr float kBeyond = 1e9F; // where a frame does not reach

float kept(float logit) {
    return std::clamp(logit, -kLargest, kLargest);
}

// The one vote for a label on the slice next to this one.
const BoxVote* voteFor(const SlicePrompts& object, const std::vector<BoxVote>* votes) {
    const BoxVote* found = nullptr;
    for (std::size_t n = 0; votes && n < votes->size(); ++n) {
        const SlicePrompts& other = (*votes)[n].object;
        if (other.label != object.label || other.slice.plane != object.slice.plane ||
            std::abs(other.slice.index - object.slice.index) != 1)
            continue;
        if (found)
            return nullptr;
        found = &(*votes)[n];
    }
    return found;
}

} // namespace

std::vector<BoxVote> votesOf(const SliceAnswer& answer) {
    std::vector<BoxVote> votes;
    for (std::size_t n = 0; n < answer.objects.size(); ++n) {
        const Proposal& p = answer.proposals[n];
        if (!answer.objects[n].prompts.box)
            continue;
        SliceImage logits{p.width, p.height, 1, p.logits};
        std::transform(logits.values.begin(), logits.values.end(), logits.values.begin(), kept);
        votes.push_back(
            {answer.objects[n], sampleGrid(logits, leanFrame(*answer.objects[n].prompts.box), -kLargest)});
    }
    return votes;
}

void agreeWithNeighbours(SliceAnswer& answer, const std::vector<BoxVote>* before,
                         const std::vector<BoxVote>* behind) {
    for (std::size_t n = 0; n < answer.objects.size(); ++n) {
        const SlicePrompts& object = answer.objects[n];
        const auto sameLabel = [&](const SlicePrompts& o) { return o.label == object.label; };
        if (!object.prompts.box || !object.prompts.points.empty() ||
            std::count_if(answer.objects.begin(), answer.objects.end(), sameLabel) != 1)
            continue;
        std::vector<float> mean;
        for (const auto* votes : {before, behind}) {
            const BoxVote* vote = voteFor(object, votes);
            if (!vote)
                continue;
            if (mean.empty()) {
                mean = vote->cells;
                continue;
            }
            for (std::size_t c = 0; c < mean.size(); ++c)
                mean[c] = (mean[c] + vote->cells[c]) / 2;
        }
        if (mean.empty())
            continue;
        Proposal& p = answer.proposals[n];
        const std::vector<float> others =
            unsampleGrid(mean, leanFrame(*object.prompts.box), p.width, p.height, kBeyond);
        for (std::size_t i = 0; i < others.size(); ++i)
            if (others[i] != kBeyond)
                p.logits[i] = (1 - kShare) * kept(p.logits[i]) + kShare * others[i];
    }
}

} // namespace tandem
