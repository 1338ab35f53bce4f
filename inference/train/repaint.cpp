#include "inference/train/repaint.h"

#include "core/measure/gaussian_blur.h"
#include "inference/train/filter.h"
#include "inference/train/superpixels.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

// Regions of similar grey, cut along the object's outline: even numbers lie outside it, odd ones inside.
std::vector<std::size_t> regionsAround(const SliceImage& image, const SliceMask& object, Random& r) {
    SliceImage smooth = image;
    blur(smooth, r.uniform(0.5, 1.5));
    const std::vector<std::int32_t> grey = graphRegions(smooth, r.logUniform(60, 600), 30);
    std::vector<std::size_t> region(grey.size());
    for (std::size_t i = 0; i < grey.size(); ++i)
        region[i] = 2 * static_cast<std::size_t>(grey[i]) + (object.inside[i] ? 1 : 0);
    return region;
}

std::vector<float> meansOf(const SliceImage& image, const std::vector<std::size_t>& region,
                           std::size_t count) {
    std::vector<double> sum(count), pixels(count, 1e-9);
    for (std::size_t i = 0; i < region.size(); ++i) {
        sum[region[i]] += image.values[i];
        pixels[region[i]] += 1;
    }
    std::vector<float> mean(count);
    for (std::size_t n = 0; n < count; ++n)
        mean[n] = static_cast<float>(sum[n] / pixels[n]);
    return mean;
}

// A level for every region.
std::vector<float> levelsFor(std::size_t count, Random& r) {
    const double object = r.uniform(0.1, 0.9), contrast = r.logUniform(0.03, 0.4);
    std::vector<double> palette(static_cast<std::size_t>(r.integer(1, 5)));
    for (double& level : palette) {
        level = r.uniform();
        if (std::abs(level - object) < contrast)
            level = object + (level < object ? -contrast : contrast);
    }
    const double outside = r.uniform(0, 0.06), inside = contrast * r.uniform(0, 0.35);
    std::vector<float> levels(count);
    for (std::size_t n = 0; n < count; ++n) {
        const double level =
            n % 2 == 1
                ? object + inside * r.normal()
                : palette[static_cast<std::size_t>(r.below(static_cast<std::int64_t>(palette.size())))] +
                      outside * r.normal();
        levels[n] = static_cast<float>(level);
    }
    return levels;
}

} // namespace

void repaint(SliceImage& image, const SliceMask& object, Random& r) {
    const std::vector<std::size_t> region = regionsAround(image, object, r);
    const std::size_t count = *std::max_element(region.begin(), region.end()) + 2;
    const std::vector<float> mean = meansOf(image, region, count), level = levelsFor(count, r);
    const auto kept = static_cast<float>(r.uniform());
    const SliceImage field = smoothField(image.width, image.height, r.logUniform(1.5, 16), r);
    const auto outside = static_cast<float>(r.logUniform(0.005, 0.1)),
               inside = static_cast<float>(r.logUniform(0.005, 0.1));
    for (std::size_t i = 0; i < region.size(); ++i)
        image.values[i] = level[region[i]] + kept * (image.values[i] - mean[region[i]]) +
                          (object.inside[i] ? inside : outside) * field.values[i];
    blur(image, r.uniform(0.4, 1.5));
}

} // namespace tandem
