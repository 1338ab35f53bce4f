#include "app/gui/shell/export_plan.h"

#include "app/gui/shell/jobs.h"

#include <QtCore/QDir>

#include <algorithm>
#include <utility>

namespace tandem {

namespace {

constexpr std::size_t previewed = 3;

QString toText(const std::filesystem::path& path) {
    return QString::fromStdString(path.string());
}

} // namespace

ExportPlan::ExportPlan(JobList& jobs, const ImageReader& reader, QObject* parent)
    : QObject(parent), jobs_(jobs), reader_(reader) {}

void ExportPlan::setProject(std::shared_ptr<ProjectStore> store, const std::vector<CaseRecord>& cases) {
    if (store != store_) {
        folder_.clear();
        outcome_ = Nothing;
    }
    store_ = std::move(store);
    cases_ = cases;
    Q_EMIT changed();
}

void ExportPlan::prepare() {
    if (running_)
        return;
    outcome_ = Nothing;
    report_.clear();
    reportDetails_.clear();
    if (folder_.isEmpty() && store_)
        folder_ = toText(store_->path().parent_path() / (store_->path().stem().string() + " export"));
    // A project without a verdict so far offers what it has.
    approvedOnly_ = std::any_of(cases_.begin(), cases_.end(),
                                [](const CaseRecord& c) { return c.state == CaseState::Approved; });
    Q_EMIT changed();
}

std::vector<const CaseRecord*> ExportPlan::chosen() const {
    std::vector<const CaseRecord*> chosen;
    for (const CaseRecord& record : cases_)
        if (!approvedOnly_ || record.state == CaseState::Approved)
            chosen.push_back(&record);
    return chosen;
}

ExportRequest ExportPlan::request() const {
    ExportRequest request;
    request.folder = folder_.trimmed().toStdString();
    request.approvedOnly = approvedOnly_;
    request.filePerLabel = filePerLabel_;
    request.replace = replace_;
    request.suffix = suffix_.toStdString();
    return request;
}

QStringList ExportPlan::preview() const {
    const auto cases = chosen();
    QStringList names;
    for (std::size_t i = 0; i < std::min(cases.size(), previewed); ++i)
        names << QString::fromStdString(safeFileName(cases[i]->name)) + suffix_ +
                     (filePerLabel_ ? tr("_LABEL") : QString()) + QStringLiteral(".nii.gz");
    if (cases.size() > previewed)
        names << tr("and %1 more").arg(cases.size() - previewed);
    return names;
}

void ExportPlan::start() {
    if (!ready())
        return;
    running_ = true;
    outcome_ = Nothing;
    job_ = jobs_.start<ExportReport>(
        caseCount() == 1 ? tr("Exporting 1 case") : tr("Exporting %1 cases").arg(caseCount()),
        [store = store_, reader = &reader_, request = request()](const JobControl& control) {
            return exportMasks(*store, *reader, request, control.progress, control.stop);
        },
        this, [this](Result<ExportReport> result) { takeResult(result); });
    Q_EMIT changed();
}

void ExportPlan::stop() {
    jobs_.cancel(job_);
}

void ExportPlan::takeResult(const Result<ExportReport>& result) {
    running_ = false;
    reportDetails_.clear();
    if (result) {
        outcome_ = Done;
        report_ = result->files.size() == 1
                      ? tr("1 file was written to %1, read back and found equal.").arg(folder_)
                      : tr("%1 files were written to %2, read back and found equal.")
                            .arg(result->files.size())
                            .arg(folder_);
        QStringList lines;
        for (const std::string& warning : result->warnings)
            lines << QString::fromStdString(warning);
        for (const ExportedFile& file : result->files)
            lines << toText(file.file.filename());
        lines << toText(result->labelNames.filename());
        reportDetails_ = lines.join(QLatin1Char('\n'));
    } else if (result.error().code == ErrorCode::Cancelled) {
        report_ = tr("Stopped. The files written so far are whole.");
        outcome_ = Failed;
    } else {
        report_ = QString::fromStdString(result.error().sentence);
        outcome_ = Failed;
    }
    Q_EMIT changed();
}

void ExportPlan::setFolderUrl(const QUrl& url) {
    setFolder(QDir::cleanPath(url.toLocalFile()));
}

void ExportPlan::setFolder(const QString& folder) {
    folder_ = folder; // as typed: a space at its end may be the middle of a name
    Q_EMIT changed();
}

void ExportPlan::setApprovedOnly(bool on) {
    approvedOnly_ = on;
    Q_EMIT changed();
}

void ExportPlan::setFilePerLabel(bool on) {
    filePerLabel_ = on;
    Q_EMIT changed();
}

void ExportPlan::setReplace(bool on) {
    replace_ = on;
    Q_EMIT changed();
}

void ExportPlan::setSuffix(const QString& suffix) {
    // A separator would lead into another folder.
    suffix_ = QString(suffix).remove(QLatin1Char('/')).remove(QLatin1Char('\\'));
    Q_EMIT changed();
}

} // namespace tandem
