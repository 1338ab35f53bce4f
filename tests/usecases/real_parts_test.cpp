// Pictures of many parts, as a microscope or a scanner made them, told apart without a network.
#include "core/geometry/slice_plane.h"
#include "core/imaging/imaging.h"
#include "core/measure/overlap.h"
#include "core/measure/parts_answer.h"
#include "core/measure/retinal_vessels.h"
#include "core/usecases/open_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

namespace tandem {
namespace {

const std::filesystem::path folder = std::filesystem::path(TANDEM_TEST_DATA) / "parts";

SliceImage pictureOf(const std::filesystem::path& file) {
    const auto image = readImage(*makeImageReader(), file, {}, 0, [](double, std::string_view) {}, {});
    EXPECT_TRUE(image.has_value()) << (image ? "" : image.error().sentence);
    return image ? extractSlice(*image->image.volume, {Plane::Axial, 0}).value() : SliceImage{};
}

SliceBox wholeOf(const SliceImage& s) {
    return {0, 0, static_cast<double>(s.width - 1), static_cast<double>(s.height - 1)};
}

// The mask that the parts of a whole picture give, against one whose pixels above 127 are truth.
double agreement(const SliceImage& picture, const std::optional<PartsField>& field, const SliceImage& truth) {
    if (!field || picture.width != truth.width || picture.height != truth.height)
        return 0;
    const std::vector<float> logits = answerParts(*field, {}, picture.width, picture.height);
    SliceMask found(picture.width, picture.height), wanted(picture.width, picture.height);
    for (std::size_t i = 0; i < logits.size(); ++i) {
        found.inside[i] = logits[i] > 0;
        wanted.inside[i] = truth.values[i * static_cast<std::size_t>(truth.components)] > 127;
    }
    return dice(found, wanted);
}

// Round all that is truth, as somebody draws it who wants all of it.
SliceBox boxOf(const SliceImage& truth) {
    SliceBox box{1e9, 1e9, -1, -1};
    for (std::int64_t y = 0; y < truth.height; ++y)
        for (std::int64_t x = 0; x < truth.width; ++x)
            if (truth.values[static_cast<std::size_t>((y * truth.width + x) * truth.components)] > 127)
                box = {std::min(box.x0, static_cast<double>(x)), std::min(box.y0, static_cast<double>(y)),
                       std::max(box.x1, static_cast<double>(x)), std::max(box.y1, static_cast<double>(y))};
    return box;
}

using Find = std::optional<PartsField> (*)(const SliceImage&, const SliceBox&);

// Mean agreement over a folder's pictures NAME.ext with NAME<suffix>; nothing where there are none.
std::optional<double> meanAgreement(const std::string& dataSet, const std::string& suffix, Find find) {
    const auto images = std::filesystem::path(TANDEM_SHARED_DATA) / "img2d" / dataSet;
    std::error_code missing;
    double sum = 0;
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(images, missing)) {
        const auto mask = images / (entry.path().stem().string() + suffix);
        if (!std::filesystem::exists(mask))
            continue;
        const SliceImage picture = pictureOf(entry.path()), truth = pictureOf(mask);
        sum += agreement(picture, find(picture, boxOf(truth)), truth);
        ++count;
    }
    return count == 0 ? std::nullopt : std::optional(sum / count);
}

TEST(RealParts, FluorescentNuclei_AreFound) {
    const SliceImage nuclei = pictureOf(folder / "nuclei.png");
    EXPECT_GT(agreement(nuclei, findParts(nuclei, wholeOf(nuclei)), pictureOf(folder / "nuclei_mask.png")),
              0.83);
    EXPECT_FALSE(findRetinalVessels(nuclei, wholeOf(nuclei)).has_value());
}

TEST(RealParts, AChestFilm_IsNoPictureOfParts) {
    const auto file = std::filesystem::path(TANDEM_SHARED_DATA) / "img2d" / "cxr" / "1.jpg";
    if (!std::filesystem::exists(file))
        GTEST_SKIP() << "There is no chest film beside the project.";
    const SliceImage film = pictureOf(file);
    EXPECT_FALSE(findParts(film, wholeOf(film)).has_value());
    EXPECT_FALSE(findRetinalVessels(film, wholeOf(film)).has_value());
}

TEST(RealParts, StainedNuclei_AreFound) {
    const auto mean = meanAgreement("monuseg", "_mask.png", findParts);
    if (!mean)
        GTEST_SKIP() << "There are no pictures of MoNuSeg beside the project.";
    EXPECT_GT(*mean, 0.70);
}

TEST(RealParts, VesselsOfRetinas_AreFound) {
    const auto mean = meanAgreement("chase", "_1stHO.png", findRetinalVessels);
    if (!mean)
        GTEST_SKIP() << "There are no pictures of CHASE beside the project.";
    EXPECT_GT(*mean, 0.66);
}

} // namespace
} // namespace tandem
