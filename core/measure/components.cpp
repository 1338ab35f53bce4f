#include "core/measure/components.h"

#include "core/measure/distance_transform.h"

#include <algorithm>

namespace tandem {
namespace {

class Labeller {
public:
    Labeller(std::span<const std::uint8_t> mask, std::array<std::int64_t, 3> size, bool full)
        : mask_(mask), size_(size) {
        for (int dz = -1; dz <= 1; ++dz)
            for (int dy = -1; dy <= 1; ++dy)
                for (int dx = -1; dx <= 1; ++dx)
                    if (const int steps = dx * dx + dy * dy + dz * dz; steps == 1 || (full && steps > 1))
                        neighbours_.push_back({dx, dy, dz});
    }

    Components run() {
        Components c;
        c.label.assign(mask_.size(), 0);
        c.voxels.push_back(0);
        for (std::size_t i = 0; i < mask_.size(); ++i)
            if (mask_[i] && c.label[i] == 0)
                c.voxels.push_back(fill(c.label, i, static_cast<std::int32_t>(c.voxels.size())));
        return c;
    }

private:
    std::int64_t fill(std::vector<std::int32_t>& label, std::size_t start, std::int32_t number) {
        std::int64_t found = 0;
        label[start] = number;
        open_.assign(1, static_cast<std::int64_t>(start));
        while (!open_.empty()) {
            const std::int64_t at = open_.back();
            open_.pop_back();
            ++found;
            const std::int64_t x = at % size_[0], y = at / size_[0] % size_[1],
                               z = at / (size_[0] * size_[1]);
            for (const auto& d : neighbours_)
                visit(label, x + d[0], y + d[1], z + d[2], number);
        }
        return found;
    }
    void visit(std::vector<std::int32_t>& label, std::int64_t x, std::int64_t y, std::int64_t z,
               std::int32_t number) {
        if (x < 0 || y < 0 || z < 0 || x >= size_[0] || y >= size_[1] || z >= size_[2])
            return;
        const std::int64_t at = x + size_[0] * (y + size_[1] * z);
        if (!mask_[static_cast<std::size_t>(at)] || label[static_cast<std::size_t>(at)] != 0)
            return;
        label[static_cast<std::size_t>(at)] = number;
        open_.push_back(at);
    }

    std::span<const std::uint8_t> mask_;
    std::array<std::int64_t, 3> size_;
    std::vector<std::array<int, 3>> neighbours_;
    std::vector<std::int64_t> open_;
};

} // namespace

std::int32_t Components::largest() const {
    return static_cast<std::int32_t>(std::max_element(voxels.begin(), voxels.end()) - voxels.begin());
}

Components connectedComponents(std::span<const std::uint8_t> mask, std::array<std::int64_t, 3> size,
                               bool full) {
    return Labeller(mask, size, full).run();
}

Components dropSpecks(std::span<float> logits, std::array<std::int64_t, 3> size, std::int64_t smallest,
                      bool full, std::span<const std::uint8_t> pointedAt) {
    std::vector<std::uint8_t> mask(logits.size());
    for (std::size_t i = 0; i < mask.size(); ++i)
        mask[i] = logits[i] > 0;
    Components parts = connectedComponents(mask, size, full);
    std::vector<std::uint8_t> stays(parts.voxels.size());
    for (std::size_t n = 0; n < stays.size(); ++n)
        stays[n] = parts.voxels[n] >= smallest;
    for (std::size_t i = 0; i < pointedAt.size(); ++i)
        if (pointedAt[i] == 1)
            stays[static_cast<std::size_t>(parts.label[i])] = 1;
    for (std::size_t i = 0; i < mask.size(); ++i)
        if (mask[i] && !stays[static_cast<std::size_t>(parts.label[i])])
            logits[i] = -logits[i];
    return parts;
}

std::array<std::int64_t, 2> innermost(const Components& c, std::int32_t component, std::int64_t width,
                                      std::int64_t height) {
    const std::int64_t w = width + 2; // a frame of one cell that is not the component
    std::vector<std::uint8_t> rest(static_cast<std::size_t>(w * (height + 2)), 1);
    for (std::int64_t y = 0; y < height; ++y)
        for (std::int64_t x = 0; x < width; ++x)
            rest[static_cast<std::size_t>((y + 1) * w + x + 1)] =
                c.label[static_cast<std::size_t>(y * width + x)] != component;
    const std::vector<double> distance = squaredDistance(rest, {w, height + 2, 1});
    const auto best = std::max_element(distance.begin(), distance.end()) - distance.begin();
    if (component <= 0 || *std::max_element(distance.begin(), distance.end()) == 0)
        return {0, 0};
    return {best % w - 1, best / w - 1};
}

} // namespace tandem
