#pragma once

#include "app/gui/document/edit_session.h"
#include "app/gui/document/hand_stroke.h"
#include "app/gui/document/label_list.h"
#include "app/gui/document/prompt_session.h"
#include "core/image/volume.h"
#include "core/usecases/label_memories.h"
#include "core/usecases/project_store.h"
#include "core/usecases/segmenter.h"

#include <QtCore/QObject>
#include <QtCore/QTimer>
#include <QtCore/QVariantList>
#include <QtGui/QColor>

#include <memory>
#include <optional>
#include <vector>

namespace tandem {

struct Propagation;

/// One open case: its image, its masks, the tools that change them and the network's proposals. The views
/// show it, the window opens and closes it. Everything that is drawn goes through EditSession to the store;
/// what a person must know comes as a sentence from failed(). Thread: GUI.
class Document : public QObject {
    Q_OBJECT
    Q_PROPERTY(bool open READ isOpen NOTIFY openChanged)
    Q_PROPERTY(QString caseName READ caseName NOTIFY openChanged)
    /// The plane of an image that has one slice there and more elsewhere: a picture; -1 for a volume.
    Q_PROPERTY(int picturePlane READ picturePlane NOTIFY openChanged)
    Q_PROPERTY(bool readOnly READ readOnly NOTIFY readOnlyChanged)
    Q_PROPERTY(int cursorI READ cursorI NOTIFY cursorChanged)
    Q_PROPERTY(int cursorJ READ cursorJ NOTIFY cursorChanged)
    Q_PROPERTY(int cursorK READ cursorK NOTIFY cursorChanged)
    Q_PROPERTY(int activePlane READ activePlane WRITE setActivePlane NOTIFY activePlaneChanged)
    Q_PROPERTY(double windowLevel READ windowLevel WRITE setWindowLevel NOTIFY windowChanged)
    Q_PROPERTY(double windowWidth READ windowWidth WRITE setWindowWidth NOTIFY windowChanged)
    /// The lowest value is white: as the image asks for (MONOCHROME1), or as the eye likes it.
    Q_PROPERTY(bool windowInverted READ windowInverted WRITE setWindowInverted NOTIFY windowChanged)
    Q_PROPERTY(QVariantList presets READ presets NOTIFY openChanged)
    Q_PROPERTY(QString valueUnit READ valueUnit NOTIFY openChanged)
    Q_PROPERTY(Tool tool READ tool WRITE setTool NOTIFY toolChanged)
    Q_PROPERTY(double brushRadiusMm READ brushRadiusMm WRITE setBrushRadiusMm NOTIFY brushChanged)
    Q_PROPERTY(double minBrushRadiusMm READ minBrushRadiusMm NOTIFY brushChanged)
    Q_PROPERTY(double maxBrushRadiusMm READ maxBrushRadiusMm NOTIFY brushChanged)
    /// How far a voxel of a grown region may be from the one clicked on, in the image's unit.
    Q_PROPERTY(double growTolerance READ growTolerance WRITE setGrowTolerance NOTIFY growChanged)
    Q_PROPERTY(double minGrowTolerance READ minGrowTolerance NOTIFY growChanged)
    Q_PROPERTY(double maxGrowTolerance READ maxGrowTolerance NOTIFY growChanged)
    Q_PROPERTY(int activeLabel READ activeLabel WRITE selectLabel NOTIFY activeLabelChanged)
    Q_PROPERTY(QString activeLabelName READ activeLabelName NOTIFY activeLabelChanged)
    Q_PROPERTY(QColor activeLabelColour READ activeLabelColour NOTIFY activeLabelChanged)
    Q_PROPERTY(tandem::LabelList* labels READ labelList CONSTANT)
    Q_PROPERTY(double maskOpacity READ maskOpacity WRITE setMaskOpacity NOTIFY masksChanged)
    Q_PROPERTY(bool masksHidden READ masksHidden WRITE setMasksHidden NOTIFY masksHiddenChanged)
    Q_PROPERTY(bool hasMasks READ hasMasks NOTIFY masksChanged)
    Q_PROPERTY(ProposalState proposalState READ proposalState NOTIFY proposalChanged)
    Q_PROPERTY(double proposalIou READ proposalIou NOTIFY proposalChanged)
    Q_PROPERTY(double proposalMs READ proposalMs NOTIFY proposalChanged)
    /// The proposal is a sketch by the quick model.
    Q_PROPERTY(bool proposalIsSketch READ proposalIsSketch NOTIFY proposalChanged)
    /// What boxes are taken for, by how the person drew them before.
    Q_PROPERTY(BoxesDrawn boxesDrawn READ boxesDrawn NOTIFY drawingHabitChanged FINAL)
    /// Of the masks that the prompts may mean: which one the proposal is (0 the likeliest), what it is, how
    /// many.
    Q_PROPERTY(int candidate READ candidate NOTIFY proposalChanged)
    Q_PROPERTY(Candidate candidateKind READ candidateKind NOTIFY proposalChanged)
    Q_PROPERTY(int candidates READ candidates NOTIFY proposalChanged)
    /// The network is at work on the prompts; behind a sketch, too.
    Q_PROPERTY(bool proposalWorking READ proposalWorking NOTIFY proposalChanged)
    Q_PROPERTY(QString sketchName READ sketchName NOTIFY proposalChanged)
    Q_PROPERTY(int promptPoints READ promptPoints NOTIFY proposalChanged)
    Q_PROPERTY(double progress READ progress NOTIFY progressChanged)
    Q_PROPERTY(QString progressText READ progressText NOTIFY progressChanged)
    /// Slices of the active plane that the network answers at once, as runs along a strip whose top is the
    /// most superior, anterior or right slice: list of [start, length] in 0..1. Empty for networks that look
    /// at each object anew.
    Q_PROPERTY(QVariantList readyRuns READ readyRuns NOTIFY readyRunsChanged)
    Q_PROPERTY(bool canUndo READ canUndo NOTIFY historyChanged)
    Q_PROPERTY(bool canRedo READ canRedo NOTIFY historyChanged)
    Q_PROPERTY(QString undoTitle READ undoTitle NOTIFY historyChanged)
    Q_PROPERTY(QString redoTitle READ redoTitle NOTIFY historyChanged)
    Q_PROPERTY(bool saving READ saving NOTIFY savingChanged)
    Q_PROPERTY(QString modelName READ modelName NOTIFY modelChanged)
    Q_PROPERTY(bool modelKnowsPoints READ modelKnowsPoints NOTIFY modelChanged)

public:
    enum Tool { Navigate, Box, Points, Brush, Eraser, Lasso, Grow };
    Q_ENUM(Tool)
    enum BoxesDrawn { BoxesUnknown, BoxesTight, BoxesLoose };
    Q_ENUM(BoxesDrawn)
    enum ProposalState { None, Waiting, Ready };
    Q_ENUM(ProposalState)
    /// In the order of CandidateKind.
    enum Candidate { Likeliest, OtherSize, OtherBox, LookAlikes, Parts, OneObject };
    Q_ENUM(Candidate)

