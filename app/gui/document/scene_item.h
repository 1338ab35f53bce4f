#pragma once

#include "app/gui/document/surface_set.h"
#include "core/geometry/geometry.h"

#include <QtCore/QPointer>
#include <QtGui/QColor>
#include <QtQuick/QQuickFramebufferObject>

#include <memory>
#include <vector>

namespace tandem {

class Document;

/// One surface as the scene shows it.
struct SceneSurface {
    LabelId label;
    Rgb colour;
    std::shared_ptr<const Surface> surface;
};

/// What the render thread is told before a frame; plain data.
struct SceneState {
    std::vector<SceneSurface> surfaces;
    std::array<Point<Patient>, 8> corners{}; ///< of the image's box, first axis fastest
    bool hasBox = false;
    QColor background;
};

/// Camera moves since the last frame.
struct CameraMoves {
    double azimuthDegrees = 0, elevationDegrees = 0;
    double dolly = 1;
    double panX = 0, panY = 0; ///< fractions of the view's height, right and up
    bool reset = false;
};

/// The segments of a document as surfaces in the patient, turned with the mouse: left rotates, middle moves,
/// right and wheel zoom. Drawn by VTK on Qt's render thread into the item's own framebuffer; needs OpenGL.
class SceneItem : public QQuickFramebufferObject {
    Q_OBJECT
    Q_PROPERTY(tandem::Document* document READ document WRITE setDocument NOTIFY documentChanged)
    Q_PROPERTY(QColor background READ background WRITE setBackground NOTIFY backgroundChanged)
    Q_PROPERTY(bool busy READ busy NOTIFY busyChanged)
    Q_PROPERTY(int surfaceCount READ surfaceCount NOTIFY surfacesChanged)

public:
    explicit SceneItem(QQuickItem* parent = nullptr);

    Renderer* createRenderer() const override;

    Document* document() const;
    void setDocument(Document*);
    QColor background() const { return background_; }
    void setBackground(const QColor&);
    bool busy() const { return surfaces_.busy(); }
    int surfaceCount() const { return static_cast<int>(surfaces_.surfaces().size()); }

    /// Looks from the front at everything.
    Q_INVOKABLE void resetView();

    SceneState state() const;
    /// The moves since the last call. Called while the GUI thread waits for the render thread.
    CameraMoves takeMoves();

Q_SIGNALS:
    void documentChanged();
    void backgroundChanged();
    void busyChanged();
    void surfacesChanged();
    void maximizeRequested();
    void activated();

protected:
    void mousePressEvent(QMouseEvent*) override;
    void mouseMoveEvent(QMouseEvent*) override;
    void mouseDoubleClickEvent(QMouseEvent*) override;
    void wheelEvent(QWheelEvent*) override;

private:
    /// Without a GPU a frame of the scene takes long; it does not get in the way of an answer that someone
    /// waits for.
    void updateWhenIdle();

    QPointer<Document> document_;
    SurfaceSet surfaces_;
    QColor background_ = Qt::black;
    CameraMoves moves_;
    QPointF lastAt_;
    bool updateWaits_ = false;
};

} // namespace tandem
