#include "core/usecases/propagate_review.h"

#include "core/measure/components.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace tandem {
namespace {

constexpr std::int64_t leastPart = 8;  // voxels of an island or a hole that is told
constexpr double farBelowMedian = 0.6; // share of the median
constexpr double smoothOverlap = 0.7;  // Dice from which neighbours are never called a jump

using SliceList = std::vector<const PropagatedSlice*>; // of one label, ascending

double median(std::vector<double> v) {
    if (v.empty())
        return 0;
    const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
    std::nth_element(v.begin(), middle, v.end());
    return *middle;
}

bool insideAt(const SlicePatch& p, std::int64_t x, std::int64_t y) {
    const PixelWindow& w = p.window;
    return x >= w.x0 && y >= w.y0 && x < w.x0 + w.width && y < w.y0 + w.height && p.at(x, y) > 0;
}

double overlap(const SlicePatch& a, const SlicePatch& b) {
    std::int64_t both = 0;
    const PixelWindow& w = a.window;
    for (std::int64_t y = w.y0; y < w.y0 + w.height; ++y)
        for (std::int64_t x = w.x0; x < w.x0 + w.width; ++x)
            both += a.at(x, y) > 0 && insideAt(b, x, y);
    return 2.0 * static_cast<double>(both) /
           static_cast<double>(std::max<std::int64_t>(1, a.area() + b.area()));
}

std::string percent(double share) {
    return std::to_string(std::llround(100 * share)) + " %";
}

// The label's voxels as a block, a rim of one empty voxel on every side.
struct Block {
    std::array<std::int64_t, 3> size{};
    std::int64_t firstSlice = 0;
    std::vector<std::uint8_t> inside;
};

Block blockOf(const SliceList& slices) {
    std::int64_t x0 = slices.front()->mask.window.x0, y0 = slices.front()->mask.window.y0, x1 = x0, y1 = y0;
    for (const PropagatedSlice* s : slices) {
        const PixelWindow& w = s->mask.window;
        x0 = std::min(x0, w.x0);
        y0 = std::min(y0, w.y0);
        x1 = std::max(x1, w.x0 + w.width);
        y1 = std::max(y1, w.y0 + w.height);
    }
    Block b;
    b.firstSlice = slices.front()->slice.index - 1;
    b.size = {x1 - x0 + 2, y1 - y0 + 2, slices.back()->slice.index - b.firstSlice + 2};
    b.inside.resize(static_cast<std::size_t>(b.size[0] * b.size[1] * b.size[2]));
    std::size_t source = 0; // a slice that is missing counts as the one before it: it is no gap of its own
    for (std::int64_t k = 1; k + 1 < b.size[2]; ++k) {
        if (source + 1 < slices.size() && slices[source + 1]->slice.index == b.firstSlice + k)
            ++source;
        for (std::int64_t y = y0; y < y1; ++y)
            for (std::int64_t x = x0; x < x1; ++x)
                b.inside[static_cast<std::size_t>((k * b.size[1] + y - y0 + 1) * b.size[0] + x - x0 + 1)] =
                    insideAt(slices[source]->mask, x, y);
    }
    return b;
}

// For each component the slice that has most of it.
std::vector<std::int64_t> fullestSlices(const Components& parts, const Block& b) {
    std::vector<std::int64_t> fullest(parts.voxels.size(), 0), most(parts.voxels.size(), 0);
    const std::int64_t perSlice = b.size[0] * b.size[1];
    for (std::int64_t k = 0; k < b.size[2]; ++k) {
        std::vector<std::int64_t> here(parts.voxels.size(), 0);
        for (std::int64_t i = 0; i < perSlice; ++i)
            ++here[static_cast<std::size_t>(parts.label[static_cast<std::size_t>(k * perSlice + i)])];
        for (std::size_t n = 1; n < here.size(); ++n)
            if (here[n] > most[n]) {
                most[n] = here[n];
                fullest[n] = b.firstSlice + k;
            }
    }
    return fullest;
}

class Review {
public:
    Review(const SliceList& slices, std::vector<SliceFinding>& out)
        : slices_(slices), plane_(slices.front()->slice.plane), label_(slices.front()->label), out_(out) {}

    void lookForMissing() {
        for (std::size_t n = 0; n + 1 < slices_.size(); ++n)
            for (std::int64_t index = indexOf(n) + 1; index < indexOf(n + 1); ++index)
                note(index, FindingKind::Missing, name(index) + " has nothing, but the slices around it do.");
    }

