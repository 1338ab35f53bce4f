#pragma once

#include "core/imaging/imaging.h"
#include "core/usecases/project_cases.h"
#include "core/usecases/project_store.h"
#include "database/project_file.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace tandem::test {

inline const Progress silent = [](double, std::string_view) {};

/// Answers every box with the box itself, each edge `shrink` further in.
class BoxSegmenter : public Segmenter {
public:
    explicit BoxSegmenter(double shrink) : shrink_(shrink) {}
    void loadModel(std::filesystem::path, std::function<void(Result<ModelInfo>)>) override {}
    std::optional<ModelInfo> model() const override { return std::nullopt; }
    RequestId submit(SegmentRequest request, std::stop_token, Progress, Answer answer) override {
        const auto size = sliceSize(request.volume->geometry(), request.slice.plane);
        std::vector<Proposal> proposals;
        habits.push_back(request.habit);
        leans.push_back(request.lean);
        asked.insert(asked.end(), request.objects.begin(), request.objects.end());
        for (const Prompts& object : request.objects) {
            Proposal p{request.slice, size[0], size[1], {}, 0, {}, 0, 0};
            for (std::int64_t y = 0; y < size[1]; ++y)
                for (std::int64_t x = 0; x < size[0]; ++x) {
                    const auto dx = static_cast<double>(x), dy = static_cast<double>(y);
                    const bool in = dx >= object.box->x0 + shrink_ && dx <= object.box->x1 - shrink_ &&
                                    dy >= object.box->y0 + shrink_ && dy <= object.box->y1 - shrink_;
                    p.logits.push_back(in ? 1.0F : -1.0F);
                }
            proposals.push_back(std::move(p));
        }
        answer(RequestId{1}, std::move(proposals));
        return RequestId{1};
    }
    void prefetch(SegmentRequest) override {}

    std::vector<Prompts> asked;
    std::vector<DrawingHabit> habits; ///< that came with the requests
    std::vector<std::shared_ptr<const BoxLean>> leans;

private:
    double shrink_;
};

/// A project of `count` cases of 16 x 12 x 3 with a block of label 1 on slice 1, all approved.
class ProjectOfBlocks {
public:
    explicit ProjectOfBlocks(int count) : reader(makeImageReader()) {
        store = std::move(createProject(folder / "study.tandem", "Study").value());
        (void)store->putLabel({LabelId{1}, "block", {255, 0, 0}, true, false});
        for (int n = 0; n < count; ++n)
            addCase("case" + std::to_string(n), n);
    }

    void addCase(const std::string& name, int n, bool prompted = true) {
        const auto grid = Geometry::axisAligned({16, 12, 3}, {1, 1, 4});
        std::vector<std::uint16_t> mask(16 * 12 * 3), image(16 * 12 * 3);
        for (std::size_t i = 0; i < mask.size(); ++i) {
            const std::size_t x = i % 16, y = i / 16 % 12, z = i / 192;
            mask[i] = z == 1 && x >= 4 && x < 12 && y >= 3 && y < 9;
            image[i] = static_cast<std::uint16_t>(mask[i] * 100 + (i + static_cast<std::size_t>(n) * 7) % 13);
        }
        const std::filesystem::path imageFile = folder / (name + ".nii.gz"),
                                    maskFile = folder / (name + "_mask.nii.gz");
        ASSERT_TRUE(
            reader->writeLabels(imageFile, LabelMap::make(grid, std::move(image)).value()).has_value());
        ASSERT_TRUE(reader->writeLabels(maskFile, LabelMap::make(grid, std::move(mask)).value()).has_value());
        const auto added = addImages(*store, *reader, {imageFile}, silent, {});
        ASSERT_TRUE(added.has_value() && added->added.size() == 1);
        const CaseId id = added->added.front().caseId;
        ASSERT_TRUE(importLabels(*store, *reader, id, maskFile).has_value());
        const LayerId layer = store->caseOf(id)->layer;
        const auto prompt = [&](SliceBox box, std::int64_t slice) {
            return store->recordPrompt(layer,
                                       {{Plane::Axial, slice}, LabelId{1}, {box, {}}, "a model", 0.9F, true});
        };
        if (prompted) {
            ASSERT_TRUE(prompt({0, 0, 15, 11}, 1).has_value()); // a first try, and the box that stayed
            ASSERT_TRUE(prompt({4, 3, 11, 8}, 1).has_value());
            ASSERT_TRUE(prompt({4, 3, 11, 8}, 2).has_value()); // nothing was kept there
        }
        for (const CaseState state : {CaseState::Submitted, CaseState::Approved})
            ASSERT_TRUE(store->setState(id, state, "Ada", "").has_value());
    }

    const TemporaryFolder folder;
    std::unique_ptr<ImageReader> reader;
    std::unique_ptr<ProjectStore> store;
};

} // namespace tandem::test
