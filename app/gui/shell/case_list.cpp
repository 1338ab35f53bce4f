#include "app/gui/shell/case_list.h"

#include <algorithm>

namespace tandem {

QString CaseList::stateText(State state) {
    switch (state) {
    case New:
        return tr("New");
    case InProgress:
        return tr("In progress");
    case Submitted:
        return tr("Submitted");
    case Approved:
        return tr("Approved");
    case Rejected:
        return tr("Rejected");
    }
    return {};
}

CaseList::State CaseList::stateOf(CaseState state) {
    switch (state) {
    case CaseState::New:
        return New;
    case CaseState::InProgress:
        return InProgress;
    case CaseState::Submitted:
        return Submitted;
    case CaseState::Approved:
        return Approved;
    case CaseState::Rejected:
        return Rejected;
    }
    return New;
}

bool CaseList::isIn(Queue queue, const CaseRecord& record) const {
    switch (queue) {
    case All:
        return true;
    case Mine:
        return record.assignee == person_ && record.state != CaseState::Submitted &&
               record.state != CaseState::Approved;
    case ToReview:
        return record.state == CaseState::Submitted;
    }
    return false;
}

int CaseList::countIn(Queue queue) const {
    return static_cast<int>(
        std::count_if(cases_.begin(), cases_.end(), [&](const CaseRecord& c) { return isIn(queue, c); }));
}

int CaseList::approvedCount() const {
    return static_cast<int>(std::count_if(
        cases_.begin(), cases_.end(), [](const CaseRecord& c) { return c.state == CaseState::Approved; }));
}

int CaseList::rowOf(CaseId id) const {
    const auto found =
        std::find_if(shown_.begin(), shown_.end(), [id](const CaseRecord& c) { return c.id == id; });
    return found == shown_.end() ? -1 : static_cast<int>(found - shown_.begin());
}

void CaseList::refilter() {
    std::vector<CaseRecord> next;
    std::copy_if(cases_.begin(), cases_.end(), std::back_inserter(next),
                 [this](const CaseRecord& c) { return isIn(queue_, c); });
    const bool sameRows = std::equal(next.begin(), next.end(), shown_.begin(), shown_.end(),
                                     [](const CaseRecord& a, const CaseRecord& b) { return a.id == b.id; });
    if (sameRows) {
        shown_ = std::move(next);
        if (!shown_.empty())
            Q_EMIT dataChanged(index(0), index(count() - 1));
    } else {
        beginResetModel();
        shown_ = std::move(next);
        endResetModel();
    }
    Q_EMIT countsChanged();
    Q_EMIT currentRowChanged();
}

void CaseList::setCases(std::vector<CaseRecord> cases) {
    cases_ = std::move(cases);
    refilter();
}

void CaseList::setPerson(const QString& name) {
    person_ = name.toStdString();
    refilter();
}

void CaseList::setCurrent(CaseId id) {
    current_ = id;
    if (!shown_.empty())
        Q_EMIT dataChanged(index(0), index(count() - 1), {CurrentRole});
    Q_EMIT currentRowChanged();
}

void CaseList::setQueue(Queue queue) {
    if (queue == queue_)
        return;
    queue_ = queue;
    refilter();
    Q_EMIT queueChanged();
}

std::optional<CaseRecord> CaseList::find(CaseId id) const {
    const auto found =
        std::find_if(cases_.begin(), cases_.end(), [id](const CaseRecord& c) { return c.id == id; });
    return found == cases_.end() ? std::nullopt : std::optional(*found);
}

std::optional<CaseId> CaseList::neighbour(CaseId id, int step) const {
    if (shown_.empty())
        return std::nullopt;
    const int row = rowOf(id);
    if (row < 0)
        return shown_.front().id;
    const int next = row + step;
    if (next < 0 || next >= count())
        return std::nullopt;
    return shown_[static_cast<std::size_t>(next)].id;
}

QVariant CaseList::data(const QModelIndex& at, int role) const {
    if (!at.isValid() || at.row() < 0 || at.row() >= count())
        return {};
    const CaseRecord& record = shown_[static_cast<std::size_t>(at.row())];
    switch (role) {
    case CaseIdRole:
        return static_cast<qlonglong>(record.id.value);
    case NameRole:
        return QString::fromStdString(record.name);
    case StateRole:
        return stateOf(record.state);
    case AssigneeRole:
        return QString::fromStdString(record.assignee);
    case CommentRole:
        return QString::fromStdString(record.lastComment);
    case ModalityRole:
        return QString::fromStdString(record.image.modality);
    case CurrentRole:
        return record.id == current_;
    default:
        return {};
    }
}

QHash<int, QByteArray> CaseList::roleNames() const {
    return {{CaseIdRole, "caseId"},     {NameRole, "name"},       {StateRole, "caseState"},
            {AssigneeRole, "assignee"}, {CommentRole, "comment"}, {ModalityRole, "modality"},
            {CurrentRole, "current"}};
}

} // namespace tandem
