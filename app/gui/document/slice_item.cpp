#include "app/gui/document/slice_item.h"

#include <QtQuick/QQuickWindow>
#include <QtQuick/QSGImageNode>

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

// The labels of one slice, rows y, columns x.
std::vector<std::uint16_t> labelsOf(const LabelMap& map, SliceKey key) {
    const Geometry& g = map.grid();
    const auto size = sliceSize(g, key.plane);
    const std::int64_t start = g.offsetOf(voxelAt(g, key, 0, 0));
    const std::int64_t stepX = g.offsetOf(voxelAt(g, key, 1, 0)) - start;
    const std::int64_t stepY = g.offsetOf(voxelAt(g, key, 0, 1)) - start;
    std::vector<std::uint16_t> out;
    out.reserve(static_cast<std::size_t>(size[0] * size[1]));
    for (std::int64_t y = 0; y < size[1]; ++y)
        for (std::int64_t x = 0; x < size[0]; ++x)
            out.push_back(map.labels()[static_cast<std::size_t>(start + x * stepX + y * stepY)]);
    return out;
}

void previewStroke(std::vector<std::uint16_t>& labels, const HandStroke& stroke) {
    const SliceRect& r = stroke.touched();
    for (std::int64_t y = r.y0; y <= r.y1; ++y)
        for (std::int64_t x = r.x0; x <= r.x1; ++x)
            if (stroke.mask().at(x, y)) {
                std::uint16_t& label = labels[static_cast<std::size_t>(y * stroke.mask().width + x)];
                label = stroke.rule().after({label}).value;
            }
}

} // namespace

SliceItem::SliceItem(QQuickItem* parent) : QQuickItem(parent) {
    setFlag(ItemHasContents);
    setAcceptedMouseButtons(Qt::AllButtons);
    setAcceptHoverEvents(true);
    setClip(true);
}

void SliceItem::setDocument(Document* document) {
    if (document == document_)
        return;
    if (document_)
        document_->disconnect(this);
    document_ = document;
    if (document_) {
        connect(document_, &Document::openChanged, this, &SliceItem::startView);
        connect(document_, &Document::cursorChanged, this, &SliceItem::onCursorChanged);
        connect(document_, &Document::masksChanged, this, &SliceItem::onMasksChanged);
        connect(document_, &Document::proposalChanged, this, &SliceItem::onProposalChanged);
        connect(document_, &Document::scribbleChanged, this, &SliceItem::promptsChanged);
        connect(document_, &Document::activeLabelChanged, this, &SliceItem::redraw);
        connect(document_, &Document::windowChanged, this, &SliceItem::redraw);
        connect(document_, &Document::toolChanged, this, &SliceItem::chooseCursor);
    }
    startView();
}

void SliceItem::setPlaneNumber(int number) {
    const Plane plane = number == 1 ? Plane::Coronal : number == 2 ? Plane::Sagittal : Plane::Axial;
    if (plane == plane_)
        return;
    plane_ = plane;
    Q_EMIT planeChanged();
    startView();
}

void SliceItem::setBackground(const QColor& colour) {
    if (colour == background_)
        return;
    background_ = colour;
    Q_EMIT backgroundChanged();
    redraw();
}

void SliceItem::startView() {
    view_ = showing() ? ViewTransform(document_->geometry(), plane_) : ViewTransform();
    view_.resize(width(), height());
    gesture_ = Gesture::None;
    greyIndex_ = -1;
    masksStale_ = proposalStale_ = true;
    for (auto signal : {&SliceItem::documentChanged, &SliceItem::viewChanged, &SliceItem::crosshairChanged,
                        &SliceItem::promptsChanged, &SliceItem::lassoChanged, &SliceItem::hoverChanged})
        Q_EMIT(this->*signal)();
    chooseCursor();
    redraw();
}

void SliceItem::redraw() {
    polish();
    update();
}

void SliceItem::onCursorChanged() {
    if (showing() && slice().index != greyIndex_) {
        masksStale_ = proposalStale_ = true;
        Q_EMIT promptsChanged();
        Q_EMIT hoverChanged();
        redraw();
    }
    Q_EMIT crosshairChanged();
}

void SliceItem::onMasksChanged() {
    const HandStroke* stroke = showing() ? document_->stroke() : nullptr;
    if (stroke && stroke->slice().plane != plane_)
        return; // the other views follow when the stroke is finished
    masksStale_ = true;
    Q_EMIT hoverChanged();
    Q_EMIT lassoChanged();
    redraw();
}

void SliceItem::onProposalChanged() {
    proposalStale_ = true;
    Q_EMIT promptsChanged();
    redraw();
}

// The slice lies elsewhere on the screen, and all that is drawn on it.
void SliceItem::moveMarks() {
    for (auto signal : {&SliceItem::viewChanged, &SliceItem::crosshairChanged, &SliceItem::promptsChanged,
                        &SliceItem::lassoChanged})
        Q_EMIT(this->*signal)();
    redraw();
}

