// Pictures of many parts, as a microscope or a scanner made them, told apart without a network.
#include "core/geometry/slice_plane.h"
#include "core/imaging/imaging.h"
#include "core/measure/overlap.h"
#include "core/measure/parts_answer.h"
#include "core/measure/retinal_vessels.h"
#include "core/usecases/mask_box.h"
#include "core/usecases/open_case.h"

#include <gtest/gtest.h>

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

// A mask's picture is white where it is true.
SliceMask truthOf(const std::filesystem::path& file) {
    const SliceImage picture = pictureOf(file);
    SliceMask truth(picture.width, picture.height);
    for (std::size_t i = 0; i < truth.inside.size(); ++i)
        truth.inside[i] = picture.values[i * static_cast<std::size_t>(picture.components)] > 127;
    return truth;
}

double agreement(const std::optional<PartsField>& field, const SliceMask& truth) {
    if (!field)
        return 0;
    const std::vector<float> logits = answerParts(*field, {}, truth.width, truth.height);
    SliceMask found(truth.width, truth.height);
    for (std::size_t i = 0; i < logits.size(); ++i)
        found.inside[i] = logits[i] > 0;
    return dice(found, truth);
}

using Find = std::optional<PartsField> (*)(const SliceImage&, const SliceBox&);

// Mean agreement, in boxes round all that is true, over a folder's pictures NAME.ext with NAME<suffix>;
// nothing where there are none.
std::optional<double> meanAgreement(const std::string& dataSet, const std::string& suffix, Find find) {
    const auto images = std::filesystem::path(TANDEM_SHARED_DATA) / "img2d" / dataSet;
    std::error_code missing;
    double sum = 0;
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(images, missing)) {
        const auto mask = images / (entry.path().stem().string() + suffix);
        if (!std::filesystem::exists(mask))
            continue;
        const SliceMask truth = truthOf(mask);
        sum += agreement(find(pictureOf(entry.path()), boundingBox(truth).value()), truth);
        ++count;
    }
    return count == 0 ? std::nullopt : std::optional(sum / count);
}

TEST(RealParts, FluorescentNuclei_AreFound) {
    const SliceImage nuclei = pictureOf(folder / "nuclei.png");
    EXPECT_GT(agreement(findParts(nuclei, wholeOf(nuclei)), truthOf(folder / "nuclei_mask.png")), 0.83);
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
