#include "inference/train/pattern.h"

#include "core/measure/baselines.h"
#include "core/measure/components.h"
#include "core/measure/gaussian_blur.h"
#include "core/measure/grey_crop.h"
#include "inference/train/scene_paint.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace tandem {
namespace {

constexpr double pi = std::numbers::pi;

SliceMask field(std::int64_t side, Random& r) {
    SliceMask mask(side, side);
    const double s = static_cast<double>(side), radius = s * r.logUniform(0.012, 0.06);
    const double waviness = r.uniform(0, 0.25), inner = r.chance(0.15) ? r.uniform(0.3, 0.8) : 0;
    const double most = std::min(160.0, 0.12 * s * s / (radius * radius));
    const double margin = r.uniform(0, 0.25) * s;
    for (int n = r.integer(6, std::max(8, static_cast<int>(most))); n > 0; --n)
        fillBlob(mask,
                 WavyBlob(r.uniform(margin, s - margin), r.uniform(margin, s - margin),
                          radius * std::exp(0.2 * r.normal()), waviness, r),
                 inner);
    return mask;
}

struct Branch {
    double x, y, angle, thickness;
};

// Branches wander, thin out and fork until they are too thin or leave the picture.
SliceMask tree(std::int64_t side, Random& r) {
    SliceMask mask(side, side);
    const double s = static_cast<double>(side), thinnest = std::max(0.6, s * r.logUniform(0.002, 0.006));
    const double fork = r.logUniform(0.6, 3) / (0.12 * s), wander = r.uniform(0.02, 0.08);
    const double x = s * r.uniform(0.1, 0.9), y = s * r.uniform(0.1, 0.9);
    std::vector<Branch> open;
    for (int n = r.integer(2, 8); n > 0; --n)
        open.push_back({x, y, r.uniform(0, 2 * pi), thinnest * r.logUniform(1.2, 5)});
    for (double left = 24 * s; left > 0 && !open.empty();) {
        Branch b = open.back();
        open.pop_back();
        double bend = 0;
        while (b.thickness > thinnest && b.x > 0 && b.y > 0 && b.x < s && b.y < s && left-- > 0) {
            fillDisc(mask, b.x, b.y, b.thickness);
            bend = 0.9 * bend + wander * r.normal();
            b.angle += bend;
            b.x += std::cos(b.angle);
            b.y += std::sin(b.angle);
            b.thickness *= 1 - 0.4 / s;
            if (r.chance(fork)) {
                const double share = r.uniform(0.5, 0.9), turn = r.uniform(0.3, 1.2);
                const double way = r.chance(0.5) ? 1 : -1;
                open.push_back({b.x, b.y, b.angle + way * turn, b.thickness * share});
                b.angle -= 0.3 * way * turn;
                b.thickness *= std::sqrt(1 - 0.6 * share * share);
            }
        }
    }
    return mask;
}

// The walls between cells around random middles, or the cells without their walls.
SliceMask walls(std::int64_t side, Random& r) {
    SliceMask mask(side, side);
    const double s = static_cast<double>(side), thickness = std::max(1.0, s * r.logUniform(0.004, 0.02));
    std::vector<std::array<double, 2>> middles(static_cast<std::size_t>(r.integer(12, 90)));
    for (auto& m : middles)
        m = {r.uniform(-0.1 * s, 1.1 * s), r.uniform(-0.1 * s, 1.1 * s)};
    const bool cells = r.chance(0.35);
    for (std::int64_t j = 0; j < side; ++j)
        for (std::int64_t i = 0; i < side; ++i) {
            double first = 1e9, second = 1e9;
            for (const auto& m : middles) {
                const double d = std::hypot(static_cast<double>(i) - m[0], static_cast<double>(j) - m[1]);
                second = std::min(second, std::max(first, d));
                first = std::min(first, d);
            }
            mask.at(i, j) = ((second - first) < 2 * thickness) != cells;
        }
    return mask;
}

// Dark around a circle, as an eyepiece shows; the pattern ends there too.
void lookThroughOpening(SliceImage& image, SliceMask& mask, Random& r) {
    const double s = static_cast<double>(image.width), radius = s * r.uniform(0.35, 0.5);
    const float dark = *std::min_element(image.values.begin(), image.values.end()) - 0.1F;
    for (std::int64_t j = 0; j < image.height; ++j)
        for (std::int64_t i = 0; i < image.width; ++i)
            if (std::hypot(static_cast<double>(i) - s / 2, static_cast<double>(j) - s / 2) > radius) {
                image.values[static_cast<std::size_t>(j * image.width + i)] = dark;
                mask.at(i, j) = 0;
            }
}

bool isPattern(const SliceMask& mask) {
    const auto area = static_cast<double>(std::count(mask.inside.begin(), mask.inside.end(), 1));
    const auto all = static_cast<double>(mask.inside.size());
    return area > 0.03 * all && area < 0.45 * all;
}

// A window of at least 48 px of the image, on at most 256 x 256 pixels.
SliceImage windowOf(const SliceImage& image, Random& r) {
    const double longest = static_cast<double>(std::max(image.width, image.height));
    const double side = std::min(longest, r.logUniform(std::min(48.0, longest), 1.5 * longest));
    const double step = std::max(side / 256, std::min(1.0, side / 96));
    const auto start = [&](std::int64_t n) {
        return r.uniform(0, std::max(0.0, static_cast<double>(n) - side)) - 0.5;
    };
    const auto cells = [&](std::int64_t n) {
        return std::max<std::int64_t>(
            32, static_cast<std::int64_t>(std::min(side, static_cast<double>(n)) / step));
    };
    SliceImage w{cells(image.width), cells(image.height), 1, {}};
    w.values = sampleGrid(image, {start(image.width), start(image.height), step, step, w.width, w.height}, 0);
    return w;
}

// What stands out at one scale, in the given part of the window.
SliceMask standsOut(const SliceImage& window, const std::vector<std::uint8_t>& part, Random& r) {
    SliceImage fine = window, coarse = window;
    const double side = static_cast<double>(std::max(window.width, window.height));
    const double scale = side / r.logUniform(10, 50);
    blur(fine, std::min(r.uniform(0.4, 1.6), scale / 3));
    blur(coarse, scale);
    std::vector<float> above;
    const float sign = r.chance(0.5) ? 1 : -1;
    for (std::size_t i = 0; i < fine.values.size(); ++i) {
        fine.values[i] = sign * (fine.values[i] - coarse.values[i]);
        if (part[i])
            above.push_back(fine.values[i]);
    }
    const float threshold =
        r.chance(0.6) ? otsuThreshold(above) : quantileOf(std::move(above), r.uniform(0.65, 0.93));
    SliceMask mask(window.width, window.height);
    for (std::size_t i = 0; i < mask.inside.size(); ++i)
        mask.inside[i] = part[i] && fine.values[i] > threshold;
    return mask;
}

// Leaves out parts of fewer than 8 px. @return how many are left.
int withoutCrumbs(SliceMask& mask) {
    const Components c = connectedComponents(mask.inside, {mask.width, mask.height, 1}, true);
    for (std::size_t i = 0; i < mask.inside.size(); ++i)
        if (c.voxels[static_cast<std::size_t>(c.label[i])] < 8)
            mask.inside[i] = 0;
    return static_cast<int>(std::count_if(c.voxels.begin(), c.voxels.end(), [](auto n) { return n >= 8; }));
}

std::vector<std::uint8_t> partOf(const SliceImage& window, Random& r) {
    std::vector<std::uint8_t> part(window.values.size(), 1);
    if (r.chance(0.5))
        return part;
    const double w = static_cast<double>(window.width), h = static_cast<double>(window.height);
    const WavyBlob blob(w * r.uniform(0.35, 0.65), h * r.uniform(0.35, 0.65),
                        std::min(w, h) * r.uniform(0.25, 0.45), 0.1, r);
    for (std::size_t i = 0; i < part.size(); ++i)
        part[i] = blob.radiusAt(static_cast<double>(i % static_cast<std::size_t>(window.width)),
                                static_cast<double>(i / static_cast<std::size_t>(window.width))) <= 1;
    return part;
}

} // namespace

