#pragma once

#include "app/composition.h"
#include "app/gui/document/document.h"
#include "app/gui/shell/case_list.h"
#include "app/gui/shell/export_plan.h"
#include "app/gui/shell/import_choice.h"
#include "app/gui/shell/jobs.h"
#include "app/gui/shell/learner.h"
#include "app/gui/shell/model_chooser.h"
#include "app/gui/shell/model_shelf.h"
#include "app/gui/shell/notices.h"
#include "app/gui/shell/preferences.h"
#include "app/gui/shell/propagation_list.h"
#include "core/usecases/open_case.h"

#include <QtCore/QObject>
#include <QtCore/QTimer>
#include <QtCore/QUrl>
#include <QtQml/qqmlregistration.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

/// What the window works on: one project, its cases, the open case, the network, and the jobs behind them.
/// Everything that reads, hashes or asks the store runs on the job pool; the newest wish wins.
/// Thread: GUI.
class Session : public QObject {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("made by the program")
    Q_PROPERTY(tandem::Document* document READ document CONSTANT FINAL)
    Q_PROPERTY(tandem::CaseList* cases READ cases CONSTANT FINAL)
    Q_PROPERTY(tandem::JobList* jobs READ jobs CONSTANT FINAL)
    Q_PROPERTY(tandem::NoticeList* notices READ notices CONSTANT FINAL)
    Q_PROPERTY(tandem::Preferences* preferences READ preferences CONSTANT FINAL)
    Q_PROPERTY(tandem::ModelChooser* model READ model CONSTANT FINAL)
    Q_PROPERTY(tandem::ModelShelf* models READ models CONSTANT FINAL)
    Q_PROPERTY(tandem::ImportChoice* importChoice READ importChoice CONSTANT FINAL)
    Q_PROPERTY(tandem::ExportPlan* exportPlan READ exportPlan CONSTANT FINAL)
    Q_PROPERTY(tandem::PropagationList* propagation READ propagation CONSTANT FINAL)
    Q_PROPERTY(tandem::Learner* learner READ learner CONSTANT FINAL)

    Q_PROPERTY(bool projectOpen READ projectOpen NOTIFY projectChanged FINAL)
    Q_PROPERTY(QString projectName READ projectName NOTIFY projectChanged FINAL)
    Q_PROPERTY(QString projectPath READ projectPath NOTIFY projectChanged FINAL)
    /// The project that images without a project of their own go to.
    Q_PROPERTY(bool projectIsScratch READ projectIsScratch NOTIFY projectChanged FINAL)

    Q_PROPERTY(bool caseOpen READ caseOpen NOTIFY caseChanged FINAL)
    Q_PROPERTY(qlonglong caseId READ caseId NOTIFY caseChanged FINAL)
    Q_PROPERTY(QString caseName READ caseName NOTIFY caseChanged FINAL)
    Q_PROPERTY(tandem::CaseList::State caseState READ caseState NOTIFY caseChanged FINAL)
    Q_PROPERTY(QString caseAssignee READ caseAssignee NOTIFY caseChanged FINAL)
    /// Reason of the latest rejection; empty unless the case is rejected or being corrected.
    Q_PROPERTY(QString caseComment READ caseComment NOTIFY caseChanged FINAL)
    Q_PROPERTY(QString imageDescription READ imageDescription NOTIFY caseChanged FINAL)
    Q_PROPERTY(bool canSubmit READ canSubmit NOTIFY caseChanged FINAL)
    Q_PROPERTY(bool canJudge READ canJudge NOTIFY caseChanged FINAL)
    Q_PROPERTY(bool canReopen READ canReopen NOTIFY caseChanged FINAL)
    Q_PROPERTY(bool hasNext READ hasNext NOTIFY neighboursChanged FINAL)
    Q_PROPERTY(bool hasPrevious READ hasPrevious NOTIFY neighboursChanged FINAL)

    /// Whether a project, an image or a case is being opened, and which.
    Q_PROPERTY(bool opening READ opening NOTIFY openingChanged FINAL)
    Q_PROPERTY(QString openingText READ openingText NOTIFY openingChanged FINAL)

public:
    explicit Session(Parts&, QObject* parent = nullptr);
    ~Session() override;

    /// Opens what the program was started with; without any path what was open last, if it still exists.
    void begin(const QStringList& paths);
    /// The same, after windowBuilt().
    void beginWhenBuilt(const QStringList& paths) { startPaths_ = paths; }
    /// Says that the window shows all its parts.
    Q_INVOKABLE void windowBuilt();

    Document* document() { return &document_; }
    CaseList* cases() { return &cases_; }
    JobList* jobs() { return &jobs_; }
    NoticeList* notices() { return &notices_; }
    Preferences* preferences() { return &preferences_; }
    ModelChooser* model() { return &model_; }
    ModelShelf* models() { return &models_; }
    ImportChoice* importChoice() { return &importChoice_; }
    ExportPlan* exportPlan() { return &exportPlan_; }
    PropagationList* propagation() { return &propagation_; }
    Learner* learner() { return &learner_; }