    explicit Document(QObject* parent = nullptr);
    ~Document() override;

    /// Shows a case. The image and the masks must share one grid, else failed() says so and nothing is
    /// opened. The store is kept until close(). The overview takes tenths of a second to find out: on a
    /// worker, beforehand.
    void open(const CaseRecord&, std::shared_ptr<const Volume>, LayerContent, std::shared_ptr<ProjectStore>,
              CaseOverview);
    /// The same, finding the overview out itself.
    void open(const CaseRecord&, std::shared_ptr<const Volume>, LayerContent, std::shared_ptr<ProjectStore>);
    /// Leaves the case; returns once everything that was drawn is on disk.
    void close();
    /// The case moved along (submitted, rejected ...): decides whether it can be drawn on.
    void setCaseState(CaseState);
    /// The network to ask; null while it is being loaded. Not owned, must outlive the document or be reset.
    void setSegmenter(Segmenter*);
    /// There will be no network: whoever asks for a proposal gets this sentence.
    void setSegmenterUnavailable(const QString& sentence) { prompts_.setUnavailable(sentence); }
    /// How the person draws boxes. That, and what the masks of a label have in common, is learned from each
    /// box whose proposal was accepted, when the next one is drawn or the case is left: until then the mask
    /// may still be corrected.
    const DrawingHabit& drawingHabit() const { return drawingHabit_; }
    void setDrawingHabit(const DrawingHabit&);
    /// Boxes are a stranger's again, and labels have no shape. Errors: the store's.
    Result<void> forgetBoxes();
    BoxesDrawn boxesDrawn() const;
    /// To be called when the segmenter has another model; asks it about the prompts that are there.
    void refreshModel();

