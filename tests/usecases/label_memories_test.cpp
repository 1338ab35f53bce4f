#include "core/usecases/label_memories.h"
#include "tests/usecases/project_of_blocks.h"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using test::ProjectOfBlocks;

// A network that draws nothing, masks that fill their boxes.
LabelExample missed() {
    LabelExample e{std::vector<float>(1600, (2 * 43 / 90.0F - 1) * 6), std::vector<float>(1600)};
    for (std::size_t c = 0; c < 1600; ++c)
        e.mask[c] = c % 40 >= 7 && c % 40 < 33 && c / 40 >= 7 && c / 40 < 33;
    return e;
}

TEST(LabelMemories, AreKeptInTheProject_ForOneOwnerAndPlane) {
    ProjectOfBlocks project(1);
    LabelMemories memories;
    const LabelId block{1};
    for (int n = 0; n < 3; ++n)
        memories.add(*project.store, block, Plane::Axial, "model/block", missed());
    const auto lean = memories.lean(*project.store, block, Plane::Axial, "model/block");
    ASSERT_TRUE(lean);
    EXPECT_FALSE(memories.lean(*project.store, block, Plane::Coronal, "model/block"));
    EXPECT_FALSE(memories.lean(*project.store, LabelId{2}, Plane::Axial, "model/block"));
    ASSERT_TRUE(memories.save(*project.store).has_value());

    LabelMemories again;
    EXPECT_FALSE(again.lean(*project.store, block, Plane::Axial, "model/another name"));
    const auto back = again.lean(*project.store, block, Plane::Axial, "model/block");
    ASSERT_TRUE(back);
    EXPECT_NEAR(back->cells.values[820], lean->cells.values[820], 1e-4);

    again.add(*project.store, block, Plane::Axial, "another model/block", missed());
    EXPECT_FALSE(again.lean(*project.store, block, Plane::Axial, "another model/block")) << "begins anew";
}

TEST(LabelMemories, Forgotten_AreGoneFromTheProjectToo) {
    ProjectOfBlocks project(1);
    LabelMemories memories;
    for (int n = 0; n < 3; ++n)
        memories.add(*project.store, LabelId{1}, Plane::Sagittal, "m", missed());
    ASSERT_TRUE(memories.save(*project.store).has_value());
    ASSERT_TRUE(memories.forget(*project.store).has_value());
    EXPECT_FALSE(memories.lean(*project.store, LabelId{1}, Plane::Sagittal, "m"));
    LabelMemories again;
    EXPECT_FALSE(again.lean(*project.store, LabelId{1}, Plane::Sagittal, "m"));
}

} // namespace
} // namespace tandem
