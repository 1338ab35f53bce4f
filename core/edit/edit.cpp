#include "core/edit/edit.h"

#include <algorithm>

namespace tandem {
namespace {

// Collects changed voxels in ascending order into runs.
class RunBuilder {
public:
    void add(std::uint64_t place, std::uint16_t before, std::uint16_t after) {
        if (!runs_.empty()) {
            EditRun& last = runs_.back();
            if (last.start + last.length == place && last.before == before && last.after == after &&
                last.length < UINT32_MAX) {
                ++last.length;
                return;
            }
        }
        runs_.push_back({place, 1, before, after});
    }
    std::vector<EditRun> take() { return std::move(runs_); }

private:
    std::vector<EditRun> runs_;
};

void putNumber(std::vector<std::uint8_t>& out, std::uint64_t n) {
    for (; n >= 0x80; n >>= 7)
        out.push_back(static_cast<std::uint8_t>(n | 0x80));
    out.push_back(static_cast<std::uint8_t>(n));
}

bool takeNumber(const std::uint8_t*& at, const std::uint8_t* end, std::uint64_t& n) {
    n = 0;
    for (int shift = 0; at != end && shift < 64; shift += 7) {
        const std::uint8_t byte = *at++;
        n |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

constexpr std::uint8_t journalVersion = 1;

} // namespace

std::uint64_t Edit::voxelCount() const {
    std::uint64_t n = 0;
    for (const EditRun& run : runs)
        n += run.length;
    return n;
}

Result<void> applyEdit(LabelMap& map, const Edit& edit) {
    auto& labels = map.labels_;
    std::uint64_t reached = 0;
    for (const EditRun& run : edit.runs) {
        if (run.start < reached || run.length == 0 || run.start > labels.size() ||
            run.length > labels.size() - run.start)
            return Error{ErrorCode::InvalidArgument, "A change lies outside the mask that it is meant for."};
        for (std::uint64_t v = run.start; v < run.start + run.length; ++v)
            if (labels[v] != run.before)
                return Error{ErrorCode::InvalidArgument,
                             "A change does not fit the mask: it was made on another state."};
        reached = run.start + run.length;
    }
    for (const EditRun& run : edit.runs)
        std::fill_n(labels.begin() + static_cast<std::ptrdiff_t>(run.start), run.length, run.after);
    return {};
}

Edit inverse(const Edit& edit) {
    Edit back = edit;
    for (EditRun& run : back.runs)
        std::swap(run.before, run.after);
    return back;
}

Edit editFromMask(const LabelMap& map, SliceKey key, const SliceMask& mask, LabelId label, EditSource source,
                  const LockedLabels& locked, const LabelId* onlyOver) {
    Edit edit{source, label, {}, {}};
    if (locked.contains(label))
        return edit;
    const Geometry& g = map.grid();
    struct Change {
        std::uint64_t place;
        std::uint16_t before;
    };
    std::vector<Change> changes;
    for (std::int64_t y = 0; y < mask.height; ++y)
        for (std::int64_t x = 0; x < mask.width; ++x) {
            if (!mask.at(x, y))
                continue;
            const VoxelIndex v = voxelAt(g, key, x, y);
            if (!g.contains(v))
                continue;
            const LabelId before = map.at(v);
            if (before == label || locked.contains(before) || (onlyOver && before != *onlyOver))
                continue;
            changes.push_back({static_cast<std::uint64_t>(g.offsetOf(v)), before.value});
        }
    std::sort(changes.begin(), changes.end(),
              [](const Change& a, const Change& b) { return a.place < b.place; });
    RunBuilder runs;
    for (const Change& c : changes)
        runs.add(c.place, c.before, label.value);
    edit.runs = runs.take();
    return edit;
}

Result<Edit> editToward(const LabelMap& map, const LabelMap& target, EditSource source,
                        const LockedLabels& locked) {
    if (Result<void> same = checkSameGrid(target.grid(), "The new mask", map.grid(), "the image"); !same)
        return same.error();
    Edit edit{source, {}, {}, {}};
    RunBuilder runs;
    for (std::size_t v = 0; v < map.labels().size(); ++v) {
        const LabelId before{map.labels()[v]}, after{target.labels()[v]};
        if (before != after && !locked.contains(before) && !locked.contains(after))
            runs.add(v, before.value, after.value);
    }
    edit.runs = runs.take();
    return edit;
}

std::vector<std::uint8_t> encodeRuns(const std::vector<EditRun>& runs) {
    std::vector<std::uint8_t> out{journalVersion};
    putNumber(out, runs.size());
    std::uint64_t reached = 0;
    for (const EditRun& run : runs) {
        putNumber(out, run.start - reached);
        putNumber(out, run.length);
        putNumber(out, run.before);
        putNumber(out, run.after);
        reached = run.start + run.length;
    }
    return out;
}

Result<std::vector<EditRun>> decodeRuns(const std::uint8_t* data, std::size_t size) {
    const Error damaged{ErrorCode::FormatInvalid, "An entry of the project's journal is damaged."};
    const std::uint8_t* at = data;
    const std::uint8_t* end = data + size;
    std::uint64_t count = 0;
    if (at == end || *at++ != journalVersion || !takeNumber(at, end, count) || count > size / 4)
        return damaged;
    std::vector<EditRun> runs(count);
    std::uint64_t reached = 0;
    for (EditRun& run : runs) {
        std::uint64_t gap = 0, length = 0, before = 0, after = 0;
        if (!takeNumber(at, end, gap) || !takeNumber(at, end, length) || !takeNumber(at, end, before) ||
            !takeNumber(at, end, after) || length == 0 || length > UINT32_MAX || before > 65535 ||
            after > 65535 || gap > UINT64_MAX - reached - length)
            return damaged;
        run = {reached + gap, static_cast<std::uint32_t>(length), static_cast<std::uint16_t>(before),
               static_cast<std::uint16_t>(after)};
        reached = run.start + run.length;
    }
    if (at != end)
        return damaged;
    return runs;
}

} // namespace tandem
