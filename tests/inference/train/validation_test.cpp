#include "core/files/csv.h"
#include "inference/checkpoint/model.h"
#include "inference/train/canvas.h"
#include "inference/train/curves.h"
#include "inference/train/sheet.h"
#include "inference/train/train.h"
#include "inference/train/validation.h"
#include "tests/inference/train/small_pack.h"
#include "tests/inference/train/tiny_network.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace tandem {
namespace {

namespace fs = std::filesystem;

// Three data sets; "small" has one patient kept out, "large" two, "other" none.
void writePack(const fs::path& folder) {
    test::writeSmallPack(folder, {{"a", "small"},
                                  {"b", "small", PackSplit::KeptOut},
                                  {"c", "large"},
                                  {"d", "large"},
                                  {"e", "large", PackSplit::KeptOut},
                                  {"f", "large", PackSplit::KeptOut},
                                  {"g", "other"},
                                  {"h", "other"}});
}

Recipe recipeOf(const std::string& json) {
    return *recipeFromJson(*parseJson(json));
}

checkpoint::Model tinyModel() {
    const auto config = *net::configFromJson(*parseJson(test::tinyNetwork));
    return {config, net::configToJson(config), net::initialWeights(config, 5, net::Init::XavierNormal), ""};
}

TEST(TaskSource, DataSetsLeftOut_AreNeverDrawn) {
    const test::TemporaryFolder folder;
    writePack(folder / "pack");
    const Recipe recipe = recipeOf(R"({"sceneShare":0,"regionShare":0,"leaveOut":["large"]})");
    const auto source = TaskSource::open({folder / "pack"}, recipe);
    ASSERT_TRUE(source.has_value());
    EXPECT_TRUE((source->dataSets() == std::vector<std::string>{"other", "small"}));
    Random r(1);
    for (int n = 0; n < 50; ++n)
        EXPECT_NE(source->draw(r)->source, std::string("large"));
}

TEST(TaskSource, UnknownDataSetToLeaveOut_IsNamed) {
    const test::TemporaryFolder folder;
    writePack(folder / "pack");
    const auto source = TaskSource::open({folder / "pack"}, recipeOf(R"({"leaveOut":["lagre"]})"));
    ASSERT_FALSE(source.has_value());
    EXPECT_TRUE(source.error().sentence.find("lagre") != std::string::npos);
}

TEST(ValidationSet, HoldsKeptOutPatientsAndDataSetsLeftOut) {
    const test::TemporaryFolder folder;
    writePack(folder / "pack");
    EXPECT_EQ(train::ValidationSet::open({folder / "pack"}, Recipe{})->size(), std::size_t{3});
    EXPECT_EQ(train::ValidationSet::open({folder / "pack"}, recipeOf(R"({"leaveOut":["other"]})"))->size(),
              std::size_t{5});
    EXPECT_EQ(train::ValidationSet::open({folder / "pack"}, recipeOf(R"({"validateItems":2})"))->size(),
              std::size_t{2});
    EXPECT_FALSE(train::ValidationSet::open({folder / "nowhere"}, Recipe{}).has_value());
}

TEST(ValidationSet, Score_IsRepeatable_AndTheMeanOfItsDataSets) {
    const test::TemporaryFolder folder;
    writePack(folder / "pack");
    const auto set = train::ValidationSet::open({folder / "pack"}, Recipe{});
    const auto a = set->score(tinyModel()), b = set->score(tinyModel());
    ASSERT_TRUE(a.has_value() && b.has_value());
    ASSERT_EQ(a->size(), std::size_t{3}); // all, large, small
    EXPECT_EQ((*a)[0].items, 3);
    EXPECT_EQ((*a)[1].source, std::string("large"));
    EXPECT_EQ((*a)[1].items, 2);
    EXPECT_NEAR((*a)[0].dscTight, ((*a)[1].dscTight + (*a)[2].dscTight) / 2, 1e-12);
    EXPECT_NEAR((*a)[0].dscHand, ((*a)[1].dscHand + (*a)[2].dscHand) / 2, 1e-12);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ((*a)[i].dscTight, (*b)[i].dscTight);
        EXPECT_TRUE((*a)[i].nsdTight >= 0 && (*a)[i].nsdTight <= 1);
    }
}

