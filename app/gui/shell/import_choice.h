#pragma once

#include "core/usecases/image_reader.h"

#include <QtCore/QAbstractListModel>
#include <QtQml/qqmlregistration.h>

#include <vector>

namespace tandem {

/// The images found in what a person opened, when there is something to choose: several series in a folder,
/// or several frames in a file. Thread: GUI.
class ImportChoice : public QAbstractListModel {
    Q_OBJECT
    QML_ELEMENT
    QML_UNCREATABLE("belongs to the session")
    Q_PROPERTY(int count READ count NOTIFY changed FINAL)
    Q_PROPERTY(int tickedCount READ tickedCount NOTIFY changed FINAL)

public:
    enum Role { DescriptionRole = Qt::UserRole, FileRole, FramesRole, FrameRole, TickedRole };

    /// One image to be added.
    struct Wish {
        ImageEntry entry;
        std::int64_t frame = 0;
    };

    using QAbstractListModel::QAbstractListModel;

    /// Whether these images leave something to choose.
    static bool isNeeded(const std::vector<ImageEntry>&);

    /// Offers images; all are ticked.
    void offer(std::vector<ImageEntry>);
    std::vector<Wish> ticked() const;

    Q_INVOKABLE void setTicked(int row, bool ticked);
    /// @param frame counted from 0
    Q_INVOKABLE void setFrame(int row, int frame);
    Q_INVOKABLE void tickAll(bool ticked);

    int count() const { return static_cast<int>(rows_.size()); }
    int tickedCount() const { return static_cast<int>(ticked().size()); }
    int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : count(); }
    QVariant data(const QModelIndex&, int role) const override;
    QHash<int, QByteArray> roleNames() const override;

Q_SIGNALS:
    void changed();

private:
    struct Row {
        Wish wish;
        bool ticked = true;
    };
    std::vector<Row> rows_;
};

} // namespace tandem