void SliceItem::resetView() {
    view_.fit();
    moveMarks();
}

void SliceItem::zoomBy(double factor) {
    const QPointF at = hover_.value_or(QPointF(width() / 2, height() / 2));
    view_.zoomAbout({{at.x(), at.y()}}, factor);
    moveMarks();
}

void SliceItem::geometryChange(const QRectF& now, const QRectF& before) {
    QQuickItem::geometryChange(now, before);
    view_.resize(now.width(), now.height());
    moveMarks();
}

void SliceItem::itemChange(ItemChange change, const ItemChangeData& data) {
    QQuickItem::itemChange(change, data);
    if (change == ItemDevicePixelRatioHasChanged || change == ItemSceneChange)
        redraw();
}

// --- drawing

void SliceItem::fetchGrey() {
    greyIndex_ = slice().index;
    Result<SliceImage> image = extractSlice(*document_->volume(), slice());
    if (!image)
        return;
    const ScreenTurn turn(view_.orientation(), image->width, image->height);
    grey_ = turn.turned(image->values, image->components);
}

void SliceItem::fetchMasks() {
    masksStale_ = false;
    std::vector<std::uint16_t> labels = labelsOf(document_->edits()->labels(), slice());
    if (const HandStroke* stroke = document_->stroke(); stroke && stroke->slice() == slice())
        previewStroke(labels, *stroke);
    const auto size = sliceSize(document_->geometry(), plane_);
    masks_ = ScreenTurn(view_.orientation(), size[0], size[1]).turned(labels);
}

void SliceItem::fetchProposal() {
    proposalStale_ = false;
    proposal_ = {};
    const SliceMask* mask = document_->prompts().slice() == slice() ? document_->prompts().mask() : nullptr;
    if (mask)
        proposal_ = ScreenTurn(view_.orientation(), mask->width, mask->height).turned(mask->inside);
}

void SliceItem::updatePolish() {
    const double ratio = window() ? window()->effectiveDevicePixelRatio() : 1.0;
    const QSize size(static_cast<int>(std::ceil(width() * ratio)),
                     static_cast<int>(std::ceil(height() * ratio)));
    if (size.isEmpty())
        return;
    if (frame_.size() != size)
        frame_ = QImage(size, QImage::Format_RGB32);
    SlicePicture picture;
    picture.background = background_.rgb();
    picture.devicePixelRatio = ratio;
    if (showing()) {
        if (greyIndex_ != slice().index)
            fetchGrey();
        if (masksStale_)
            fetchMasks();
        if (proposalStale_)
            fetchProposal();
        const auto voxels = sliceSize(document_->geometry(), plane_);
        placePicture(picture, view_, ScreenTurn(view_.orientation(), voxels[0], voxels[1]));
        picture.grey = &grey_;
        picture.window = document_->window();
        picture.fillOpacity = document_->maskOpacity();
        picture.labelColours = document_->labelColours().data();
        picture.labels = document_->masksHidden() ? nullptr : &masks_;
        picture.proposal = document_->masksHidden() ? nullptr : &proposal_;
        picture.proposalColour = document_->activeLabelColour().rgb();
        picture.proposalIsSketch = document_->proposalIsSketch();
    }
    composeSlice(picture, reinterpret_cast<std::uint32_t*>(frame_.bits()), size.width(), size.height());
}

QSGNode* SliceItem::updatePaintNode(QSGNode* old, UpdatePaintNodeData*) {
    auto* node = static_cast<QSGImageNode*>(old);
    if (frame_.isNull() || width() <= 0 || height() <= 0) {
        delete node;
        return nullptr;
    }
    if (!node) {
        node = window()->createImageNode();
        node->setOwnsTexture(true);
        node->setFiltering(QSGTexture::Nearest); // the frame has the screen's own pixels
    }
    const double ratio = window()->effectiveDevicePixelRatio();
    node->setTexture(window()->createTextureFromImage(frame_, QQuickWindow::TextureIsOpaque));
    node->setRect(0, 0, frame_.width() / ratio, frame_.height() / ratio);
    return node;
}

// --- what QML places on top

Point<SlicePx> SliceItem::slicePointAt(const QPointF& p) const {
    return view_.sliceFromView()(Point<ViewPx>{{p.x(), p.y()}});
}

QPointF SliceItem::viewPointOf(const Point<SlicePx>& p) const {
    const Point<ViewPx> v = view_.viewFromSlice()(p);
    return {v[0], v[1]};
}

VoxelIndex SliceItem::voxelUnder(const QPointF& p) const {
    const Point<SlicePx> s = slicePointAt(p);
    return voxelAt(document_->geometry(), slice(), static_cast<std::int64_t>(std::floor(s[0] + 0.5)),
                   static_cast<std::int64_t>(std::floor(s[1] + 0.5)));
}

