#include "inference/train/validation.h"

#include "core/measure/overlap.h"
#include "core/measure/surface_dice.h"
#include "inference/predict/predictor.h"
#include "inference/train/random.h"
#include "inference/train/sample.h"
#include "inference/train/slice_request.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace tandem::train {
namespace {

constexpr double handShare = 0.03, tolerancePx = 2;

// The exact box, and one drawn by hand.
std::vector<Prompts> boxesOf(const SliceImage& image, const SliceBox& tight, double pictureSide) {
    const double slack = std::round(handShare * pictureSide);
    const double right = static_cast<double>(image.width - 1), bottom = static_cast<double>(image.height - 1);
    const SliceBox hand{std::max(0.0, tight.x0 - slack), std::max(0.0, tight.y0 - slack),
                        std::min(right, tight.x1 + slack), std::min(bottom, tight.y1 + slack)};
    return {{tight, {}}, {hand, {}}};
}

void add(ValidationScore& to, const ValidationScore& s, double share) {
    to.dscTight += share * s.dscTight;
    to.nsdTight += share * s.nsdTight;
    to.dscHand += share * s.dscHand;
}

// Means of the data sets, and the mean of those before them.
std::vector<ValidationScore> means(const std::vector<ValidationScore>& single) {
    std::map<std::string, ValidationScore> sums;
    for (const ValidationScore& s : single) {
        ValidationScore& sum = sums[s.source];
        sum.source = s.source;
        add(sum, s, 1);
        ++sum.items;
    }
    std::vector<ValidationScore> out{{"all", static_cast<std::int64_t>(single.size()), 0, 0, 0}};
    for (const auto& [name, sum] : sums) {
        ValidationScore mean{name, sum.items, 0, 0, 0};
        add(mean, sum, 1.0 / static_cast<double>(sum.items));
        add(out.front(), mean, 1.0 / static_cast<double>(sums.size()));
        out.push_back(mean);
    }
    return out;
}

} // namespace

Result<ValidationSet> ValidationSet::open(const std::vector<std::filesystem::path>& packs,
                                          const Recipe& recipe) {
    ValidationSet set;
    std::map<std::string, std::vector<Item>> bySource;
    for (const auto& folder : packs) {
        auto pack = PackFile::open(folder);
        if (!pack)
            return pack.error();
        for (std::size_t n = 0; n < pack->slices().size(); ++n) {
            const PackSlice& s = pack->slices()[n];
            if (s.split == PackSplit::KeptOut || isLeftOut(s.source, recipe))
                for (const auto& [label, name] : s.labels)
                    bySource[s.source].push_back({set.packs_.size(), n, label});
        }
        set.packs_.push_back(std::move(*pack));
    }
    Random random(recipe.seed ^ 0x76616c6964617465);
    for (auto& [source, items] : bySource)
        for (std::size_t i = items.size(); i > 1; --i)
            std::swap(items[i - 1],
                      items[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(i)))]);
    const auto wanted = static_cast<std::size_t>(recipe.validateItems);
    bool found = true;
    for (std::size_t round = 0; found && set.items_.size() < wanted; ++round) {
        found = false;
        for (const auto& [source, items] : bySource)
            if (round < items.size() && set.items_.size() < wanted) {
                set.items_.push_back(items[round]);
                found = true;
            }
    }
    return set;
}

Result<std::vector<ValidationScore>> ValidationSet::score(const checkpoint::Model& model) const {
    predict::Predictor predictor(model, "in training", 0);
    std::vector<ValidationScore> single;
    for (const Item& item : items_) {
        const PackSlice& meta = packs_[item.pack].slices()[item.slice];
        const auto pixels = packs_[item.pack].load(item.slice);
        if (!pixels)
            return pixels.error();
        const SliceMask truth = pixels->maskOf(item.label);
        const auto tight = tightBox(truth);
        if (!tight)
            continue;
        const auto boxes = boxesOf(pixels->image, *tight, static_cast<double>(meta.pictureSide));
        const auto answers = predictor.predict(requestFor(pixels->image, boxes), predict::Watch{});
        if (!answers)
            return answers.error();
        const SliceMask mask = (*answers)[0].mask();
        single.push_back({meta.source, 1, dice(truth, mask),
                          surfaceDice(truth.inside, mask.inside, {truth.width, truth.height, 1}, tolerancePx),
                          dice(truth, (*answers)[1].mask())});
    }
    return means(single);
}

} // namespace tandem::train