    bool isOpen() const { return volume_ != nullptr; }
    int picturePlane() const;
    QString caseName() const { return QString::fromStdString(record_.name); }
    bool readOnly() const;
    const std::shared_ptr<const Volume>& volume() const { return volume_; }
    const Geometry& geometry() const { return volume_->geometry(); }
    /// Content hash of the image.
    const std::string& imageHash() const { return record_.image.contentHash; }
    EditSession* edits() const { return edits_.get(); }
    const PromptSession& prompts() const { return prompts_; }
    LabelList* labelList() { return &labels_; }

    const VoxelIndex& cursor() const { return cursor_; }
    void setCursor(const VoxelIndex&);
    int cursorI() const { return static_cast<int>(cursor_.i); }
    int cursorJ() const { return static_cast<int>(cursor_.j); }
    int cursorK() const { return static_cast<int>(cursor_.k); }
    SliceKey sliceOf(Plane) const;
    int activePlane() const { return activePlane_; }
    void setActivePlane(int);

    const GreyWindow& window() const { return window_; }
    void setWindow(const GreyWindow&);
    double windowLevel() const { return window_.level; }
    void setWindowLevel(double level) { setWindow({level, window_.width, window_.inverted}); }
    double windowWidth() const { return window_.width; }
    void setWindowWidth(double width) { setWindow({window_.level, width, window_.inverted}); }
    bool windowInverted() const { return window_.inverted; }
    void setWindowInverted(bool inverted) { setWindow({window_.level, window_.width, inverted}); }
    QVariantList presets() const;
    QString valueUnit() const; ///< "HU" or empty

    Tool tool() const { return tool_; }
    void setTool(Tool);
    double brushRadiusMm() const { return brushRadiusMm_; }
    void setBrushRadiusMm(double);
    double minBrushRadiusMm() const { return brushRangeMm_[0]; }
    double maxBrushRadiusMm() const { return brushRangeMm_[1]; }
    double growTolerance() const { return growTolerance_; }
    /// Also that of the region in the hand.
    void setGrowTolerance(double);
    double minGrowTolerance() const { return growRange_[0]; }
    double maxGrowTolerance() const { return growRange_[1]; }

    int activeLabel() const { return activeLabel_.value; }
    QString activeLabelName() const;
    QColor activeLabelColour() const;
    double maskOpacity() const { return maskOpacity_; }
    void setMaskOpacity(double);
    bool masksHidden() const { return masksHidden_; }
    void setMasksHidden(bool);
    bool hasMasks() const;
    /// 0xffRRGGBB of every label number, 0 for hidden ones; 65,536 entries.
    const std::vector<std::uint32_t>& labelColours() const { return labelColours_; }

    ProposalState proposalState() const;
    double proposalIou() const { return prompts_.predictedIou(); }
    double proposalMs() const { return prompts_.answerMs(); }
    bool proposalIsSketch() const { return prompts_.isSketch(); }
    int candidate() const { return prompts_.candidate(); }
    Candidate candidateKind() const { return static_cast<Candidate>(prompts_.candidateKind()); }
    int candidates() const { return prompts_.candidates(); }
    bool proposalWorking() const { return prompts_.working(); }
    QString sketchName() const;
    const QVariantList& readyRuns() const { return readyRuns_; }
    int promptPoints() const { return static_cast<int>(prompts_.prompts().points.size()); }
    double progress() const { return prompts_.progress(); }
    QString progressText() const { return prompts_.progressText(); }

