// The mouse on a slice: the part of SliceItem that turns events into tools.
#include "app/gui/document/slice_item.h"

#include <QtGui/QCursor>
#include <QtGui/QMouseEvent>
#include <QtGui/QWheelEvent>

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr double dragThresholdPx = 3;     // less is a click
constexpr double scribbleThresholdPx = 6; // a hand that clicks moves more than one that drags on purpose
constexpr double gripPx = 6;              // how near the box's edge one must be to take it
constexpr double growDoublesPx = 80;      // a drag that far doubles the tolerance of a growing region

// The click or drag is about what does not belong.
bool takesAway(const QMouseEvent* event) {
    return event->modifiers() & (Qt::ShiftModifier | Qt::AltModifier);
}

} // namespace

void SliceItem::mousePressEvent(QMouseEvent* event) {
    if (!showing()) {
        event->ignore();
        return;
    }
    Q_EMIT activated();
    if (gesture_ != Gesture::None)
        return; // a second button while the first is held
    pressedAt_ = lastAt_ = event->position();
    moved_ = false;
    backgroundClick_ = false;
    document_->setActivePlane(planeNumber());
    if (event->button() == Qt::MiddleButton)
        gesture_ = Gesture::Pan;
    else if (event->button() == Qt::RightButton) {
        gesture_ = Gesture::Window;
        backgroundClick_ = document_->tool() == Document::Points;
    } else if (event->button() == Qt::LeftButton)
        pressLeft(event);
}

void SliceItem::pressLeft(QMouseEvent* event) {
    const QPointF at = event->position();
    switch (document_->tool()) {
    case Document::Navigate:
        gesture_ = Gesture::Cursor;
        document_->setCursor(voxelUnder(at));
        break;
    case Document::Box:
        pressBox(at);
        break;
    case Document::Points:
        pressPoint(event);
        break;
    case Document::Brush:
    case Document::Eraser:
        if (document_->beginStroke(slice(), slicePointAt(at), document_->tool() == Document::Eraser,
                                   event->modifiers() & Qt::ControlModifier))
            gesture_ = Gesture::Stroke;
        break;
    case Document::Lasso:
        if (document_->beginLasso(slice(), slicePointAt(at), takesAway(event)))
            gesture_ = Gesture::Stroke;
        break;
    case Document::Grow:
        pressGrow(event);
        break;
    }
}

void SliceItem::mouseMoveEvent(QMouseEvent* event) {
    if (!showing())
        return;
    const QPointF at = event->position();
    setHover(at);
    if (!moved_ && (at - pressedAt_).manhattanLength() < dragThresholdPx && gesture_ != Gesture::Stroke)
        return;
    moved_ = true;
    const QPointF by = at - lastAt_;
    lastAt_ = at;
    switch (gesture_) {
    case Gesture::Cursor:
        document_->setCursor(voxelUnder(at));
        break;
    case Gesture::Pan:
        view_.pan({{by.x(), by.y()}});
        moveMarks();
        break;
    case Gesture::Window:
        backgroundClick_ = false;
        dragWindow(by);
        break;
    case Gesture::Box:
        dragBox(at);
        break;
    case Gesture::Scribble:
        dragScribble(at);
        break;
    case Gesture::Stroke:
        document_->extendStroke(slicePointAt(at));
        break;
    case Gesture::Grow:
        document_->setGrowTolerance(growFrom_ * std::exp2((at.x() - pressedAt_.x()) / growDoublesPx));
        break;
    case Gesture::None:
        break;
    }
}

void SliceItem::mouseReleaseEvent(QMouseEvent* event) {
    if (!showing())
        return;
    if (backgroundClick_ && event->button() == Qt::RightButton &&
        document_->geometry().contains(voxelUnder(event->position())))
        document_->promptPoint(slice(), {slicePointAt(event->position()), false});
    finishGesture();
    setHover(contains(event->position()) ? std::optional(event->position()) : std::nullopt);
}

void SliceItem::mouseUngrabEvent() {
    if (showing())
        finishGesture();
}

void SliceItem::finishGesture() {
    const Gesture finished = gesture_;
    gesture_ = Gesture::None;
    backgroundClick_ = false;
    if (finished == Gesture::Box)
        releaseBox();
    else if (finished == Gesture::Scribble)
        document_->endScribble();
    else if (finished == Gesture::Stroke || finished == Gesture::Grow)
        document_->endStroke();
}