TrainingTask makePatternScene(Random& r) {
    for (;;) {
        const std::int64_t side = r.integer(160, 320);
        SliceImage image = paintGround(side, r);
        for (int n = r.integer(0, 3); n > 0; --n) { // does not belong
            SliceMask other(side, side);
            const double s = static_cast<double>(side);
            fillBlob(other, WavyBlob(s * r.uniform(), s * r.uniform(), s * r.logUniform(0.03, 0.3), 0.15, r),
                     0);
            shadeObject(image, other, r);
        }
        const double kind = r.uniform();
        SliceMask mask = kind < 0.4 ? field(side, r) : kind < 0.75 ? tree(side, r) : walls(side, r);
        shadeObject(image, mask, r);
        finishScene(image, r);
        if (r.chance(0.25))
            lookThroughOpening(image, mask, r);
        if (isPattern(mask))
            return {std::move(image), std::move(mask), static_cast<double>(side) * r.uniform(1, 1.5),
                    "scene"};
    }
}

std::optional<TrainingTask> makePatternTask(const SliceImage& image, Random& r) {
    TrainingTask task;
    task.image = windowOf(image, r);
    const std::vector<std::uint8_t> part = partOf(task.image, r);
    task.mask = standsOut(task.image, part, r);
    constexpr int fewest = 4;
    if (withoutCrumbs(task.mask) < fewest || !isPattern(task.mask))
        return std::nullopt;
    task.imageSide = static_cast<double>(std::max(task.image.width, task.image.height)) * r.uniform(1, 2);
    task.source = "pattern";
    return task;
}

} // namespace tandem
