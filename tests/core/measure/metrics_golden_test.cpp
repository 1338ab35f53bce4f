#include "core/files/safetensors.h"
#include "core/measure/overlap.h"
#include "core/measure/surface_dice.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace tandem {
namespace {

std::vector<std::uint8_t> bytesOf(const SafetensorsFile& f, const std::string& name) {
    const auto bytes = f.find(name)->bytes;
    const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
    return {first, first + bytes.size()};
}

double numberOf(const SafetensorsFile& f, const std::string& name, std::size_t at = 0) {
    double v = 0;
    std::memcpy(&v, f.find(name)->bytes.data() + 8 * at, 8);
    return v;
}

// metrics.safetensors holds values of the reference (numpy and scipy, float64).
TEST(MetricsGolden, DiceAndSurfaceDiceEqualTheReference) {
    const auto file = SafetensorsFile::open(TANDEM_TEST_DATA "/golden/preprocess/metrics.safetensors");
    ASSERT_TRUE(file.has_value());
    for (const std::string name : {"volume", "slice"}) {
        const auto gt = bytesOf(*file, name + ".gt"), pred = bytesOf(*file, name + ".pred");
        const auto& shape = file->find(name + ".gt")->shape; // z, y, x
        EXPECT_NEAR(dice(gt, pred), numberOf(*file, name + ".dsc"), 1e-12);
        for (int tolerance : {0, 1, 2})
            EXPECT_NEAR(surfaceDice(gt, pred, {shape[2], shape[1], shape[0]}, tolerance),
                        numberOf(*file, name + ".nsd" + std::to_string(tolerance)), 1e-12);
    }
}

TEST(MetricsGolden, CornerAreasEqualTheReference) {
    const auto file = SafetensorsFile::open(TANDEM_TEST_DATA "/golden/preprocess/metrics.safetensors");
    ASSERT_TRUE(file.has_value());
    for (std::size_t p = 0; p < 256; ++p)
        EXPECT_NEAR(cornerAreas()[p], numberOf(*file, "corner_areas", p), 1e-15);
}

} // namespace
} // namespace tandem
