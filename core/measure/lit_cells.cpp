#include "core/measure/lit_cells.h"

#include "core/measure/gaussian_blur.h"

namespace tandem {

std::vector<std::uint8_t> litCells(const SliceImage& brightness, double reach) {
    constexpr float black = 20;
    SliceImage dark = brightness;
    for (float& v : dark.values)
        v = v < black ? 1.0F : 0.0F;
    blur(dark, reach);
    std::vector<std::uint8_t> lit(dark.values.size());
    for (std::size_t i = 0; i < lit.size(); ++i)
        lit[i] = dark.values[i] < 1e-3F;
    return lit;
}

std::vector<float> chosen(const std::vector<float>& values, const std::vector<std::uint8_t>& which) {
    std::vector<float> out;
    for (std::size_t i = 0; i < values.size(); ++i)
        if (which[i])
            out.push_back(values[i]);
    return out;
}

} // namespace tandem
