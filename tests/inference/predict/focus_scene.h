#pragma once
// A drawn slice and a network that always says the same, for tests of the focus convention.

#include "core/image/label_map.h"
#include "inference/predict/focus.h"

#include <cmath>
#include <vector>

namespace tandem::test {

// 80 x 60: a bright ellipse around (44, 30), radii 14 and 9, on a darker slope.
struct Scene {
    SliceImage image{80, 60, 1, std::vector<float>(80 * 60)};
    SliceMask truth{80, 60};
    Scene() {
        for (std::int64_t y = 0; y < 60; ++y)
            for (std::int64_t x = 0; x < 80; ++x) {
                truth.at(x, y) = std::hypot((x - 44) / 14.0, (y - 30) / 9.0) <= 1;
                image.values[static_cast<std::size_t>(y * 80 + x)] =
                    40.0F + 0.2F * static_cast<float>(x) + (truth.at(x, y) ? 60.0F : 0.0F);
            }
    }
    SliceBox box{30, 21, 58, 39};
};

inline Prompts boxOnly(const SliceBox& b) {
    return {b, {}};
}

// A network that always answers with the same logits: tests see what the correction adds.
inline FocusDecode stubborn(const std::vector<float>& logits, std::vector<FocusQuestion>* asked = nullptr,
                            float iou = 0.5F) {
    return [=](const FocusQuestion& q) {
        if (asked)
            asked->push_back(q);
        return FocusReply{logits, iou};
    };
}

// Logits of a mask on the crop's cells.
inline std::vector<float> logitsOf(const SliceMask& mask, const FocusCrop& crop) {
    SliceImage values{mask.width, mask.height, 1, {}};
    values.values.assign(mask.inside.begin(), mask.inside.end());
    std::vector<float> v = sampleGrid(values, crop.grid(64), 0);
    for (float& x : v)
        x = 8 * x - 4;
    return v;
}

inline SliceMask maskOf(const FocusAnswer& a, const SliceImage& image) {
    SliceMask m(image.width, image.height);
    for (std::size_t i = 0; i < a.logits.size(); ++i)
        m.inside[i] = a.logits[i] > 0;
    return m;
}

} // namespace tandem::test