void SliceItem::mouseDoubleClickEvent(QMouseEvent* event) {
    const bool navigating = showing() && document_->tool() == Document::Navigate;
    if (!navigating)
        return mousePressEvent(event); // two quick dabs or points are two
    if (event->button() == Qt::LeftButton)
        Q_EMIT maximizeRequested();
}

void SliceItem::dragWindow(const QPointF& by) {
    // A drag across 300 px doubles the width or shifts the level by one width: the same feel for every range.
    const GreyWindow now = document_->window();
    const double perPixel = now.width / 300;
    document_->setWindow({now.level + by.y() * perPixel, now.width * std::exp2(by.x() / 300), now.inverted});
}

// --- the box

SliceItem::BoxGrip SliceItem::gripAt(const QPointF& at) const {
    const PromptSession& prompts = document_->prompts();
    if (document_->tool() != Document::Box || !prompts.prompts().box || prompts.slice() != slice())
        return {};
    const SliceBox box = *prompts.prompts().box;
    const QRectF rect = viewRectOf(box);
    if (!rect.adjusted(-gripPx, -gripPx, gripPx, gripPx).contains(at))
        return {};
    const QPointF a = viewPointOf({{box.x0 - 0.5, box.y0 - 0.5}}),
                  b = viewPointOf({{box.x1 + 0.5, box.y1 + 0.5}});
    const bool transposed = view_.orientation().transpose;
    const auto alongX = [&](const QPointF& p) { return transposed ? p.y() : p.x(); };
    const auto alongY = [&](const QPointF& p) { return transposed ? p.x() : p.y(); };
    BoxGrip grip;
    grip.x0 = std::abs(alongX(at) - alongX(a)) <= gripPx;
    grip.x1 = !grip.x0 && std::abs(alongX(at) - alongX(b)) <= gripPx;
    grip.y0 = std::abs(alongY(at) - alongY(a)) <= gripPx;
    grip.y1 = !grip.y0 && std::abs(alongY(at) - alongY(b)) <= gripPx;
    if (!grip.any() && rect.contains(at))
        grip = {true, true, true, true};
    return grip;
}

void SliceItem::pressBox(const QPointF& at) {
    if (!document_->readyToDraw())
        return;
    gesture_ = Gesture::Box;
    boxFrom_ = boxTo_ = slicePointAt(at);
    grip_ = gripAt(at);
    boxBefore_.reset();
    if (grip_.any())
        boxBefore_ = document_->prompts().prompts().box;
}

void SliceItem::dragBox(const QPointF& at) {
    boxTo_ = slicePointAt(at);
    Q_EMIT promptsChanged();
}

SliceBox SliceItem::draftBox() const {
    const auto size = sliceSize(document_->geometry(), plane_);
    const auto inside = [&](double value, std::size_t axis) {
        return std::clamp(value, 0.0, static_cast<double>(size[axis] - 1));
    };
    if (!boxBefore_) {
        const auto voxel = [](double c) { return std::floor(c + 0.5); };
        const double xa = voxel(boxFrom_[0]), xb = voxel(boxTo_[0]), ya = voxel(boxFrom_[1]),
                     yb = voxel(boxTo_[1]);
        return {inside(std::min(xa, xb), 0), inside(std::min(ya, yb), 1), inside(std::max(xa, xb), 0),
                inside(std::max(ya, yb), 1)};
    }
    SliceBox box = *boxBefore_;
    double dx = std::round(boxTo_[0] - boxFrom_[0]), dy = std::round(boxTo_[1] - boxFrom_[1]);
    if (grip_.all()) { // moved as a whole: it keeps its size at the border
        dx = std::clamp(dx, -box.x0, static_cast<double>(size[0] - 1) - box.x1);
        dy = std::clamp(dy, -box.y0, static_cast<double>(size[1] - 1) - box.y1);
    }
    box.x0 = inside(box.x0 + (grip_.x0 ? dx : 0), 0);
    box.x1 = inside(box.x1 + (grip_.x1 ? dx : 0), 0);
    box.y0 = inside(box.y0 + (grip_.y0 ? dy : 0), 1);
    box.y1 = inside(box.y1 + (grip_.y1 ? dy : 0), 1);
    return {std::min(box.x0, box.x1), std::min(box.y0, box.y1), std::max(box.x0, box.x1),
            std::max(box.y0, box.y1)};
}

