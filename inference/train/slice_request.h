#pragma once
// Private to inference/train/.

#include "core/measure/grey_crop.h"
#include "core/usecases/segmenter.h"

#include <memory>
#include <utility>
#include <vector>

namespace tandem::train {

/// The grey values of a slice that a model is shown as 0..255: percentiles 0.5 to 99.5.
inline GreyWindow windowOf(const SliceImage& image) {
    const double low = quantileOf(image.values, 0.005), high = quantileOf(image.values, 0.995);
    return {(low + high) / 2, high - low};
}

/// Asks for objects on a grey slice that belongs to no volume.
inline SegmentRequest requestFor(const SliceImage& image, std::vector<Prompts> objects) {
    const auto grid = Geometry::axisAligned({image.width, image.height, 1}, {1, 1, 1});
    SegmentRequest request;
    request.volume = std::make_shared<const Volume>(Volume::make(grid, image.values).value());
    request.slice = {Plane::Axial, 0};
    request.window = windowOf(image);
    request.objects = std::move(objects);
    return request;
}

} // namespace tandem::train
