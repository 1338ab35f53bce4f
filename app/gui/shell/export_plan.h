#pragma once

#include "core/usecases/export_masks.h"
#include "core/usecases/image_reader.h"
#include "core/usecases/project_store.h"

#include <QtCore/QObject>
#include <QtCore/QStringList>
#include <QtCore/QUrl>
#include <QtQml/qqmlregistration.h>

#include <memory>
#include <vector>

namespace tandem {

class JobList;

/// An export of masks as a person plans it: which cases, where to, how the files will be called; then its
/// result in words. Thread: GUI; the export itself runs as a job.
class ExportPlan : public QObject {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("belongs to the session")
    Q_PROPERTY(QString folder READ folder WRITE setFolder NOTIFY changed FINAL)
    Q_PROPERTY(bool approvedOnly READ approvedOnly WRITE setApprovedOnly NOTIFY changed FINAL)
    Q_PROPERTY(bool filePerLabel READ filePerLabel WRITE setFilePerLabel NOTIFY changed FINAL)
    Q_PROPERTY(bool replace READ replace WRITE setReplace NOTIFY changed FINAL)
    Q_PROPERTY(QString suffix READ suffix WRITE setSuffix NOTIFY changed FINAL)
    /// How many cases will be exported, and names of the first few files.
    Q_PROPERTY(int caseCount READ caseCount NOTIFY changed FINAL)
    Q_PROPERTY(QStringList preview READ preview NOTIFY changed FINAL)
    Q_PROPERTY(bool ready READ ready NOTIFY changed FINAL)
    Q_PROPERTY(bool running READ running NOTIFY changed FINAL)
    Q_PROPERTY(Outcome outcome READ outcome NOTIFY changed FINAL)
    /// The result in a sentence, and line by line.
    Q_PROPERTY(QString report READ report NOTIFY changed FINAL)
    Q_PROPERTY(QString reportDetails READ reportDetails NOTIFY changed FINAL)

public:
    enum Outcome { Nothing, Done, Failed };
    Q_ENUM(Outcome)

    ExportPlan(JobList&, const ImageReader&, QObject* parent = nullptr);

    /// What can be exported now; null for no project. A new project forgets the old result.
    void setProject(std::shared_ptr<ProjectStore>, const std::vector<CaseRecord>&);

    Q_INVOKABLE void setFolderUrl(const QUrl&);
    /// Forgets the last result and proposes a folder beside the project.
    Q_INVOKABLE void prepare();
    Q_INVOKABLE void start();
    Q_INVOKABLE void stop();
    Q_INVOKABLE QUrl folderUrl() const { return QUrl::fromLocalFile(folder_); }

    QString folder() const { return folder_; }
    void setFolder(const QString&);
    bool approvedOnly() const { return approvedOnly_; }
    void setApprovedOnly(bool);
    bool filePerLabel() const { return filePerLabel_; }
    void setFilePerLabel(bool);
    bool replace() const { return replace_; }
    void setReplace(bool);
    QString suffix() const { return suffix_; }
    void setSuffix(const QString&);
    int caseCount() const { return static_cast<int>(chosen().size()); }
    QStringList preview() const;
    bool ready() const { return store_ && !running_ && !folder_.trimmed().isEmpty() && caseCount() > 0; }
    bool running() const { return running_; }
    Outcome outcome() const { return outcome_; }
    QString report() const { return report_; }
    QString reportDetails() const { return reportDetails_; }

Q_SIGNALS:
    void changed();

private:
    std::vector<const CaseRecord*> chosen() const;
    ExportRequest request() const;
    void takeResult(const Result<ExportReport>&);

    JobList& jobs_;
    const ImageReader& reader_;
    std::shared_ptr<ProjectStore> store_;
    std::vector<CaseRecord> cases_;
    QString folder_, suffix_ = QStringLiteral("_mask");
    bool approvedOnly_ = true, filePerLabel_ = false, replace_ = false, running_ = false;
    int job_ = 0;
    Outcome outcome_ = Nothing;
    QString report_, reportDetails_;
};

} // namespace tandem
