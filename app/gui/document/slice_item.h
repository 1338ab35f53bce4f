#pragma once

#include "app/gui/document/document.h"
#include "app/gui/document/slice_composer.h"
#include "app/gui/document/view_transform.h"

#include <QtCore/QPointer>
#include <QtGui/QImage>
#include <QtQuick/QQuickItem>

namespace tandem {

/// One slice of the document on the screen, and the mouse on it. Draws grey values and masks on the CPU at
/// the screen's own resolution, so that it looks the same with and without a GPU; lines, letters and prompts
/// are QML on top, placed by the properties here (all in the item's logical pixels). Thread: GUI.
class SliceItem : public QQuickItem {
    Q_OBJECT
    Q_PROPERTY(tandem::Document* document READ document WRITE setDocument NOTIFY documentChanged)
    Q_PROPERTY(int plane READ planeNumber WRITE setPlaneNumber NOTIFY planeChanged)
    Q_PROPERTY(QColor background READ background WRITE setBackground NOTIFY backgroundChanged)
    Q_PROPERTY(QRectF imageRect READ imageRect NOTIFY viewChanged)
    Q_PROPERTY(QPointF crosshair READ crosshair NOTIFY crosshairChanged)
    Q_PROPERTY(QString edgeLeft READ edgeLeft NOTIFY documentChanged)
    Q_PROPERTY(QString edgeRight READ edgeRight NOTIFY documentChanged)
    Q_PROPERTY(QString edgeTop READ edgeTop NOTIFY documentChanged)
    Q_PROPERTY(QString edgeBottom READ edgeBottom NOTIFY documentChanged)
    Q_PROPERTY(int sliceIndex READ sliceIndex NOTIFY crosshairChanged)
    Q_PROPERTY(int sliceCount READ sliceCount NOTIFY documentChanged)
    Q_PROPERTY(QString positionText READ positionText NOTIFY crosshairChanged)
    Q_PROPERTY(QString hoverText READ hoverText NOTIFY hoverChanged)
    Q_PROPERTY(QPointF hoverPoint READ hoverPoint NOTIFY hoverChanged)
    Q_PROPERTY(bool hovered READ hovered NOTIFY hoverChanged)
    Q_PROPERTY(double pixelsPerMm READ pixelsPerMm NOTIFY viewChanged)
    Q_PROPERTY(double zoom READ zoom NOTIFY viewChanged)
    Q_PROPERTY(double scaleBarMm READ scaleBarMm NOTIFY viewChanged)
    Q_PROPERTY(QRectF boxRect READ boxRect NOTIFY promptsChanged)
    Q_PROPERTY(QVariantList promptPoints READ promptPoints NOTIFY promptsChanged)
    Q_PROPERTY(QVariantList scribbles READ scribbles NOTIFY promptsChanged)
    Q_PROPERTY(QVariantList lasso READ lasso NOTIFY lassoChanged)

public:
    explicit SliceItem(QQuickItem* parent = nullptr);

    Document* document() const { return document_; }
    void setDocument(Document*);
    Plane plane() const { return plane_; }
    int planeNumber() const { return static_cast<int>(plane_); }
    void setPlaneNumber(int);
    QColor background() const { return background_; }
    void setBackground(const QColor&);

    const ViewTransform& view() const { return view_; }
    QRectF imageRect() const;
    QPointF crosshair() const;
    QString edgeLeft() const { return QString::fromStdString(view_.orientation().left); }
    QString edgeRight() const { return QString::fromStdString(view_.orientation().right); }
    QString edgeTop() const { return QString::fromStdString(view_.orientation().top); }
    QString edgeBottom() const { return QString::fromStdString(view_.orientation().bottom); }
    int sliceIndex() const { return showing() ? static_cast<int>(slice().index) : 0; }
    int sliceCount() const { return showing() ? document_->sliceCount(planeNumber()) : 0; }
    QString positionText() const; ///< "S 123.4 mm": where the slice's middle lies along the plane's normal
    QString hoverText() const;    ///< "(120, 88, 34)  52 HU  Liver"
    QPointF hoverPoint() const { return hover_.value_or(QPointF()); }
    bool hovered() const { return hover_.has_value(); }
    double pixelsPerMm() const { return showing() ? view_.pixelsPerMm() : 1; }
    double zoom() const { return view_.zoom(); }
    double scaleBarMm() const; ///< a round length of about a fifth of the view
    QRectF
    boxRect() const; ///< the box prompt or the one being drawn, along voxel edges; empty if none is here
    QVariantList promptPoints() const; ///< {x, y, foreground} for each click on this slice
    /// {path: list of points, foreground} for each scribble on this slice, the one in the hand last.
    QVariantList scribbles() const;
    QVariantList lasso() const; ///< the line in the hand, closed: points; empty if there is none here