    void lookForJumps() {
        std::vector<double> overlaps;
        for (std::size_t n = 0; n + 1 < slices_.size(); ++n)
            overlaps.push_back(overlap(slices_[n]->mask, slices_[n + 1]->mask));
        const double usual = median(overlaps);
        for (std::size_t n = 0; n < overlaps.size(); ++n)
            if (indexOf(n + 1) == indexOf(n) + 1 &&
                overlaps[n] < std::min(smoothOverlap, farBelowMedian * usual))
                note(indexOf(n + 1), FindingKind::Jump,
                     "The outline jumps between " + std::string(planeName(plane_)) + " slices " +
                         std::to_string(indexOf(n)) + " and " + std::to_string(indexOf(n + 1)) +
                         ": they overlap by " + percent(overlaps[n]) + ", others by " + percent(usual) + ".");
    }

    void lookForIslands() {
        const Block b = blockOf(slices_);
        const Components parts = connectedComponents(b.inside, b.size);
        const std::vector<std::int64_t> where = fullestSlices(parts, b);
        for (std::int32_t n = 1; n <= parts.count(); ++n)
            if (const auto size = parts.voxels[static_cast<std::size_t>(n)];
                n != parts.largest() && size >= leastPart)
                note(where[static_cast<std::size_t>(n)], FindingKind::Island,
                     "An island of " + std::to_string(size) + " voxels lies apart from the rest about " +
                         lowerName(where[static_cast<std::size_t>(n)]) + ".");
    }

    void lookForHoles() {
        Block b = blockOf(slices_);
        for (std::uint8_t& v : b.inside)
            v = v == 0;
        const Components parts = connectedComponents(b.inside, b.size, true);
        const std::vector<std::int64_t> where = fullestSlices(parts, b);
        for (std::int32_t n = 2; n <= parts.count(); ++n) // the first one in scan order is the rim's
            if (const auto size = parts.voxels[static_cast<std::size_t>(n)]; size >= leastPart)
                note(where[static_cast<std::size_t>(n)], FindingKind::Hole,
                     "A hole of " + std::to_string(size) + " voxels is enclosed about " +
                         lowerName(where[static_cast<std::size_t>(n)]) + ".");
    }

    void lookForDoubts() {
        std::vector<double> ious;
        for (const PropagatedSlice* s : slices_)
            ious.push_back(s->figures.predictedIou);
        const double usual = median(ious);
        for (const PropagatedSlice* s : slices_)
            if (!s->seed && s->figures.predictedIou < farBelowMedian * usual) {
                char text[96];
                std::snprintf(text, sizeof text, " (predicted IoU %.2f, others %.2f).",
                              s->figures.predictedIou, usual);
                note(s->slice.index, FindingKind::Unsure,
                     "The network is unsure on " + lowerName(s->slice.index) + text);
            }
    }

    void lookAtEnd(const PropagationEnd& end) {
        const std::string why = sentenceOf(end.reason);
        if (!why.empty())
            note(end.lastSlice.index, FindingKind::Stopped,
                 name(end.lastSlice.index) + " is the last one: " + why);
    }

private:
    static std::string sentenceOf(StopReason reason) {
        switch (reason) {
        case StopReason::LowIou:
            return "beyond it the network is unsure.";
        case StopReason::AreaGrew:
            return "beyond it the outline grows too fast.";
        case StopReason::AreaShrank:
            return "beyond it the outline shrinks too fast.";
        case StopReason::GreyDrifted:
            return "beyond it the grey values do not fit.";
        case StopReason::None:
        case StopReason::End:
        case StopReason::Empty:
            break;
        }
        return {};
    }
    std::int64_t indexOf(std::size_t n) const { return slices_[n]->slice.index; }
    std::string lowerName(std::int64_t index) const {
        return std::string(planeName(plane_)) + " slice " + std::to_string(index);
    }
    std::string name(std::int64_t index) const {
        std::string text = lowerName(index);
        text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
        return text;
    }
    void note(std::int64_t index, FindingKind kind, std::string sentence) {
        out_.push_back({{plane_, index}, label_, kind, std::move(sentence)});
    }

    const SliceList& slices_;
    Plane plane_;
    LabelId label_;
    std::vector<SliceFinding>& out_;
};

} // namespace

std::vector<SliceFinding> reviewPropagation(const Propagation& p) {
    std::map<LabelId, SliceList> byLabel;
    for (const PropagatedSlice& s : p.slices)
        byLabel[s.label].push_back(&s);
    std::vector<SliceFinding> findings;
    for (auto& [label, slices] : byLabel) {
        std::sort(slices.begin(), slices.end(), [](const PropagatedSlice* a, const PropagatedSlice* b) {
            return a->slice.index < b->slice.index;
        });
        Review review(slices, findings);
        review.lookForMissing();
        review.lookForJumps();
        review.lookForIslands();
        review.lookForHoles();
        review.lookForDoubts();
        for (const PropagationEnd& end : p.ends)
            if (end.label == label)
                review.lookAtEnd(end);
    }
    std::stable_sort(findings.begin(), findings.end(), [](const SliceFinding& a, const SliceFinding& b) {
        return std::pair(a.label, a.slice.index) < std::pair(b.label, b.slice.index);
    });
    return findings;
}

} // namespace tandem
