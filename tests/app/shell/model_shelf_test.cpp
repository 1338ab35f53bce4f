#include "core/files/files.h"
#include "inference/library.h"
#include "tests/app/shell/session_fixture.h"

#include <QtCore/QStandardPaths>

namespace tandem::test {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = fs::path(TANDEM_TEST_DATA) / "golden";
const fs::path kBundled = fs::path(TANDEM_SOURCE_DIR) / "resources/models/tandem-small.safetensors";

class ModelShelfTest : public SessionTest {
protected:
    ModelShelfTest() {
        parts_.inference = [] { return Result<InferenceLibrary*>(tandemInferenceLibrary()); };
        parts_.defaultModel = kBundled;
        restart();
    }

    void restart() {
        start();
        session_->model()->start();
        settle();
    }

    ModelShelf& shelf() { return *session_->models(); }

    /// A checkpoint as people have it, outside the models folder.
    fs::path givenCheckpoint(const std::string& name) const {
        fs::copy_file(kGolden / "sam/model.pth", folder_ / (name + ".pth"));
        fs::copy_file(kGolden / "sam/config.json", folder_ / (name + ".json"));
        return folder_ / (name + ".pth");
    }
    fs::path givenProject(const std::string& name) {
        session_->newProject(QUrl::fromLocalFile(QString::fromStdString((folder_ / name).string())));
        settle();
        return folder_ / (name + ".tandem");
    }

