#include "app/gui/document/scene_item.h"

#include "app/gui/document/document.h"
#include "app/gui/document/scene_renderer.h"

#include <QtGui/QMouseEvent>
#include <QtGui/QWheelEvent>

#include <cmath>

namespace tandem {

SceneItem::SceneItem(QQuickItem* parent) : QQuickFramebufferObject(parent) {
    setAcceptedMouseButtons(Qt::LeftButton | Qt::MiddleButton | Qt::RightButton);
    setMirrorVertically(true); // VTK's rows run upward
    connect(&surfaces_, &SurfaceSet::changed, this, [this] {
        Q_EMIT surfacesChanged();
        updateWhenIdle();
    });
    connect(&surfaces_, &SurfaceSet::busyChanged, this, &SceneItem::busyChanged);
}

QQuickFramebufferObject::Renderer* SceneItem::createRenderer() const {
    return makeSceneRenderer();
}

Document* SceneItem::document() const {
    return document_;
}

void SceneItem::setDocument(Document* document) {
    if (document == document_)
        return;
    if (document_)
        document_->disconnect(this);
    document_ = document;
    surfaces_.setDocument(document);
    if (document_) {
        connect(document_, &Document::labelLooksChanged, this, &SceneItem::updateWhenIdle);
        connect(document_, &Document::masksHiddenChanged, this, &SceneItem::updateWhenIdle);
        connect(document_, &Document::proposalChanged, this, [this] {
            if (updateWaits_)
                updateWhenIdle();
        });
        connect(document_, &Document::openChanged, this, &SceneItem::resetView);
    }
    resetView();
    Q_EMIT documentChanged();
}

void SceneItem::updateWhenIdle() {
    updateWaits_ = document_ && document_->proposalState() == Document::Waiting;
    if (!updateWaits_)
        update();
}

void SceneItem::setBackground(const QColor& colour) {
    if (colour == background_)
        return;
    background_ = colour;
    Q_EMIT backgroundChanged();
    update();
}

SceneState SceneItem::state() const {
    SceneState s;
    s.background = background_;
    if (!document_ || !document_->isOpen())
        return s;
    for (const auto& [label, surface] : surfaces_.surfaces()) {
        const LabelInfo* info = document_->labelList()->find(label);
        if (info && info->visible && !document_->masksHidden())
            s.surfaces.push_back({label, info->colour, surface});
    }
    const Geometry& g = document_->geometry();
    for (std::size_t corner = 0; corner < 8; ++corner) {
        Point<Voxel> p;
        for (std::size_t a = 0; a < 3; ++a)
            p[a] = corner & (std::size_t{1} << a) ? static_cast<double>(g.size()[a]) - 0.5 : -0.5;
        s.corners[corner] = g.patientFromVoxel()(p);
    }
    s.hasBox = true;
    return s;
}

CameraMoves SceneItem::takeMoves() {
    return std::exchange(moves_, CameraMoves{});
}

void SceneItem::resetView() {
    moves_ = {};
    moves_.reset = true;
    update();
}

void SceneItem::mousePressEvent(QMouseEvent* event) {
    lastAt_ = event->position();
    Q_EMIT activated();
}

void SceneItem::mouseMoveEvent(QMouseEvent* event) {
    const QPointF by = event->position() - lastAt_;
    lastAt_ = event->position();
    if (event->buttons() & Qt::LeftButton) {
        moves_.azimuthDegrees -= 0.4 * by.x();
        moves_.elevationDegrees += 0.4 * by.y();
    } else if (event->buttons() & Qt::MiddleButton) {
        moves_.panX += by.x() / std::max(1.0, height());
        moves_.panY -= by.y() / std::max(1.0, height());
    } else if (event->buttons() & Qt::RightButton)
        moves_.dolly *= std::exp2(-by.y() / 150);
    update();
}

void SceneItem::mouseDoubleClickEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton)
        Q_EMIT maximizeRequested();
}

void SceneItem::wheelEvent(QWheelEvent* event) {
    moves_.dolly *= std::exp2(event->angleDelta().y() / 480.0);
    event->accept();
    update();
}

} // namespace tandem