    /// Opens projects (the first of them), images and folders; images become cases of the open project, or of
    /// the scratch project if none is open. Model files are imported.
    Q_INVOKABLE void open(const QList<QUrl>&);
    Q_INVOKABLE void openPaths(const QStringList&);
    Q_INVOKABLE void newProject(const QUrl&);
    Q_INVOKABLE void openDemo();
    Q_INVOKABLE void closeProject();
    /// Gives up opening what is on its way; what was open stays.
    Q_INVOKABLE void stopOpening();
    Q_INVOKABLE void openCase(qlonglong caseId);
    /// Adds the images that the person ticked in importChoice.
    Q_INVOKABLE void importChosen();
    Q_INVOKABLE void nextCase();
    Q_INVOKABLE void previousCase();
    Q_INVOKABLE void assignToMe();
    /// What boxes and their masks taught, here and in the open project.
    Q_INVOKABLE void forgetBoxes();
    Q_INVOKABLE void removeCase(qlonglong caseId);

    /// Hands the open case over for review.
    Q_INVOKABLE void submit();
    Q_INVOKABLE void approve();
    /// Sends it back. An empty reason is refused in words.
    Q_INVOKABLE void reject(const QString& reason);
    /// Takes a submitted, approved or rejected case up again.
    Q_INVOKABLE void reopen();

    bool projectOpen() const { return store_ != nullptr; }
    QString projectName() const { return projectName_; }
    QString projectPath() const;
    bool projectIsScratch() const;
    bool caseOpen() const { return current_.has_value(); }
    qlonglong caseId() const { return current_ ? current_->id.value : 0; }
    QString caseName() const { return current_ ? QString::fromStdString(current_->name) : QString(); }
    CaseList::State caseState() const {
        return CaseList::stateOf(current_ ? current_->state : CaseState::New);
    }
    QString caseAssignee() const { return current_ ? QString::fromStdString(current_->assignee) : QString(); }
    QString caseComment() const;
    QString imageDescription() const { return imageDescription_; }
    bool canSubmit() const { return current_ && current_->state == CaseState::InProgress; }
    bool canJudge() const { return current_ && current_->state == CaseState::Submitted; }
    bool canReopen() const;
    bool hasNext() const { return current_ && cases_.neighbour(current_->id, 1).has_value(); }
    bool hasPrevious() const { return current_ && cases_.neighbour(current_->id, -1).has_value(); }
    bool opening() const { return !openingText_.isEmpty(); }
    QString openingText() const { return openingText_; }

Q_SIGNALS:
    void projectChanged();
    void caseChanged();
    void neighboursChanged();
    void openingChanged();
    /// What the program was started with is on its way: the network may be loaded once nothing is being
    /// opened.
    void begun();
    /// Several images were found; the person chooses in importChoice.
    void chooseImages();
    /// Model files were opened: they are being imported.
    void modelsOpened();

private:
    using Store = std::shared_ptr<ProjectStore>;
    struct OpenedProject {
        Store store;
        std::string name;
        std::vector<CaseRecord> cases;
        std::filesystem::path model; ///< the project's remembered model file, or empty
    };

    static Result<OpenedProject> describeProject(Result<std::unique_ptr<ProjectStore>>);
    std::function<Result<OpenedProject>(const JobControl&)> scratchOpener() const;

    void startOpeningProject(const QString& what,
                             std::function<Result<OpenedProject>(const JobControl&)> work,
                             std::function<void()> then);
    void takeProject(OpenedProject, const std::function<void()>& then);
    void openProjectFile(const std::filesystem::path&, std::function<void()> then);
    void openLastCase();
    void lookAtImages(const QStringList& paths);
    void startImport(std::vector<ImportChoice::Wish>);
    void takeCase(OpenedCase);
    void closeCase();
    void refreshCases();
    void takeCases(std::vector<CaseRecord>);
    /// Changes the project on the pool, then takes its cases anew.
    void change(std::function<Result<void>(ProjectStore&)>);
    void moveTo(CaseState, const QString& comment);
    void caseEdited();
    void rememberModel(const QString& file);
    void setOpening(const QString& what);
    void fail(const Error&);

    Parts& parts_;
    Preferences preferences_;
    NoticeList notices_;
    CaseList cases_;
    ImportChoice importChoice_;
    Document document_;
    JobList jobs_;
    ModelChooser model_;
    ModelShelf models_;
    ExportPlan exportPlan_;
    PropagationList propagation_;
    Learner learner_;
    Store store_;
    QStringList startPaths_;
    /// When a project was closed last; work under way may hold it a moment longer.
    std::chrono::steady_clock::time_point closedAt_;
    QString projectName_;
    std::optional<CaseRecord> current_;
    QString imageDescription_;
    QString openingText_;
    QTimer refreshSoon_;
    /// Number of the newest wish to open something; answers to older wishes are dropped.
    int wish_ = 0;
    int openingJob_ = 0;
};

} // namespace tandem
