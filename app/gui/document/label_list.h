#pragma once

#include "core/edit/edit.h"
#include "core/image/label_map.h"

#include <QtCore/QAbstractListModel>

#include <functional>
#include <vector>

namespace tandem {

/// The labels of a case for a list view, by number. Thread: GUI.
class LabelList : public QAbstractListModel {
    Q_OBJECT
    Q_PROPERTY(int count READ rowCountNow NOTIFY countChanged)
public:
    enum Role { IdRole = Qt::UserRole + 1, NameRole, ColourRole, VisibleRole, LockedRole, VolumeMlRole };
    /// Volume of a label in ml.
    using VolumeOf = std::function<double(LabelId)>;

    explicit LabelList(QObject* parent = nullptr);

    void reset(std::vector<LabelInfo> labels, VolumeOf volumeOf);
    /// Adds a label or changes the one of the same number.
    void put(const LabelInfo&);
    void remove(LabelId);
    /// The volumes of these labels are other ones now.
    void refreshVolumes(const std::vector<LabelId>&);

    const std::vector<LabelInfo>& labels() const { return labels_; }
    const LabelInfo* find(LabelId) const;
    LockedLabels locked() const;
    /// Smallest number above 0 that no label has.
    LabelId freeId() const;

    int rowCountNow() const { return static_cast<int>(labels_.size()); }
    int rowCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex&, int role) const override;
    QHash<int, QByteArray> roleNames() const override;

Q_SIGNALS:
    void countChanged();

private:
    int rowOf(LabelId) const;

    std::vector<LabelInfo> labels_; ///< ascending by number
    VolumeOf volumeOf_;
};

} // namespace tandem
