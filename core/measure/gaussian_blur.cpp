#include "core/measure/gaussian_blur.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace tandem {
namespace {

std::vector<float> gaussian(double sigma) {
    const int radius = static_cast<int>(std::ceil(3 * sigma));
    std::vector<float> k;
    float sum = 0;
    for (int i = -radius; i <= radius; ++i) {
        k.push_back(static_cast<float>(std::exp(-i * i / (2 * sigma * sigma))));
        sum += k.back();
    }
    for (float& v : k)
        v /= sum;
    return k;
}

// One line of n values that lie `stride` apart.
void blurLine(float* line, std::int64_t n, std::int64_t stride, const std::vector<float>& k,
              std::vector<float>& work) {
    const auto radius = static_cast<std::int64_t>(k.size() / 2);
    work.resize(static_cast<std::size_t>(n + 2 * radius));
    for (std::int64_t i = -radius; i < n + radius; ++i)
        work[static_cast<std::size_t>(i + radius)] = line[std::clamp<std::int64_t>(i, 0, n - 1) * stride];
    for (std::int64_t i = 0; i < n; ++i) {
        float sum = 0;
        for (std::size_t j = 0; j < k.size(); ++j)
            sum += k[j] * work[static_cast<std::size_t>(i) + j];
        line[i * stride] = sum;
    }
}

} // namespace

void blur(SliceImage& s, double sigma) {
    if (sigma < 0.1)
        return;
    const std::vector<float> k = gaussian(sigma);
    std::vector<float> work;
    for (std::int64_t y = 0; y < s.height; ++y)
        blurLine(s.values.data() + y * s.width, s.width, 1, k, work);
    for (std::int64_t x = 0; x < s.width; ++x)
        blurLine(s.values.data() + x, s.height, s.width, k, work);
}

} // namespace tandem