    QString at(int row, ModelShelf::Role role) { return shelf().data(shelf().index(row), role).toString(); }
    bool is(int row, ModelShelf::Role role) { return shelf().data(shelf().index(row), role).toBool(); }
    int rowOf(const QString& title) {
        for (int row = 0; row < shelf().count(); ++row)
            if (at(row, ModelShelf::TitleRole) == title)
                return row;
        return -1;
    }
    QString nameInUse() { return session_->model()->name(); }
};

TEST_F(ModelShelfTest, FolderIsTheOneOfTheCommandLine) {
    EXPECT_EQ(QString::fromStdString(personFolder().string()),
              QStandardPaths::writableLocation(QStandardPaths::AppDataLocation));
}

TEST_F(ModelShelfTest, OpenedCheckpoint_IsImported_AndSelected) {
    open(givenCheckpoint("tiny"));
    ASSERT_EQ(shelf().count(), 2) << shelf().problem().toStdString();
    EXPECT_EQ(shelf().selected(), 1);
    EXPECT_EQ(at(1, ModelShelf::TitleRole), "tiny");
    EXPECT_TRUE(at(1, ModelShelf::SummaryRole).startsWith("SAM, "))
        << at(1, ModelShelf::SummaryRole).toStdString();
    EXPECT_TRUE(is(1, ModelShelf::RemovableRole));
    EXPECT_TRUE(is(0, ModelShelf::InUseRole)); // nothing is used without being told to
    EXPECT_FALSE(session_->projectOpen());
}

// A row that is made anew loses the press of a mouse on it.
TEST_F(ModelShelfTest, RowsThatStay_AreNotMadeAnew_WhenTheListComesAgain) {
    open(givenCheckpoint("tiny"));
    shelf().refresh();
    settle();
    int resets = 0, changes = 0;
    QObject::connect(&shelf(), &QAbstractItemModel::modelReset, &shelf(), [&] { ++resets; });
    QObject::connect(&shelf(), &QAbstractItemModel::dataChanged, &shelf(), [&] { ++changes; });
    shelf().refresh();
    settle();
    EXPECT_EQ(resets, 0);
    EXPECT_GT(changes, 0);
    EXPECT_EQ(shelf().selected(), 1);
    open(givenCheckpoint("second")); // another row
    EXPECT_GT(resets, 0);
    EXPECT_EQ(shelf().count(), 3);
}

TEST_F(ModelShelfTest, FileThatIsNoModel_IsRefusedInASentence) {
    ASSERT_TRUE(writeFileAtomically(folder_ / "letter.pth", "Dear colleague").has_value());
    open(folder_ / "letter.pth");
    EXPECT_TRUE(shelf().problem().contains("letter.pth")) << shelf().problem().toStdString();
    EXPECT_EQ(shelf().count(), 1);
}

TEST_F(ModelShelfTest, UseIsForNow_DefaultIsForTheProject) {
    const fs::path project = givenProject("study");
    open(givenCheckpoint("tiny"));
    shelf().use(rowOf("tiny"));
    settle();
    EXPECT_EQ(nameInUse(), "tiny");
    EXPECT_TRUE(is(rowOf("tiny"), ModelShelf::InUseRole));
    EXPECT_TRUE(is(rowOf("Tandem small"), ModelShelf::DefaultRole));
    restart();
    open(project);
    EXPECT_EQ(nameInUse(), "Tandem small");

    shelf().refresh();
    settle();
    shelf().makeDefault(rowOf("tiny"));
    settle();
    EXPECT_TRUE(is(rowOf("tiny"), ModelShelf::DefaultRole));
    restart();
    open(project);
    EXPECT_EQ(nameInUse(), "tiny");
    givenProject("another");
    EXPECT_EQ(nameInUse(), "Tandem small");
}

TEST_F(ModelShelfTest, DefaultOfWhatIsInUse_IsKeptWithoutReadingItAgain) {
    const fs::path project = givenProject("study");
    open(givenCheckpoint("tiny"));
    shelf().use(rowOf("tiny"));
    settle();
    shelf().makeDefault(rowOf("tiny"));
    EXPECT_NE(session_->model()->state(), ModelChooser::Loading);
    settle();
    restart();
    open(project);
    EXPECT_EQ(nameInUse(), "tiny");
}

TEST_F(ModelShelfTest, DefaultThatIsGone_GivesWayToTheBundledModel_AndSaysSo) {
    const fs::path project = givenProject("study");
    open(givenCheckpoint("tiny"));
    shelf().makeDefault(rowOf("tiny"));
    settle();
    const fs::path file = at(rowOf("tiny"), ModelShelf::FileRole).toStdString();
    shelf().remove(rowOf("tiny"));
    settle();
    EXPECT_FALSE(fs::exists(file));
    EXPECT_EQ(nameInUse(), "Tandem small");
    EXPECT_EQ(notice(), "");

    restart();
    open(project);
    EXPECT_EQ(nameInUse(), "Tandem small");
    EXPECT_TRUE(notice().contains("bundled model")) << notice().toStdString();
    EXPECT_TRUE(notice().contains(QString::fromStdString(file.filename().string())))
        << notice().toStdString();
    shelf().refresh();
    settle();
    ASSERT_EQ(shelf().count(), 2); // the missing file is shown with its reason
    EXPECT_TRUE(is(1, ModelShelf::DefaultRole));
    EXPECT_NE(at(1, ModelShelf::ProblemRole), "");
    shelf().makeDefault(0);
    settle();
    restart();
    open(project);
    EXPECT_EQ(notice(), "");
}

TEST_F(ModelShelfTest, ModelFromElsewhere_IsFoundAgain) {
    const fs::path file = folder_ / "run 7" / "model.safetensors";
    fs::create_directories(file.parent_path());
    fs::copy_file(kBundled, file);
    session_->model()->chooseFile(QUrl::fromLocalFile(QString::fromStdString(file.string())));
    settle();
    EXPECT_EQ(nameInUse(), "Tandem small, run 7");
    restart();
    shelf().refresh();
    settle();
    EXPECT_GE(rowOf("Tandem small, run 7"), 0);
    EXPECT_FALSE(is(rowOf("Tandem small, run 7"), ModelShelf::RemovableRole));
    shelf().remove(rowOf("Tandem small, run 7"));
    settle();
    EXPECT_TRUE(fs::exists(file));
    EXPECT_TRUE(shelf().problem().contains("models folder")) << shelf().problem().toStdString();
}

TEST_F(ModelShelfTest, Speed_IsMeasured_Remembered_AndCanBeStopped) {
    open(givenCheckpoint("tiny"));
    shelf().measure(1);
    EXPECT_EQ(shelf().measuring(), 1);
    settle();
    EXPECT_EQ(shelf().measuring(), -1);
    EXPECT_TRUE(at(1, ModelShelf::SpeedRole).contains("per box"))
        << at(1, ModelShelf::SpeedRole).toStdString();
    restart();
    shelf().refresh();
    settle();
    EXPECT_NE(at(1, ModelShelf::SpeedDetailsRole), "");
    shelf().measure(0);
    shelf().stopMeasuring();
    settle();
    EXPECT_EQ(at(0, ModelShelf::SpeedRole), "");
    EXPECT_EQ(shelf().problem(), "");
}

} // namespace
} // namespace tandem::test
