#pragma once

#include "app/gui/document/surface.h"

#include <QtCore/QObject>
#include <QtCore/QThreadPool>
#include <QtCore/QTimer>

#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <vector>

namespace tandem {

class Document;

/// The surfaces of a document's labels, rebuilt on a worker a moment after their voxels changed. Thread: GUI.
class SurfaceSet : public QObject {
    Q_OBJECT
public:
    explicit SurfaceSet(QObject* parent = nullptr);
    ~SurfaceSet() override;

    void setDocument(Document*);
    const std::map<LabelId, std::shared_ptr<const Surface>>& surfaces() const { return surfaces_; }
    /// True while surfaces are being built.
    bool busy() const { return busy_; }

Q_SIGNALS:
    void changed();
    void busyChanged();

private:
    void startOver();
    void buildStale();
    void take(std::uint64_t round, LabelId, std::shared_ptr<const Surface>);
    void finish(std::uint64_t round);

    Document* document_ = nullptr;
    std::map<LabelId, std::shared_ptr<const Surface>> surfaces_;
    std::set<LabelId> stale_;
    QTimer soon_;
    QTimer showSoon_; ///< finished surfaces are shown a few times a second, not one by one
    QThreadPool pool_;
    std::stop_source stop_;
    std::uint64_t round_ = 0; ///< counts documents: surfaces of the one before are dropped
    bool busy_ = false;
};

} // namespace tandem
