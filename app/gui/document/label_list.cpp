#include "app/gui/document/label_list.h"

#include <QtGui/QColor>

#include <algorithm>

namespace tandem {

LabelList::LabelList(QObject* parent) : QAbstractListModel(parent) {}

void LabelList::reset(std::vector<LabelInfo> labels, VolumeOf volumeOf) {
    beginResetModel();
    labels_ = std::move(labels);
    std::sort(labels_.begin(), labels_.end(),
              [](const LabelInfo& a, const LabelInfo& b) { return a.id < b.id; });
    volumeOf_ = std::move(volumeOf);
    endResetModel();
    Q_EMIT countChanged();
}

int LabelList::rowOf(LabelId id) const {
    const auto found =
        std::find_if(labels_.begin(), labels_.end(), [id](const LabelInfo& l) { return l.id == id; });
    return found == labels_.end() ? -1 : static_cast<int>(found - labels_.begin());
}

const LabelInfo* LabelList::find(LabelId id) const {
    const int row = rowOf(id);
    return row < 0 ? nullptr : &labels_[static_cast<std::size_t>(row)];
}

void LabelList::put(const LabelInfo& label) {
    if (const int row = rowOf(label.id); row >= 0) {
        labels_[static_cast<std::size_t>(row)] = label;
        return Q_EMIT dataChanged(index(row), index(row));
    }
    const auto place =
        std::find_if(labels_.begin(), labels_.end(), [&](const LabelInfo& l) { return l.id > label.id; });
    const int row = static_cast<int>(place - labels_.begin());
    beginInsertRows({}, row, row);
    labels_.insert(place, label);
    endInsertRows();
    Q_EMIT countChanged();
}

void LabelList::remove(LabelId id) {
    const int row = rowOf(id);
    if (row < 0)
        return;
    beginRemoveRows({}, row, row);
    labels_.erase(labels_.begin() + row);
    endRemoveRows();
    Q_EMIT countChanged();
}

void LabelList::refreshVolumes(const std::vector<LabelId>& ids) {
    for (LabelId id : ids)
        if (const int row = rowOf(id); row >= 0)
            Q_EMIT dataChanged(index(row), index(row), {VolumeMlRole});
}

LockedLabels LabelList::locked() const {
    LockedLabels locked;
    for (const LabelInfo& label : labels_)
        if (label.locked)
            locked.insert(label.id);
    return locked;
}

LabelId LabelList::freeId() const {
    std::uint16_t id = 1;
    while (find({id}) && id < 65535)
        ++id;
    return {id};
}

int LabelList::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : rowCountNow();
}

QVariant LabelList::data(const QModelIndex& at, int role) const {
    if (!checkIndex(at, CheckIndexOption::IndexIsValid))
        return {};
    const LabelInfo& label = labels_[static_cast<std::size_t>(at.row())];
    switch (role) {
    case IdRole:
        return label.id.value;
    case Qt::DisplayRole:
    case NameRole:
        return QString::fromStdString(label.name);
    case ColourRole:
        return QColor(label.colour.r, label.colour.g, label.colour.b);
    case VisibleRole:
        return label.visible;
    case LockedRole:
        return label.locked;
    case VolumeMlRole:
        return volumeOf_ ? volumeOf_(label.id) : 0.0;
    default:
        return {};
    }
}

QHash<int, QByteArray> LabelList::roleNames() const {
    return {{IdRole, "labelId"},      {NameRole, "name"},     {ColourRole, "colour"},
            {VisibleRole, "visible"}, {LockedRole, "locked"}, {VolumeMlRole, "volumeMl"}};
}

} // namespace tandem
