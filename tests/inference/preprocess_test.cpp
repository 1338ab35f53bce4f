// Truth from elsewhere: golden/preprocess was computed by reference.py (Pillow's resize bit for bit, SciPy's
// splines).
#include "core/files/safetensors.h"
#include "inference/predict/preprocess.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

using namespace tandem;
using namespace tandem::predict;

namespace {

struct Golden {
    SafetensorsFile file = *SafetensorsFile::open(std::filesystem::path(TANDEM_TEST_DATA) /
                                                  "golden/preprocess/tensors.safetensors");
    RgbImage image(const std::string& name) const {
        const TensorView* t = file.find(name);
        const auto* data = reinterpret_cast<const std::uint8_t*>(t->bytes.data());
        return {t->shape[1], t->shape[0], {data, data + t->bytes.size()}};
    }
    std::vector<float> floats(const std::string& name) const {
        const TensorView* t = file.find(name);
        std::vector<float> values(static_cast<std::size_t>(t->elementCount()));
        std::memcpy(values.data(), t->bytes.data(), t->bytes.size());
        return values;
    }
};

template <class Values>
double largestDifference(const std::vector<float>& expected, const Values& computed) {
    double largest = expected.size() == computed.size() ? 0 : 1e9;
    for (std::size_t i = 0; i < std::min(expected.size(), computed.size()); ++i)
        largest =
            std::max(largest, std::abs(static_cast<double>(expected[i]) - static_cast<double>(computed[i])));
    return largest;
}

net::NetworkConfig sideOf40() {
    net::NetworkConfig config;
    config.imageSize = 40;
    return config;
}

} // namespace

TEST(Preprocess, PillowResize_IsExact) {
    const Golden golden;
    for (const std::string name : {"up", "down", "tall"}) {
        const RgbImage image = golden.image(name + ".image_u8"),
                       expected = golden.image(name + ".sam_resized_u8");
        const auto size = longestSide(image.height, image.width, 40);
        EXPECT_EQ(size[0], expected.height);
        EXPECT_EQ(size[1], expected.width);
        EXPECT_TRUE(resizePillow(image, size[0], size[1]).pixels == expected.pixels) << name;
    }
}

TEST(Preprocess, SamInput_Matches) {
    const Golden golden;
    for (const std::string name : {"up", "down", "tall"}) {
        const PlanarImage input = normaliseAndPad(golden.image(name + ".sam_resized_u8"), sideOf40());
        EXPECT_LT(largestDifference(golden.floats(name + ".sam_input"), input.values), 1e-6) << name;
    }
}

TEST(Preprocess, SplineResize_Matches) {
    const Golden golden;
    for (const std::string name : {"up", "down", "tall"}) {
        const auto values = resizeSpline(golden.image(name + ".image_u8"), 40, 40);
        EXPECT_LT(largestDifference(golden.floats(name + ".spline3"), values), 2e-5)
            << name; // float32 of 0..255
    }
}

TEST(Preprocess, MedsamInput_Matches) {
    const Golden golden;
    for (const std::string name : {"up", "down", "tall"})
        EXPECT_LT(largestDifference(golden.floats(name + ".medsam_input"),
                                    medsamInput(golden.image(name + ".image_u8"), 40).values),
                  1e-6)
            << name;
    EXPECT_LT(largestDifference(golden.floats("up.medsam_bilinear_input"),
                                medsamInputBilinear(golden.image("up.image_u8"), 40).values),
              1e-6);
}

TEST(Preprocess, TinyAndFlatImages_AreHandled) {
    for (const std::int64_t n : {1, 2, 3}) {
        const RgbImage flat{n, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(n * 3), 77)};
        EXPECT_TRUE(resizePillow(flat, 5, 40).pixels == std::vector<std::uint8_t>(600, 77));
        for (const double v : resizeSpline(flat, 4, 9))
            EXPECT_NEAR(v, 77.0, 1e-9);
        for (const float v : medsamInput(flat, 8).values)
            EXPECT_EQ(v, 0.0f);
    }
}