    bool canUndo() const { return edits_ && edits_->canUndo(); }
    bool canRedo() const { return edits_ && edits_->canRedo(); }
    QString undoTitle() const { return edits_ ? edits_->undoTitle() : QString(); }
    QString redoTitle() const { return edits_ ? edits_->redoTitle() : QString(); }
    bool saving() const { return edits_ && edits_->saving(); }
    QString modelName() const;
    bool modelKnowsPoints() const;

    // The tools, in slice coordinates; the views call these.

    /// Asks for the object in a box. `keepPoints`: the box was moved or resized.
    void promptBox(SliceKey, const SliceBox&, bool keepPoints);
    void promptPoint(SliceKey, const PointPrompt&);
    /// A click that becomes a scribble when it is extended. False (and a sentence) if the case or the label
    /// refuses.
    bool beginScribble(SliceKey, const PointPrompt&);
    void extendScribble(const Point<SlicePx>& at) { prompts_.extendScribble(at); }
    void endScribble() { prompts_.endScribble(); }
    /// A stroke of the brush or the eraser; `eraseAny`: every unlocked label, not only the active one.
    /// False (and a sentence) if the case or the label refuses.
    bool beginStroke(SliceKey, const Point<SlicePx>&, bool erase, bool eraseAny);
    /// A line round what is written into the active label, or taken out of it. Refuses as beginStroke.
    bool beginLasso(SliceKey, const Point<SlicePx>&, bool erase);
    /// The region like the voxel at a point: what is not labelled yet goes into the active label; to erase,
    /// what goes out of it. Refuses as beginStroke. The point must lie on the slice.
    bool beginGrow(SliceKey, const Point<SlicePx>&, bool erase);
    void extendStroke(const Point<SlicePx>&);
    /// The mouse let go: the stroke becomes an edit, at once or when the one before it is on disk.
    void endStroke();
    /// Drops the stroke in the hand.
    void cancelStroke();
    /// The stroke in the hand; null if none is drawn yet.
    const HandStroke* stroke() const { return stroke_ && stroke_->begun() ? &*stroke_ : nullptr; }
    /// Whether a stroke or a scribble is being drawn: its slice stays in view.
    bool strokeInHand() const { return stroke_.has_value() || prompts_.scribbling(); }
    /// Writes a label that was propagated as one edit, where nothing is labelled yet. False (and a sentence)
    /// if the case or the label refuses.
    bool commitPropagation(std::shared_ptr<const Propagation>, LabelId);
    /// Whether the active label may be drawn on now; makes a first label if there is none; else says why not.
    bool readyToDraw();

