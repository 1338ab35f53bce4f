// The part of Document that changes masks: tools, proposals and labels.
#include "app/gui/document/document.h"
#include "core/tools/similar_region.h"
#include "core/usecases/propagate.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

namespace tandem {
namespace {

const char* nameOf(const StrokeRule& rule) {
    const bool erases = rule.label == LabelId{};
    switch (rule.source) {
    case EditSource::Lasso:
        return erases ? "Lasso, erasing" : "Lasso";
    case EditSource::Grow:
        return erases ? "Region, erasing" : "Region";
    default:
        return erases ? "Eraser" : "Brush";
    }
}

} // namespace

// --- tools

void Document::setTool(Tool tool) {
    if (tool == tool_)
        return;
    endStroke();
    prompts_.cancelScribble();
    tool_ = tool;
    Q_EMIT toolChanged();
}

void Document::fitBrush() {
    const auto mm = geometry().spacing();
    const Size3 size = geometry().size();
    double extent = 0, finest = mm[0];
    for (std::size_t a = 0; a < 3; ++a) {
        extent = std::max(extent, mm[a] * static_cast<double>(size[a]));
        if (size[a] > 1)
            finest = std::min(finest, mm[a]);
    }
    brushRangeMm_ = {finest / 2, std::max(finest, extent / 8)};
    brushRadiusMm_ = std::clamp(extent / 60, finest, brushRangeMm_[1]);
    Q_EMIT brushChanged();
}

void Document::setBrushRadiusMm(double radius) {
    const double inside = std::clamp(radius, brushRangeMm_[0], brushRangeMm_[1]);
    if (!std::isfinite(inside) || inside == brushRadiusMm_)
        return;
    brushRadiusMm_ = inside;
    Q_EMIT brushChanged();
}

// The window that the image opens with spans what there is to see in it.
void Document::fitGrow() {
    growRange_ = {window_.width / 1000, window_.width};
    growTolerance_ = window_.width / 16;
    Q_EMIT growChanged();
}

void Document::setGrowTolerance(double tolerance) {
    const double inside = std::clamp(tolerance, growRange_[0], growRange_[1]);
    if (!std::isfinite(inside) || inside == growTolerance_)
        return;
    growTolerance_ = inside;
    Q_EMIT growChanged();
    if (!stroke_)
        return;
    stroke_->setTolerance(inside);
    Q_EMIT masksChanged();
}

void Document::stepToolSize(int steps) {
    const double factor = std::pow(1.15, steps);
    if (tool_ == Grow)
        setGrowTolerance(growTolerance_ * factor);
    else
        setBrushRadiusMm(brushRadiusMm_ * factor);
}

bool Document::refuseIfReadOnly() {
    if (!isOpen())
        return true;
    if (!readOnly())
        return false;
    Q_EMIT failed(record_.state == CaseState::Approved
                      ? tr("This case is approved and cannot be changed.")
                      : tr("This case is submitted for review. It can be changed again if it is rejected."));
    return true;
}

bool Document::readyToDraw() {
    if (refuseIfReadOnly())
        return false;
    if (!labels_.find(activeLabel_)) {
        if (!labels_.labels().empty())
            selectLabel(labels_.labels().front().id.value);
        else if (addLabel() == 0)
            return false;
    }
    const LabelInfo label = *labels_.find(activeLabel_);
    if (label.locked) {
        Q_EMIT failed(
            tr("The label “%1” is locked. Unlock it, or choose another label.").arg(activeLabelName()));
        return false;
    }
    if (!label.visible)
        setLabelVisible(label.id.value, true);
    return true;
}

std::string Document::titleOf(const char* what, LabelId id, SliceKey slice) const {
    const LabelInfo* label = labels_.find(id);
    return std::string(what) + ", " + (label ? label->name : "every label") + ", " +
           std::string(planeName(slice.plane)) + " " + std::to_string(slice.index);
}

bool Document::beginStroke(SliceKey slice, const Point<SlicePx>& at, bool erase, bool eraseAny) {
    settleStroke();
    if (!readyToDraw())
        return false;
    StrokeRule rule{erase ? EditSource::Eraser : EditSource::Brush,
                    erase ? LabelId{} : activeLabel_,
                    {},
                    labels_.locked()};
    if (erase && !eraseAny)
        rule.onlyOver = activeLabel_;
    return startStroke(slice, at, BrushTip{brushRadiusMm_}, std::move(rule));
}

bool Document::beginLasso(SliceKey slice, const Point<SlicePx>& at, bool erase) {
    settleStroke();
    if (!readyToDraw())
        return false;
    StrokeRule rule{EditSource::Lasso, erase ? LabelId{} : activeLabel_, {}, labels_.locked()};
    if (erase)
        rule.onlyOver = activeLabel_;
    return startStroke(slice, at, LassoTip{}, std::move(rule));
}

bool Document::beginGrow(SliceKey slice, const Point<SlicePx>& at, bool erase) {
    settleStroke();
    if (!readyToDraw())
        return false;
    Result<SliceImage> image = extractSlice(*volume_, slice);
    if (!image) {
        Q_EMIT failed(QString::fromStdString(image.error().sentence));
        return false;
    }
    SliceMask passable = sliceMask(edits_->labels(), slice, activeLabel_);
    if (!erase) {
        const SliceMask empty = sliceMask(edits_->labels(), slice, LabelId{});
        for (std::size_t i = 0; i < passable.inside.size(); ++i)
            passable.inside[i] |= empty.inside[i];
    }
    return startStroke(slice, at,
                       GrowTip{readyToGrow(*std::move(image)), std::move(passable), growTolerance_},
                       {EditSource::Grow, erase ? LabelId{} : activeLabel_, erase ? activeLabel_ : LabelId{},
                        labels_.locked()});
}

bool Document::startStroke(SliceKey slice, const Point<SlicePx>& at, StrokeTip tip, StrokeRule rule) {
    stroke_.emplace(geometry(), slice, std::move(tip), std::move(rule));
    stroke_->moveTo(at);
    strokeReleased_ = false;
    // The first dab waits until the stroke before is on disk: a crash loses at most the one in the hand.
    edits_->whenSaved([this, number = ++strokeNumber_] {
        if (!stroke_ || number != strokeNumber_)
            return;
        stroke_->begin();
        if (strokeReleased_)
            finishStroke();
        Q_EMIT masksChanged();
    });
    return true;
}

void Document::extendStroke(const Point<SlicePx>& at) {
    if (!stroke_ || strokeReleased_)
        return;
    stroke_->moveTo(at);
    if (stroke_->begun())
        Q_EMIT masksChanged();
}

void Document::endStroke() {
    strokeReleased_ = true; // a stroke that waits for the disk finishes itself when its turn comes
    if (stroke_ && stroke_->begun())
        finishStroke();
}

void Document::settleStroke() {
    endStroke();
    if (stroke_)
        edits_->finish();
}

void Document::finishStroke() {
    Edit edit = stroke_->edit(edits_->labels());
    const StrokeRule& rule = stroke_->rule();
    edit.title =
        titleOf(nameOf(rule), rule.label == LabelId{} ? rule.onlyOver.value_or(LabelId{}) : rule.label,
                stroke_->slice());
    stroke_.reset();
    edits_->commit(std::move(edit));
    Q_EMIT masksChanged();
}

void Document::cancelStroke() {
    stroke_.reset();
    ++strokeNumber_;
    Q_EMIT masksChanged();
}

void Document::undo() {
    if (!stroke_ && !refuseIfReadOnly())
        edits_->undo();
}

void Document::redo() {
    if (!stroke_ && !refuseIfReadOnly())
        edits_->redo();
}

// --- proposals

static_assert(static_cast<int>(CandidateKind::OtherSize) == Document::OtherSize &&
              static_cast<int>(CandidateKind::OtherBox) == Document::OtherBox &&
              static_cast<int>(CandidateKind::LookAlikes) == Document::LookAlikes &&
              static_cast<int>(CandidateKind::Parts) == Document::Parts &&
              static_cast<int>(CandidateKind::OneObject) == Document::OneObject);

Document::ProposalState Document::proposalState() const {
    switch (prompts_.state()) {
    case PromptSession::State::None:
        return None;
    case PromptSession::State::Waiting:
        return Waiting;
    case PromptSession::State::Ready:
        return Ready;
    }
    return None;
}

void Document::promptBox(SliceKey slice, const SliceBox& box, bool keepPoints) {
    if (!readyToDraw())
        return;
    learnFromAcceptedBox();
    const auto model = segmenter_ ? segmenter_->model() : std::nullopt;
    prompts_.setLean(
        model ? memories_.lean(*store_, activeLabel_, slice.plane, memoryOwner(activeLabel_, model->id))
              : nullptr);
    prompts_.setBox(slice, box, keepPoints);
}

void Document::setDrawingHabit(const DrawingHabit& habit) {
    drawingHabit_ = habit;
    prompts_.setDrawingHabit(habit);
    Q_EMIT drawingHabitChanged();
}

Document::BoxesDrawn Document::boxesDrawn() const {
    switch (likelyReading(drawingHabit_)) {
    case BoxReading::Tight:
        return BoxesTight;
    case BoxReading::Loose:
        return BoxesLoose;
    case BoxReading::Unknown:
        break;
    }
    return BoxesUnknown;
}

Result<void> Document::forgetBoxes() {
    acceptedBox_.reset();
    setDrawingHabit({});
    return store_ ? memories_.forget(*store_) : Result<void>{};
}

// A memory is about a label of this name (its number may be given away again) and one model.
std::string Document::memoryOwner(LabelId label, const std::string& modelId) const {
    const LabelInfo* info = labels_.find(label);
    return modelId + "/" + (info ? info->name : std::string());
}

void Document::learnFromAcceptedBox() {
    if (!acceptedBox_)
        return;
    const AcceptedBox drawn = *std::exchange(acceptedBox_, std::nullopt);
    const SliceMask mask = sliceMask(edits_->labels(), drawn.slice, drawn.label);
    if (const auto& a = drawn.answer)
        if (auto example = exampleOf(a->logits, a->left, a->top, a->lean.get(), drawn.box, mask))
            memories_.add(*store_, drawn.label, drawn.slice.plane, memoryOwner(drawn.label, a->modelId),
                          *std::move(example));
    DrawingHabit habit = drawingHabit_;
    learnBox(habit, drawn.box, mask);
    if (habit == drawingHabit_)
        return;
    setDrawingHabit(habit);
    Q_EMIT drawingHabitLearned();
}

void Document::promptPoint(SliceKey slice, const PointPrompt& point) {
    if (readyToDraw())
        prompts_.addPoint(slice, point);
}

bool Document::beginScribble(SliceKey slice, const PointPrompt& start) {
    if (!readyToDraw())
        return false;
    prompts_.beginScribble(slice, start);
    return true;
}

void Document::removeLastPoint() {
    prompts_.removeLastPoint();
}

void Document::discardProposal() {
    prompts_.discard();
}

void Document::cancel() {
    if (stroke_)
        cancelStroke();
    else if (!prompts_.cancelScribble())
        discardProposal();
}

void Document::acceptProposal() {
    if (proposalState() != Ready || strokeInHand() || !readyToDraw())
        return;
    const SliceKey slice = prompts_.slice();
    const std::optional<SliceBox> box = prompts_.prompts().box;
    const PromptSession::BoxAnswer* kept = prompts_.boxAnswer();
    const auto answer = kept ? std::optional(*kept) : std::nullopt;
    const std::optional<SliceMask> mask = prompts_.accept();
    if (!mask)
        return;
    if (mask->empty())
        return Q_EMIT failed(
            tr("The proposal is empty, so nothing was changed. Try another box, or add a point."));
    learnFromAcceptedBox();
    if (box)
        acceptedBox_ = {slice, activeLabel_, *box, answer};
    edits_->whenSaved([this, slice, mask = *mask, label = activeLabel_] {
        Edit edit =
            editFromMask(edits_->labels(), slice, mask, label, EditSource::Proposal, labels_.locked());
        edit.title = titleOf("Proposal", label, slice);
        edits_->commit(std::move(edit));
    });
}

bool Document::commitPropagation(std::shared_ptr<const Propagation> propagation, LabelId label) {
    if (refuseIfReadOnly())
        return false;
    const LabelInfo* info = labels_.find(label);
    if (!info || info->locked) {
        Q_EMIT failed(tr("The label was locked or removed meanwhile, so the propagation was not written."));
        return false;
    }
    settleStroke();
    edits_->whenSaved([this, propagation = std::move(propagation), label, name = info->name] {
        Edit edit = editFromPropagation(edits_->labels(), *propagation, label, labels_.locked());
        edit.title = "Propagation, " + name;
        edits_->commit(std::move(edit));
    });
    return true;
}

// --- masks and labels

void Document::noteEdit(const Edit& edit) {
    std::set<LabelId> touched;
    for (const EditRun& run : edit.runs) {
        touched.insert({run.before});
        touched.insert({run.after});
    }
    touched.erase(LabelId{});
    for (LabelId id : touched) {
        if (labels_.find(id) || edits_->extent(id).voxels == 0)
            continue;
        // Undo brought back voxels of a label that was removed: the label comes back with them.
        const auto known = std::find_if(removedLabels_.begin(), removedLabels_.end(),
                                        [id](const LabelInfo& l) { return l.id == id; });
        storeLabel(known != removedLabels_.end() ? *known
                                                 : LabelInfo{id, tr("Label %1").arg(id.value).toStdString(),
                                                             labelColour(id), true, false});
    }
    const std::vector<LabelId> ids(touched.begin(), touched.end());
    labels_.refreshVolumes(ids);
    Q_EMIT voxelsChanged(ids);
    Q_EMIT masksChanged();
}

bool Document::hasMasks() const {
    const auto& all = labels_.labels();
    return edits_ && std::any_of(all.begin(), all.end(),
                                 [this](const LabelInfo& l) { return edits_->extent(l.id).voxels > 0; });
}

void Document::setMaskOpacity(double opacity) {
    maskOpacity_ = std::clamp(opacity, 0.0, 1.0);
    Q_EMIT masksChanged();
}

void Document::setMasksHidden(bool hidden) {
    if (hidden == masksHidden_)
        return;
    masksHidden_ = hidden;
    Q_EMIT masksHiddenChanged();
    Q_EMIT masksChanged();
}

void Document::loadLabels() {
    std::vector<LabelInfo> all;
    if (Result<std::vector<LabelInfo>> stored = store_->labels())
        all = std::move(*stored);
    else
        Q_EMIT failed(QString::fromStdString(stored.error().sentence));
    labels_.reset(std::move(all), [this](LabelId id) {
        return edits_ ? static_cast<double>(edits_->extent(id).voxels) * geometry().voxelVolumeMm3() / 1000
                      : 0.0;
    });
    for (LabelId id : edits_->present())
        if (!labels_.find(id))
            storeLabel({id, tr("Label %1").arg(id.value).toStdString(), labelColour(id), true, false});
    activeLabel_ = labels_.labels().empty() ? LabelId{} : labels_.labels().front().id;
    labelsChanged();
}

void Document::labelsChanged() {
    std::fill(labelColours_.begin(), labelColours_.end(), 0u);
    for (const LabelInfo& l : labels_.labels())
        if (l.visible)
            labelColours_[l.id.value] = 0xff000000u | (std::uint32_t{l.colour.r} << 16) |
                                        (std::uint32_t{l.colour.g} << 8) | l.colour.b;
    if (edits_)
        edits_->setLocked(labels_.locked());
    prompts_.setLabel(activeLabel_);
    Q_EMIT activeLabelChanged();
    Q_EMIT labelLooksChanged();
    Q_EMIT masksChanged();
}

bool Document::storeLabel(const LabelInfo& label) {
    if (refuse(store_->putLabel(label)))
        return false;
    labels_.put(label);
    labelsChanged();
    return true;
}

bool Document::changeLabel(int id, const std::function<void(LabelInfo&)>& change) {
    const LabelInfo* label = isOpen() ? labels_.find({static_cast<std::uint16_t>(id)}) : nullptr;
    if (!label)
        return false;
    LabelInfo changed = *label;
    change(changed);
    return storeLabel(changed);
}

int Document::addLabel(const QString& name) {
    if (!isOpen())
        return 0;
    const LabelId id = labels_.freeId();
    const QString given = name.trimmed().isEmpty() ? tr("Label %1").arg(id.value) : name.trimmed();
    if (!storeLabel({id, given.toStdString(), labelColour(id), true, false}))
        return 0;
    selectLabel(id.value);
    return id.value;
}

void Document::renameLabel(int id, const QString& name) {
    if (!name.trimmed().isEmpty())
        changeLabel(id, [&](LabelInfo& l) { l.name = name.trimmed().toStdString(); });
}

void Document::setLabelVisible(int id, bool visible) {
    changeLabel(id, [visible](LabelInfo& l) { l.visible = visible; });
}

void Document::setLabelLocked(int id, bool locked) {
    changeLabel(id, [locked](LabelInfo& l) { l.locked = locked; });
}

void Document::setLabelColour(int id, const QColor& c) {
    const auto part = [](int v) { return static_cast<std::uint8_t>(v); };
    changeLabel(id, [&](LabelInfo& l) { l.colour = {part(c.red()), part(c.green()), part(c.blue())}; });
}

void Document::selectLabel(int id) {
    const LabelId label{static_cast<std::uint16_t>(id)};
    if (!labels_.find(label) || label == activeLabel_)
        return;
    activeLabel_ = label;
    prompts_.setLabel(label);
    Q_EMIT activeLabelChanged();
}

void Document::removeLabel(int id) {
    const LabelId label{static_cast<std::uint16_t>(id)};
    const LabelInfo* info = isOpen() ? labels_.find(label) : nullptr;
    if (!info || refuseIfReadOnly())
        return;
    if (info->locked)
        return Q_EMIT failed(
            tr("The label “%1” is locked. Unlock it first.").arg(QString::fromStdString(info->name)));
    settleStroke();
    edits_->whenSaved([this, known = *info] {
        Edit edit{EditSource::DeleteLabel, {}, "Delete label " + known.name, {}};
        std::vector<std::uint16_t> voxels = edits_->labels().labels();
        std::replace(voxels.begin(), voxels.end(), known.id.value, std::uint16_t{0});
        if (Result<LabelMap> without = LabelMap::make(geometry(), std::move(voxels)))
            if (Result<Edit> runs = editToward(edits_->labels(), *without, EditSource::DeleteLabel, {}))
                edit.runs = std::move(runs->runs);
        edits_->commit(std::move(edit));
        edits_->whenSaved([this, known] {
            if (edits_->extent(known.id).voxels > 0 || refuse(store_->removeLabel(known.id)))
                return;
            removedLabels_.push_back(known);
            labels_.remove(known.id);
            if (activeLabel_ == known.id)
                activeLabel_ = labels_.labels().empty() ? LabelId{} : labels_.labels().front().id;
            labelsChanged();
        });
    });
}

void Document::showLabel(int id) {
    const LabelId label{static_cast<std::uint16_t>(id)};
    const LabelExtent e = isOpen() ? edits_->extent(label) : LabelExtent{};
    if (e.voxels > 0)
        setCursor({(e.first[0] + e.last[0]) / 2, (e.first[1] + e.last[1]) / 2, (e.first[2] + e.last[2]) / 2});
}

QString Document::activeLabelName() const {
    const LabelInfo* label = labels_.find(activeLabel_);
    return label ? QString::fromStdString(label->name) : QString();
}

QColor Document::activeLabelColour() const {
    const LabelInfo* label = labels_.find(activeLabel_);
    return label ? QColor(label->colour.r, label->colour.g, label->colour.b) : QColor(Qt::white);
}

} // namespace tandem