    Q_INVOKABLE void resetView();
    Q_INVOKABLE void zoomBy(double factor);

    // Between the frames; also for tests.
    Point<SlicePx> slicePointAt(const QPointF& view) const;
    QPointF viewPointOf(const Point<SlicePx>&) const;
    VoxelIndex voxelUnder(const QPointF& view) const; ///< may lie outside the image

Q_SIGNALS:
    void documentChanged();
    void planeChanged();
    void backgroundChanged();
    void viewChanged();
    void crosshairChanged();
    void hoverChanged();
    void promptsChanged();
    void lassoChanged();
    /// The mouse came here: keys that mean "this view" mean this one.
    void activated();
    void maximizeRequested();

protected:
    QSGNode* updatePaintNode(QSGNode*, UpdatePaintNodeData*) override;
    void updatePolish() override;
    void geometryChange(const QRectF& now, const QRectF& before) override;
    void itemChange(ItemChange, const ItemChangeData&) override;
    void mousePressEvent(QMouseEvent*) override;
    void mouseMoveEvent(QMouseEvent*) override;
    void mouseReleaseEvent(QMouseEvent*) override;
    void mouseDoubleClickEvent(QMouseEvent*) override;
    void mouseUngrabEvent() override;
    void hoverEnterEvent(QHoverEvent*) override;
    void hoverMoveEvent(QHoverEvent*) override;
    void hoverLeaveEvent(QHoverEvent*) override;
    void wheelEvent(QWheelEvent*) override;

private:
    enum class Gesture { None, Cursor, Pan, Window, Box, Scribble, Stroke, Grow };
    /// Which edges of the box follow the mouse; all four: it is moved.
    struct BoxGrip {
        bool x0 = false, x1 = false, y0 = false, y1 = false;
        bool any() const { return x0 || x1 || y0 || y1; }
        bool all() const { return x0 && x1 && y0 && y1; }
    };

    bool showing() const { return document_ && document_->isOpen(); }
    SliceKey slice() const { return document_->sliceOf(plane_); }
    void redraw();
    void moveMarks();
    void startView();
    void onCursorChanged();
    void onMasksChanged();
    void onProposalChanged();
    void fetchGrey();
    void fetchMasks();
    void fetchProposal();

    void pressLeft(QMouseEvent*);
    void pressBox(const QPointF&);
    void pressPoint(QMouseEvent*);
    void pressGrow(QMouseEvent*);
    void dragScribble(const QPointF&);
    void dragWindow(const QPointF& by);
    void dragBox(const QPointF&);
    void releaseBox();
    void finishGesture();
    BoxGrip gripAt(const QPointF&) const;
    SliceBox draftBox() const;
    QRectF viewRectOf(const SliceBox&) const;
    void setHover(std::optional<QPointF>);
    void chooseCursor();

    QPointer<Document> document_;
    Plane plane_ = Plane::Axial;
    QColor background_ = Qt::black;
    ViewTransform view_;

    // What is drawn: the slice turned to the screen, fetched when it changes.
    ScreenSlice<float> grey_;
    ScreenSlice<std::uint16_t> masks_;
    ScreenSlice<std::uint8_t> proposal_;
    std::int64_t greyIndex_ = -1;
    bool masksStale_ = true, proposalStale_ = true;
    QImage frame_;

    Gesture gesture_ = Gesture::None;
    QPointF pressedAt_, lastAt_;
    bool moved_ = false;
    Point<SlicePx> scribbledTo_;   ///< the scribble's last point
    double growFrom_ = 0;          ///< the tolerance at the press
    bool backgroundClick_ = false; ///< a right click of the point tool, unless it becomes a drag
    Point<SlicePx> boxFrom_, boxTo_;
    std::optional<SliceBox> boxBefore_; ///< the box that is moved or resized
    BoxGrip grip_;
    double wheelRest_ = 0;
    std::optional<QPointF> hover_;
};

} // namespace tandem
