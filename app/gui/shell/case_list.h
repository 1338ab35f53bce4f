#pragma once

#include "core/usecases/project_store.h"

#include <QtCore/QAbstractListModel>
#include <QtQml/qqmlregistration.h>

#include <optional>
#include <vector>

namespace tandem {

/// The cases of a project, as one of three queues shows them. Thread: GUI.
class CaseList : public QAbstractListModel {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("belongs to the session")
    Q_PROPERTY(Queue queue READ queue WRITE setQueue NOTIFY queueChanged FINAL)
    Q_PROPERTY(int count READ count NOTIFY countsChanged FINAL)
    Q_PROPERTY(int allCount READ allCount NOTIFY countsChanged FINAL)
    Q_PROPERTY(int mineCount READ mineCount NOTIFY countsChanged FINAL)
    Q_PROPERTY(int toReviewCount READ toReviewCount NOTIFY countsChanged FINAL)
    Q_PROPERTY(int approvedCount READ approvedCount NOTIFY countsChanged FINAL)
    /// Row of the open case in this queue, -1 if it is not in it.
    Q_PROPERTY(int currentRow READ currentRow NOTIFY currentRowChanged FINAL)

public:
    /// Mine: assigned to me and not finished (new, in progress, rejected). ToReview: submitted.
    enum Queue { All, Mine, ToReview };
    Q_ENUM(Queue)
    enum State { New, InProgress, Submitted, Approved, Rejected };
    Q_ENUM(State)
    enum Role {
        CaseIdRole = Qt::UserRole,
        NameRole,
        StateRole,
        AssigneeRole,
        CommentRole,
        ModalityRole,
        CurrentRole
    };

    using QAbstractListModel::QAbstractListModel;

    /// The words people read for a state.
    static QString stateText(State);
    static State stateOf(CaseState);

    /// Takes the project's cases anew; rows that stay keep their place.
    void setCases(std::vector<CaseRecord>);
    void setPerson(const QString& name);
    void setCurrent(CaseId);

    const std::vector<CaseRecord>& cases() const { return cases_; }
    std::optional<CaseRecord> find(CaseId) const;
    /// The neighbour of a case in the queue (step -1 or 1); the queue's first case if the given one is not in
    /// it.
    std::optional<CaseId> neighbour(CaseId, int step) const;

    Queue queue() const { return queue_; }
    void setQueue(Queue);
    int count() const { return static_cast<int>(shown_.size()); }
    int allCount() const { return static_cast<int>(cases_.size()); }
    int mineCount() const { return countIn(Mine); }
    int toReviewCount() const { return countIn(ToReview); }
    int approvedCount() const;
    int currentRow() const { return rowOf(current_); }

    int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : count(); }
    QVariant data(const QModelIndex&, int role) const override;
    QHash<int, QByteArray> roleNames() const override;

Q_SIGNALS:
    void queueChanged();
    void countsChanged();
    void currentRowChanged();

private:
    bool isIn(Queue, const CaseRecord&) const;
    int countIn(Queue) const;
    int rowOf(CaseId) const;
    void refilter();

    std::vector<CaseRecord> cases_;
    std::vector<CaseRecord> shown_;
    std::string person_;
    Queue queue_ = All;
    CaseId current_;
};

} // namespace tandem