    Q_INVOKABLE void undo();
    Q_INVOKABLE void redo();
    /// Shows the next of the masks that the prompts may mean.
    Q_INVOKABLE void nextCandidate() { prompts_.nextCandidate(); }
    Q_INVOKABLE void acceptProposal();
    Q_INVOKABLE void discardProposal();
    /// Escape: drops the stroke or scribble in the hand, else the prompts.
    Q_INVOKABLE void cancel();
    /// Takes the last click or scribble back.
    Q_INVOKABLE void removeLastPoint();
    Q_INVOKABLE void setSlice(int plane, int index);
    /// n slices towards superior, anterior or the patient's right.
    Q_INVOKABLE void stepSlice(int plane, int n);
    Q_INVOKABLE int sliceCount(int plane) const;
    /// Where a slice stands on a strip (see readyRuns): its upper end in 0..1.
    Q_INVOKABLE double stripPlace(int plane, int index) const;
    Q_INVOKABLE void applyPreset(int index);
    /// Makes the tool larger: the brush, or the tolerance of the growing region.
    Q_INVOKABLE void stepToolSize(int steps);
    /// The new label's number, 0 if the store refused. An empty name becomes "Label N".
    Q_INVOKABLE int addLabel(const QString& name = {});
    Q_INVOKABLE void renameLabel(int id, const QString& name);
    Q_INVOKABLE void setLabelVisible(int id, bool visible);
    Q_INVOKABLE void setLabelLocked(int id, bool locked);
    Q_INVOKABLE void setLabelColour(int id, const QColor&);
    /// Deletes a label and its voxels (as an edit that can be undone).
    Q_INVOKABLE void removeLabel(int id);
    Q_INVOKABLE void selectLabel(int id);
    /// Moves the crosshair to the middle slice of a label's extent.
    Q_INVOKABLE void showLabel(int id);

Q_SIGNALS:
    void failed(const QString& sentence);
    /// A change of the masks is on disk.
    void edited();
    void openChanged();
    void readOnlyChanged();
    void cursorChanged();
    void activePlaneChanged();
    void windowChanged();
    void toolChanged();
    void brushChanged();
    void growChanged();
    void activeLabelChanged();
    /// Voxels, colours or the stroke in the hand look different.
    void masksChanged();
    /// Voxels of these labels changed (not the stroke in the hand): for surfaces and figures.
    void voxelsChanged(const std::vector<tandem::LabelId>& labels);
    /// Labels came, went, or have another colour or visibility.
    void labelLooksChanged();
    void masksHiddenChanged();
    void proposalChanged();
    void scribbleChanged();
    void progressChanged();
    void readyRunsChanged();
    void historyChanged();
    void savingChanged();
    void modelChanged();
    void drawingHabitChanged();
    /// From a box; not by setDrawingHabit.
    void drawingHabitLearned();

private:
    struct AcceptedBox {
        SliceKey slice;
        LabelId label;
        SliceBox box;
        std::optional<PromptSession::BoxAnswer> answer;
    };
    std::string memoryOwner(LabelId, const std::string& modelId) const;
    struct Preset {
        QString name;
        GreyWindow window;
    };
    void connectEdits();
    void makePresets(const CaseOverview&);
    void fitBrush();
    void fitGrow();
    bool startStroke(SliceKey, const Point<SlicePx>&, StrokeTip, StrokeRule);
    void loadLabels();
    void labelsChanged();
    bool storeLabel(const LabelInfo&);
    bool changeLabel(int id, const std::function<void(LabelInfo&)>& change);
    void noteEdit(const Edit&);
    void recordPrompt(const PromptRecord&);
    bool refuse(const Result<void>&);
    bool refuseIfReadOnly();
    std::string titleOf(const char* what, LabelId, SliceKey) const;
    void noteScrolling();
    void prefetchAround();
    void refreshReady();
    void learnFromAcceptedBox();
    void finishStroke();
    void settleStroke();

    CaseRecord record_;
    std::shared_ptr<const Volume> volume_;
    std::shared_ptr<ProjectStore> store_;
    std::unique_ptr<EditSession> edits_;
    PromptSession prompts_;
    DrawingHabit drawingHabit_;
    LabelMemories memories_;
    std::optional<AcceptedBox> acceptedBox_; ///< the last one, not yet learned from
    LabelList labels_;
    Segmenter* segmenter_ = nullptr;

    VoxelIndex cursor_;
    int activePlane_ = 0;
    GreyWindow window_;
    std::vector<Preset> presets_;
    bool hounsfield_ = false;
    Tool tool_ = Navigate;
    double brushRadiusMm_ = 5;
    std::array<double, 2> brushRangeMm_{0.5, 50};
    double growTolerance_ = 25;
    std::array<double, 2> growRange_{0.4, 400};
    LabelId activeLabel_;
    std::vector<LabelInfo> removedLabels_; ///< of this session: undo brings them back
    std::vector<std::uint32_t> labelColours_;
    double maskOpacity_ = 0.35;
    bool masksHidden_ = false;
    std::optional<HandStroke> stroke_;
    bool strokeReleased_ = false; ///< the mouse let go before the stroke could begin
    std::uint64_t strokeNumber_ = 0;
    QTimer prefetchTimer_;
    QTimer readyTimer_;
    QVariantList readyRuns_;
    SliceKey lastSlice_;      ///< of the active plane
    int scrollDirection_ = 0; ///< sign of the last step along the slice axis
};

} // namespace tandem