void SliceItem::releaseBox() {
    const auto size = sliceSize(document_->geometry(), plane_);
    const auto beyond = [&](std::size_t axis) {
        const double low = std::min(boxFrom_[axis], boxTo_[axis]),
                     high = std::max(boxFrom_[axis], boxTo_[axis]);
        return high < -0.5 || low >= static_cast<double>(size[axis]) - 0.5;
    };
    if (moved_ && (boxBefore_ || (!beyond(0) && !beyond(1))))
        document_->promptBox(slice(), draftBox(), boxBefore_.has_value());
    Q_EMIT promptsChanged();
}

// --- clicks and scribbles

void SliceItem::pressPoint(QMouseEvent* event) {
    if (!document_->geometry().contains(voxelUnder(event->position())))
        return;
    scribbledTo_ = slicePointAt(event->position());
    if (document_->beginScribble(slice(), {scribbledTo_, !takesAway(event)}))
        gesture_ = Gesture::Scribble;
}

void SliceItem::pressGrow(QMouseEvent* event) {
    if (!document_->geometry().contains(voxelUnder(event->position())))
        return;
    growFrom_ = document_->growTolerance();
    if (document_->beginGrow(slice(), slicePointAt(event->position()), takesAway(event)))
        gesture_ = Gesture::Grow;
}

// A point for every pixel that the mouse comes to; beyond the image's rim it goes along the rim.
void SliceItem::dragScribble(const QPointF& at) {
    const PointPrompt* drawn = document_->prompts().scribbleOn(slice());
    if (!drawn || (!drawn->isScribble() && (at - pressedAt_).manhattanLength() < scribbleThresholdPx))
        return;
    const auto size = sliceSize(document_->geometry(), plane_);
    Point<SlicePx> to = slicePointAt(at);
    bool elsewhere = false;
    for (std::size_t axis = 0; axis < 2; ++axis) {
        to[axis] = std::clamp(to[axis], 0.0, static_cast<double>(size[axis] - 1));
        elsewhere = elsewhere || std::round(to[axis]) != std::round(scribbledTo_[axis]);
    }
    if (!elsewhere)
        return;
    scribbledTo_ = to;
    document_->extendScribble(to);
}

// --- the pointer

void SliceItem::setHover(std::optional<QPointF> at) {
    hover_ = at;
    Q_EMIT hoverChanged();
}

void SliceItem::hoverEnterEvent(QHoverEvent* event) {
    if (showing())
        document_->setActivePlane(planeNumber());
    Q_EMIT activated();
    setHover(event->position());
    chooseCursor();
}

void SliceItem::hoverMoveEvent(QHoverEvent* event) {
    setHover(event->position());
    if (showing() && document_->tool() == Document::Box)
        chooseCursor();
}

void SliceItem::hoverLeaveEvent(QHoverEvent*) {
    setHover(std::nullopt);
}

void SliceItem::chooseCursor() {
    if (!showing())
        return unsetCursor();
    const BoxGrip grip = hover_ ? gripAt(*hover_) : BoxGrip{};
    if (!grip.any())
        return setCursor(Qt::CrossCursor);
    const bool transposed = view_.orientation().transpose;
    const bool horizontal = transposed ? (grip.y0 || grip.y1) : (grip.x0 || grip.x1);
    const bool vertical = transposed ? (grip.x0 || grip.x1) : (grip.y0 || grip.y1);
    setCursor(horizontal && vertical ? Qt::SizeAllCursor
              : horizontal           ? Qt::SizeHorCursor
                                     : Qt::SizeVerCursor);
}

void SliceItem::wheelEvent(QWheelEvent* event) {
    if (!showing() || document_->strokeInHand()) {
        event->accept();
        return;
    }
    const double turn = event->angleDelta().y();
    if (event->modifiers() & Qt::ControlModifier) {
        setHover(event->position());
        zoomBy(std::exp2(turn / 480));
    } else {
        wheelRest_ += turn / 120;
        const double whole = std::trunc(wheelRest_);
        wheelRest_ -= whole;
        document_->setActivePlane(planeNumber());
        document_->stepSlice(planeNumber(), static_cast<int>(whole));
    }
    event->accept();
}

} // namespace tandem
