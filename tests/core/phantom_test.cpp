#include "core/geometry/slice_plane.h"
#include "core/phantom/phantom.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace tandem {
namespace {

// A coarse grid over the same patient whose array axes run along LPS in any order and direction.
Geometry coarseGrid(std::array<int, 3> order, std::array<int, 3> sign) {
    const std::array<double, 3> extentMm{345.6, 288, 288};
    constexpr double mm = 12;
    Size3 size{};
    Affine<Patient, Voxel> m;
    for (std::size_t a = 0; a < 3; ++a) {
        const auto lps = static_cast<std::size_t>(order[a]);
        size[a] = std::llround(extentMm[lps] / mm);
        m.linear[lps][a] = sign[a] * mm;
        m.offset[lps] = -sign[a] * mm * static_cast<double>(size[a] - 1) / 2;
    }
    return Geometry::make(size, m).value();
}

Point<Patient> centreOfLabel(const LabelMap& map, LabelId label) {
    Vector<Patient> sum;
    double n = 0;
    const Size3 s = map.grid().size();
    for (std::int64_t k = 0; k < s[2]; ++k)
        for (std::int64_t j = 0; j < s[1]; ++j)
            for (std::int64_t i = 0; i < s[0]; ++i)
                if (map.at({i, j, k}) == label) {
                    sum = sum + (map.grid().patientFromVoxel()(centreOf({i, j, k})) - Point<Patient>{});
                    ++n;
                }
    return {{sum[0] / n, sum[1] / n, sum[2] / n}};
}

TEST(Phantom, All48AxisOrders_OrgansStayOnTheirSideOfThePatient) {
    std::array<int, 3> order{0, 1, 2};
    do
        for (int bits = 0; bits < 8; ++bits) {
            const Phantom p =
                makePhantom(coarseGrid(order, {bits & 1 ? -1 : 1, bits & 2 ? -1 : 1, bits & 4 ? -1 : 1}), 1);
            EXPECT_LT(centreOfLabel(p.labels, phantom_label::liver)[0], -30); // right is -L
            EXPECT_GT(centreOfLabel(p.labels, phantom_label::spleen)[0], 60); // left
            EXPECT_GT(centreOfLabel(p.labels, phantom_label::leftKidney)[0], 30);
            EXPECT_LT(centreOfLabel(p.labels, phantom_label::rightKidney)[2],
                      centreOfLabel(p.labels, phantom_label::leftKidney)[2] - 10); // the right one lies lower
            EXPECT_GT(centreOfLabel(p.labels, phantom_label::spine)[1], 50);       // posterior
        }
    while (std::next_permutation(order.begin(), order.end()));
}

TEST(Phantom, SameSeed_SamePhantom_OtherSeed_AnotherOne) {
    const Geometry grid = coarseGrid({0, 1, 2}, {1, 1, 1});
    const Phantom a = makePhantom(grid, 3), b = makePhantom(grid, 3), c = makePhantom(grid, 4);
    EXPECT_TRUE(a.image.values() == b.image.values());
    EXPECT_EQ(a.labels.labels(), b.labels.labels());
    EXPECT_NE(a.labels.labels(), c.labels.labels());
}

TEST(Phantom, Labels_HaveTheGreyValuesOfTheirOrgans) {
    const Phantom p = makePhantom(coarseGrid({0, 1, 2}, {1, 1, 1}), 1);
    std::map<std::uint16_t, std::pair<double, int>> sums;
    const Size3 s = p.labels.grid().size();
    for (std::int64_t k = 0; k < s[2]; ++k)
        for (std::int64_t j = 0; j < s[1]; ++j)
            for (std::int64_t i = 0; i < s[0]; ++i) {
                auto& [sum, n] = sums[p.labels.at({i, j, k}).value];
                sum += p.image.at({i, j, k});
                ++n;
            }
    EXPECT_EQ(p.labels.present().size(), 8u);
    EXPECT_NEAR(sums[1].first / sums[1].second, 112, 25); // liver
    EXPECT_NEAR(sums[2].first / sums[2].second, 124, 30); // spleen
    EXPECT_NEAR(sums[8].first / sums[8].second, 62, 25);  // lesion
}

} // namespace
} // namespace tandem
