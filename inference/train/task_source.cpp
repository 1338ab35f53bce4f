#include "inference/train/task_source.h"

#include "inference/train/pattern.h"
#include "inference/train/scene.h"
#include "inference/train/superpixels.h"

#include <algorithm>
#include <cmath>

namespace tandem {

Result<TaskSource> TaskSource::open(const std::vector<std::filesystem::path>& packs, const Recipe& recipe) {
    TaskSource source;
    source.recipe_ = recipe;
    std::map<std::pair<bool, std::string>, DataSet> sets;
    for (const auto& folder : packs) {
        auto pack = PackFile::open(folder);
        if (!pack)
            return pack.error();
        for (std::size_t n = 0; n < pack->slices().size(); ++n) {
            const PackSlice& s = pack->slices()[n];
            if (!s.mayTrain)
                return Error{ErrorCode::InvalidArgument,
                             "The pack " + folder.string() + " holds " + s.caseName +
                                 ", whose licence does not allow training (" + s.licence +
                                 "). Pack only pairs with train=yes."};
            const bool isUsed = !s.labels.empty() || recipe.regionShare > 0;
            if (s.split != PackSplit::Train || !isUsed || isLeftOut(s.source, recipe))
                continue;
            const bool isFirst = recipe.firstPackShare > 0 && source.packs_.empty();
            sets[{isFirst, s.source}].byCase[s.caseName].push_back({source.packs_.size(), n});
            ++source.slices_;
        }
        source.packs_.push_back(std::move(*pack));
    }
    for (const std::string& name : recipe.leaveOut)
        if (std::none_of(source.packs_.begin(), source.packs_.end(), [&](const PackFile& pack) {
                return std::any_of(pack.slices().begin(), pack.slices().end(),
                                   [&](const PackSlice& s) { return s.source == name; });
            }))
            return Error{ErrorCode::InvalidArgument, "The recipe leaves out the data set \"" + name +
                                                         "\", but no pack holds one of that name."};
    for (auto& [key, set] : sets) {
        std::size_t slices = 0;
        for (auto& [caseName, places] : set.byCase) {
            slices += places.size();
            set.cases.push_back(places);
        }
        set.isFirst = key.first;
        set.name = key.second;
        set.weight = std::sqrt(std::min(40.0, static_cast<double>(slices)));
        source.sets_.push_back(std::move(set));
    }
    if (source.sets_.empty() && recipe.sceneShare + recipe.patternShare < 1)
        return Error{ErrorCode::InvalidArgument,
                     "The packs hold no slice to train on (all patients are kept out, or none was given)."};
    return source;
}

std::vector<std::string> TaskSource::dataSets() const {
    std::vector<std::string> names;
    for (const DataSet& s : sets_)
        names.push_back(s.name);
    return names;
}

const TaskSource::DataSet& TaskSource::drawSet(Random& r) const {
    const auto isFirst = [](const DataSet& s) { return s.isFirst; };
    const bool mixed =
        std::any_of(sets_.begin(), sets_.end(), isFirst) && !std::all_of(sets_.begin(), sets_.end(), isFirst);
    const bool first = mixed && r.chance(recipe_.firstPackShare);
    std::vector<const DataSet*> sets;
    double total = 0;
    for (const DataSet& s : sets_)
        if (!mixed || s.isFirst == first) {
            sets.push_back(&s);
            total += s.weight;
        }
    double at = r.uniform(0, total);
    std::size_t n = 0;
    while (n + 1 < sets.size() && at >= sets[n]->weight)
        at -= sets[n++]->weight;
    return *sets[n];
}

const TaskSource::Place& TaskSource::drawPlace(Random& r) const {
    const DataSet& set = drawSet(r);
    const auto pick = [&r](const auto& from) -> const auto& {
        return from[static_cast<std::size_t>(r.below(static_cast<std::int64_t>(from.size())))];
    };
    return pick(pick(set.cases));
}

TrainingTask TaskSource::labelled(const Place& place, PackPixels pixels, Random& r) const {
    const PackSlice& s = meta(place);
    std::vector<int> labels;
    for (const auto& [number, name] : s.labels)
        labels.push_back(number);
    const auto any = [&] {
        return labels[static_cast<std::size_t>(r.below(static_cast<std::int64_t>(labels.size())))];
    };
    TrainingTask task;
    task.mask = pixels.maskOf(any());
    if (labels.size() > 1 && r.chance(recipe_.unionShare))
        for (int more = r.integer(1, 2); more > 0; --more) {
            const SliceMask other = pixels.maskOf(any());
            for (std::size_t i = 0; i < other.inside.size(); ++i)
                task.mask.inside[i] |= other.inside[i];
        }
    task.image = std::move(pixels.image);
    task.imageSide = static_cast<double>(s.pictureSide);
    task.source = s.source;
    task.imageKey = std::to_string(place.pack) + "/" + s.id;
    return task;
}

Result<TrainingTask> TaskSource::draw(Random& r) const {
    const double kind = r.uniform();
    if (kind < recipe_.sceneShare)
        return makeScene(r);
    const double pattern = recipe_.sceneShare + recipe_.patternShare;
    if (kind < recipe_.sceneShare + recipe_.patternShare / 2)
        return makePatternScene(r);
    if (sets_.empty())
        return makeScene(r);
    const Place& place = drawPlace(r);
    auto pixels = packs_[place.pack].load(place.slice);
    if (!pixels)
        return pixels.error();
    const bool hasLabels = !meta(place).labels.empty();
    if (kind < pattern)
        if (auto task = makePatternTask(pixels->image, r))
            return std::move(*task);
    if (!hasLabels || kind < pattern + recipe_.regionShare)
        if (auto task = makeRegionTask(pixels->image, r))
            return std::move(*task);
    if (!hasLabels) // a slice of one grey
        return makeScene(r);
    return labelled(place, std::move(*pixels), r);
}

} // namespace tandem