QRectF SliceItem::imageRect() const {
    if (!showing())
        return {};
    const auto size = sliceSize(document_->geometry(), plane_);
    return viewRectOf({0, 0, static_cast<double>(size[0] - 1), static_cast<double>(size[1] - 1)});
}

QRectF SliceItem::viewRectOf(const SliceBox& box) const {
    const QPointF a = viewPointOf({{box.x0 - 0.5, box.y0 - 0.5}}),
                  b = viewPointOf({{box.x1 + 0.5, box.y1 + 0.5}});
    return QRectF(a, b).normalized();
}

QPointF SliceItem::crosshair() const {
    return showing() ? viewPointOf(slicePoint(document_->geometry(), plane_, centreOf(document_->cursor())))
                     : QPointF();
}

QString SliceItem::positionText() const {
    if (!showing())
        return {};
    const Geometry& g = document_->geometry();
    const auto size = sliceSize(g, plane_);
    const Point<SlicePx> middle{{static_cast<double>(size[0] - 1) / 2, static_cast<double>(size[1] - 1) / 2}};
    const Point<Patient> at = g.patientFromVoxel()(voxelFromSlice(g, slice())(middle));
    const std::size_t axis = plane_ == Plane::Axial ? 2 : plane_ == Plane::Coronal ? 1 : 0;
    constexpr std::array<const char*, 3> positive{"L", "P", "S"}, negative{"R", "A", "I"};
    return QStringLiteral("%1 %2 mm")
        .arg(QLatin1String(at[axis] < 0 ? negative[axis] : positive[axis]))
        .arg(std::abs(at[axis]), 0, 'f', 1);
}

QString SliceItem::hoverText() const {
    if (!showing() || !hover_)
        return {};
    const VoxelIndex v = voxelUnder(*hover_);
    if (!document_->geometry().contains(v))
        return {};
    const Volume& volume = *document_->volume();
    QStringList values;
    for (int c = 0; c < volume.components(); ++c)
        values << QString::number(volume.at(v, c), 'g', 6);
    QString text =
        QStringLiteral("(%1, %2, %3)  %4").arg(v.i).arg(v.j).arg(v.k).arg(values.join(QStringLiteral(" ")));
    if (!document_->valueUnit().isEmpty())
        text += QLatin1Char(' ') + document_->valueUnit();
    if (const LabelInfo* label = document_->labelList()->find(document_->edits()->labels().at(v)))
        text += QStringLiteral("  ") + QString::fromStdString(label->name);
    return text;
}

double SliceItem::scaleBarMm() const {
    if (!showing())
        return 0;
    const double wanted = width() / 5 / view_.pixelsPerMm();
    const double decade = std::pow(10.0, std::floor(std::log10(std::max(wanted, 1e-6))));
    const double lead = wanted / decade;
    return decade * (lead >= 5 ? 5 : lead >= 2 ? 2 : 1);
}

QRectF SliceItem::boxRect() const {
    if (!showing())
        return {};
    if (gesture_ == Gesture::Box && moved_)
        return viewRectOf(draftBox());
    const PromptSession& prompts = document_->prompts();
    return prompts.prompts().box && prompts.slice() == slice() ? viewRectOf(*prompts.prompts().box)
                                                               : QRectF();
}

QVariantList SliceItem::promptPoints() const {
    QVariantList list;
    if (!showing() || document_->prompts().slice() != slice())
        return list;
    for (const PointPrompt& p : document_->prompts().prompts().points) {
        const QPointF at = viewPointOf(p.at);
        if (!p.isScribble())
            list.append(QVariantMap{{"x", at.x()}, {"y", at.y()}, {"foreground", p.foreground}});
    }
    return list;
}

QVariantList SliceItem::lasso() const {
    QVariantList path;
    const HandStroke* stroke = showing() ? document_->stroke() : nullptr;
    if (!stroke || stroke->slice() != slice() || !std::holds_alternative<LassoTip>(stroke->tip()))
        return path;
    for (const Point<SlicePx>& at : stroke->way())
        path.append(viewPointOf(at));
    path.append(path.front());
    return path;
}

QVariantList SliceItem::scribbles() const {
    QVariantList list;
    if (!showing())
        return list;
    const auto add = [&](const PointPrompt& p) {
        QVariantList path;
        for (const Point<SlicePx>& at : verticesOf(p))
            path.append(viewPointOf(at));
        if (p.isScribble())
            list.append(QVariantMap{{"path", path}, {"foreground", p.foreground}});
    };
    const PromptSession& prompts = document_->prompts();
    if (prompts.slice() == slice())
        std::for_each(prompts.prompts().points.begin(), prompts.prompts().points.end(), add);
    if (const PointPrompt* drawn = prompts.scribbleOn(slice()))
        add(*drawn);
    return list;
}

} // namespace tandem
