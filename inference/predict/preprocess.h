#pragma once

#include "core/image/volume.h"
#include "inference/network/config.h"

#include <array>
#include <cstdint>
#include <vector>

namespace tandem::predict {

/// 8-bit RGB, rows y, columns x, components interleaved.
struct RgbImage {
    std::int64_t width = 0, height = 0;
    std::vector<std::uint8_t> pixels; ///< height * width * 3
};

/// Planar floats: 3, height, width (as the network takes them).
struct PlanarImage {
    std::int64_t width = 0, height = 0;
    std::vector<float> values;
};

/// A slice as 8-bit RGB: grey values through the window to 0..255 (truncated, three equal channels), colour
/// as it is. Values that are no numbers become black. A window without width shows the slice's own range.
RgbImage rgbFrom(const SliceImage&, GreyWindow);

/// Size (height, width) of an image whose longer side becomes `side`: int(x * k + 0.5) as in SAM.
std::array<std::int64_t, 2> longestSide(std::int64_t height, std::int64_t width, std::int64_t side);

/// Resizes exactly as Pillow's BILINEAR does on uint8: antialiased triangle filter in 22-bit fixed point,
/// width first.
RgbImage resizePillow(const RgbImage&, std::int64_t height, std::int64_t width);

/// SAM's network input from the resized image: (x - mean) / std, zeros right and below, S x S.
PlanarImage normaliseAndPad(const RgbImage& resized, const net::NetworkConfig&);

/// Cubic B-spline resize as scikit-image's resize(order 3, anti-aliasing), mirrored about the edge pixels'
/// centres, clipped to the range of the input: height * width * 3 doubles, interleaved. All sums in double.
std::vector<double> resizeSpline(const RgbImage&, std::int64_t height, std::int64_t width);

/// MedSAM's network input: square spline resize, truncated to whole grey values, scaled to 0..1 over all
/// channels.
PlanarImage medsamInput(const RgbImage&, std::int64_t side);
/// The same with a plain bilinear resize (half-pixel centres) and no truncation.
PlanarImage medsamInputBilinear(const RgbImage&, std::int64_t side);

} // namespace tandem::predict
