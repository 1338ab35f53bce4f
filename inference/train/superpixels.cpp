#include "inference/train/superpixels.h"

#include "core/measure/gaussian_blur.h"
#include "core/measure/grey_crop.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

namespace tandem {
namespace {

struct Edge {
    float weight;
    std::int32_t a, b;
};

class Forest {
public:
    explicit Forest(std::size_t n) : parent_(n), size_(n, 1), inner_(n, 0) {
        std::iota(parent_.begin(), parent_.end(), 0);
    }
    std::int32_t root(std::int32_t i) {
        while (parent_[at(i)] != i)
            i = parent_[at(i)] = parent_[at(parent_[at(i)])];
        return i;
    }
    std::int64_t size(std::int32_t root) const { return size_[at(root)]; }
    float limit(std::int32_t root, float scale) const {
        return inner_[at(root)] + scale / static_cast<float>(size_[at(root)]);
    }
    void join(std::int32_t a, std::int32_t b, float weight) {
        parent_[at(b)] = a;
        size_[at(a)] += size_[at(b)];
        inner_[at(a)] = weight;
    }

private:
    static std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }
    std::vector<std::int32_t> parent_;
    std::vector<std::int64_t> size_;
    std::vector<float> inner_;
};

// By weight, none of which is negative: those bits sort as the numbers do. Edges of one weight keep their
// order. Source: radix sort from the lowest digit, of 11 bits; four times as quick here as std::stable_sort.
std::vector<Edge> sorted(std::vector<Edge> edges) {
    constexpr unsigned bits = 11, values = 1U << bits;
    std::vector<Edge> other(edges.size());
    for (unsigned shift = 0; shift < 32; shift += bits) {
        const auto digit = [shift](const Edge& e) {
            return std::bit_cast<std::uint32_t>(e.weight) >> shift & (values - 1);
        };
        std::array<std::size_t, values + 1> start{};
        for (const Edge& e : edges)
            ++start[digit(e) + 1];
        std::partial_sum(start.begin(), start.end(), start.begin());
        for (const Edge& e : edges)
            other[start[digit(e)]++] = e;
        edges.swap(other);
    }
    return edges;
}

std::vector<Edge> edgesOf(const SliceImage& g) {
    std::vector<Edge> edges;
    edges.reserve(g.values.size() * 4);
    const auto add = [&](std::int64_t x, std::int64_t y, std::int64_t u, std::int64_t v) {
        if (u < 0 || u >= g.width || v >= g.height)
            return;
        const auto a = static_cast<std::size_t>(y * g.width + x),
                   b = static_cast<std::size_t>(v * g.width + u);
        edges.push_back({255 * std::abs(g.values[a] - g.values[b]), static_cast<std::int32_t>(a),
                         static_cast<std::int32_t>(b)});
    };
    for (std::int64_t y = 0; y < g.height; ++y)
        for (std::int64_t x = 0; x < g.width; ++x) {
            add(x, y, x + 1, y);
            add(x, y, x, y + 1);
            add(x, y, x + 1, y + 1);
            add(x, y, x - 1, y + 1);
        }
    return sorted(std::move(edges));
}

// A window of 48 px or more of the image on at most 128 x 128 pixels, grey 0..1.
SliceImage windowOf(const SliceImage& image, Random& r) {
    const double longest = static_cast<double>(std::max(image.width, image.height));
    const double side = std::min(longest, r.logUniform(std::min(48.0, longest), std::max(longest, 49.0)));
    const auto start = [&](std::int64_t n) {
        return r.uniform(0, std::max(0.0, static_cast<double>(n) - side)) - 0.5;
    };
    const double step = std::max(side / 128, std::min(1.0, side / 64));
    const auto cells = [&](std::int64_t n) {
        return std::max<std::int64_t>(
            16, static_cast<std::int64_t>(std::min(side, static_cast<double>(n)) / step));
    };
    SliceImage w{cells(image.width), cells(image.height), 1, {}};
    w.values = sampleGrid(image, {start(image.width), start(image.height), step, step, w.width, w.height}, 0);
    const float low = quantileOf(w.values, 0.01), high = quantileOf(w.values, 0.99);
    for (float& v : w.values)
        v = std::clamp((v - low) / std::max(high - low, 1e-6F), 0.0F, 1.0F);
    return w;
}

// Any region that touches the given one, or the region itself.
std::int32_t neighbourOf(const std::vector<std::int32_t>& region, std::int64_t width, std::int32_t number,
                         Random& r) {
    std::vector<std::int32_t> touching;
    for (std::size_t i = 0; i + 1 < region.size(); ++i)
        for (std::size_t j : {i + 1, i + static_cast<std::size_t>(width)})
            if (j < region.size() && (region[i] == number) != (region[j] == number))
                touching.push_back(region[i] == number ? region[j] : region[i]);
    return touching.empty()
               ? number
               : touching[static_cast<std::size_t>(r.below(static_cast<std::int64_t>(touching.size())))];
}

} // namespace

std::vector<std::int32_t> graphRegions(const SliceImage& grey, double scale, std::int64_t smallest) {
    Forest forest(grey.values.size());
    const std::vector<Edge> edges = edgesOf(grey);
    for (const Edge& e : edges) {
        const std::int32_t a = forest.root(e.a), b = forest.root(e.b);
        const auto s = static_cast<float>(scale);
        if (a != b && e.weight <= forest.limit(a, s) && e.weight <= forest.limit(b, s))
            forest.join(a, b, e.weight);
    }
    for (const Edge& e : edges) {
        const std::int32_t a = forest.root(e.a), b = forest.root(e.b);
        if (a != b && (forest.size(a) < smallest || forest.size(b) < smallest))
            forest.join(a, b, e.weight);
    }
    std::vector<std::int32_t> number(grey.values.size(), -1), region(grey.values.size());
    std::int32_t next = 0;
    for (std::size_t i = 0; i < region.size(); ++i) {
        std::int32_t& n = number[static_cast<std::size_t>(forest.root(static_cast<std::int32_t>(i)))];
        if (n < 0)
            n = next++;
        region[i] = n;
    }
    return region;
}

std::optional<TrainingTask> makeRegionTask(const SliceImage& image, Random& r) {
    TrainingTask task;
    task.image = windowOf(image, r);
    SliceImage smooth = task.image;
    blur(smooth, r.uniform(0.5, 1.2));
    const std::vector<std::int32_t> region = graphRegions(smooth, r.logUniform(20, 400), 20);
    std::vector<std::int64_t> size(static_cast<std::size_t>(*std::max_element(region.begin(), region.end())) +
                                   1);
    for (std::int32_t n : region)
        ++size[static_cast<std::size_t>(n)];
    std::vector<std::int32_t> fitting;
    for (std::size_t n = 0; n < size.size(); ++n)
        if (size[n] >= 30 && size[n] * 20 <= static_cast<std::int64_t>(region.size()) * 7)
            fitting.push_back(static_cast<std::int32_t>(n));
    if (fitting.empty())
        return std::nullopt;
    const std::int32_t first =
        fitting[static_cast<std::size_t>(r.below(static_cast<std::int64_t>(fitting.size())))];
    const std::int32_t second = r.chance(0.25) ? neighbourOf(region, task.image.width, first, r) : first;
    task.mask = SliceMask(task.image.width, task.image.height);
    for (std::size_t i = 0; i < region.size(); ++i)
        task.mask.inside[i] = region[i] == first || region[i] == second;
    task.imageSide = static_cast<double>(std::max(task.image.width, task.image.height)) * r.uniform(1, 3);
    task.source = "superpixels";
    return task;
}

} // namespace tandem