TEST(RunTraining, KeepsTheBestModelOfItsValidations) {
    const test::TemporaryFolder folder;
    writePack(folder / "pack");
    const std::string recipe =
        R"({"samples":48,"batch":4,"sceneShare":0.2,"regionShare":0,"warmupSteps":2,"saveEverySamples":16,
            "learningRate":0.01,"emaDecay":0,"emaEvery":1,"validateEverySamples":8,"validateItems":3,"leaveOut":["other"]})";
    (void)writeFileAtomically(folder / "config.json", std::string("{\"network\":") + test::tinyNetwork +
                                                          ",\"recipe\":" + recipe + "}");
    std::set<std::string> sentences;
    const auto report =
        train::runTraining({folder / "config.json", {folder / "pack"}, {}, {}, folder / "out"},
                           [&](double, std::string_view s) { sentences.insert(std::string(s)); }, {});
    ASSERT_TRUE(report.has_value());
    const auto table = parseCsv(*readFile(folder / "out" / "validation.csv"));
    ASSERT_TRUE(table.has_value());
    double best = -1;
    std::string bestAt;
    int validations = 0;
    for (const auto& row : table->rows)
        if (table->cell(row, "data_set") == "all") {
            ++validations;
            const double merit =
                (std::stod(table->cell(row, "dsc_tight")) + std::stod(table->cell(row, "dsc_hand"))) / 2;
            if (merit > best) {
                best = merit;
                bestAt = table->cell(row, "samples");
            }
        }
    EXPECT_EQ(validations, 6);
    const auto model = checkpoint::openModel(folder / "out" / "best.safetensors");
    ASSERT_TRUE(model.has_value());
    EXPECT_EQ(model->configJson.find("trained_samples")->integerOr(0), std::stoll(bestAt));
    EXPECT_NEAR(model->configJson.find("validation_dsc")->numberOr(0), best, 1e-9);
    EXPECT_TRUE(readFile(folder / "out" / "curve.png")->starts_with("\x89PNG"));
    EXPECT_TRUE(std::any_of(sentences.begin(), sentences.end(),
                            [](const std::string& s) { return s.find(" left") != std::string::npos; }));
}

TEST(Curves, GoOnFromTheStatesPosition) {
    const test::TemporaryFolder folder;
    train::Curves first(folder.path(), 0);
    first.add(train::LossPoint{100, 0.9, 1e-3, 10});
    first.add(train::LossPoint{200, 0.8, 1e-3, 20});
    first.add(train::ValidationPoint{100, {{"all", 3, 0.5, 0.4, 0.3}, {"a, b", 3, 0.5, 0.4, 0.3}}});
    first.add(train::ValidationPoint{200, {{"all", 3, 0.7, 0.4, 0.3}}});
    ASSERT_TRUE(first.write().has_value());
    train::Curves second(folder.path(), 150);
    ASSERT_EQ(second.losses().size(), std::size_t{1});
    ASSERT_EQ(second.validations().size(), std::size_t{1});
    EXPECT_EQ(second.validations()[0].scores[1].source, std::string("a, b"));
    EXPECT_NEAR(*second.best(), 0.4, 1e-15);
    second.add(train::LossPoint{200, 0.7, 1e-3, 5});
    EXPECT_NEAR(second.losses().back().seconds, 15, 1e-9);
    EXPECT_FALSE(train::Curves(folder.path(), 0).best().has_value());
}

TEST(Canvas, LinesReachTheirEnds_AndNothingLeavesThePicture) {
    Canvas canvas(20, 10, {255, 255, 255});
    canvas.line(18, 8, 3, 2, {1, 2, 3});
    EXPECT_EQ(int{canvas.at(18, 8).r}, 1);
    EXPECT_EQ(int{canvas.at(3, 2).b}, 3);
    canvas.line(-50, -50, 100, 100, {9, 9, 9});
    canvas.text(15, 5, "abc", {7, 7, 7});
    EXPECT_FALSE(canvas.png().empty());
    Canvas letter(8, 8, {255, 255, 255});
    letter.text(0, 0, "1", {0, 0, 0});
    for (int y = 0; y < 7; ++y) // the stroke of a one
        EXPECT_EQ(int{letter.at(2, y).r}, 0);
}

TEST(Sheet, ShowsSamples) {
    const train::Plan plan{{},
                           *net::configFromJson(*parseJson(test::tinyNetwork)),
                           recipeOf(R"({"sceneShare":1,"regionShare":0})"),
                           {}};
    const auto sheet = train::sheetOfSamples(plan, *TaskSource::open({}, plan.recipe), 3, 2);
    ASSERT_TRUE(sheet.has_value());
    EXPECT_TRUE(sheet->starts_with("\x89PNG"));
    EXPECT_GT(sheet->size(), std::size_t{3 * 160 * 160 * 6});
}

} // namespace
} // namespace tandem
