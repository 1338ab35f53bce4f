#pragma once

#include "core/usecases/label_lean.h"
#include "core/usecases/project_store.h"
#include "core/usecases/segmenter.h"

#include <QtCore/QElapsedTimer>
#include <QtCore/QObject>
#include <QtCore/QString>

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace tandem {

/// The prompts of one object on one slice and the network's answer to them. Every change of the prompts asks
/// again and supersedes the question before; answers to superseded questions are dropped. Where the network
/// is slow, a sketch by a quick one is shown first, and its answer replaces it unless the prompts were
/// accepted, changed or let go by then. Thread: GUI.
class PromptSession : public QObject {
    Q_OBJECT
public:
    enum class State { None, Waiting, Ready };
    /// Called for every answered set of prompts at its end: accepted, discarded or superseded.
    using Ended = std::function<void(const PromptRecord&)>;

    explicit PromptSession(QObject* parent = nullptr);
    ~PromptSession() override;

    /// What later questions are about. `window`: the grey window for networks that need one.
    void setImage(std::shared_ptr<const Volume>, std::string imageHash, GreyWindow window);
    void setWindow(GreyWindow window) { window_ = window; }
    /// Null while the network is being loaded: questions wait for it. Not owned.
    void setSegmenter(Segmenter*);
    /// There will be none: prompts that wait are let go, and later ones are answered with this sentence.
    void setUnavailable(const QString& sentence);
    /// The network is another one now: asks anew about the prompts that are there.
    void askAgain();
    /// The label that the prompts are meant for; for the record.
    void setLabel(LabelId label) { label_ = label; }
    void setEnded(Ended ended) { ended_ = std::move(ended); }
    /// How the person draws boxes; goes with later questions.
    void setDrawingHabit(const DrawingHabit& habit) { habit_ = habit; }
    /// What masks of the label have in common; goes with later questions. May be null.
    void setLean(std::shared_ptr<const BoxLean> lean) { lean_ = std::move(lean); }
    /// What the network in use said of a box, before any click.
    struct BoxAnswer {
        SliceBox box;
        SliceImage logits;              ///< of the box and half its lengths around it
        std::int64_t left = 0, top = 0; ///< where that lies on the slice
        std::string modelId;
        std::shared_ptr<const BoxLean> lean; ///< what is contained already
    };
    /// Of the box that is there; null if it was not answered (or by the quick network alone) before a click.
    const BoxAnswer* boxAnswer() const {
        return boxAnswer_ && boxAnswer_->box == prompts_.box ? &*boxAnswer_ : nullptr;
    }

    /// A new box; with `keepPoints` (a box that was moved or resized) the points stay. Another slice starts
    /// anew.
    void setBox(SliceKey, const SliceBox&, bool keepPoints);
    void addPoint(SliceKey, const PointPrompt&);
    /// Takes the last click or scribble back.
    void removeLastPoint();
    /// A click, or the beginning of a scribble: which one shows when the mouse lets go.
    void beginScribble(SliceKey, const PointPrompt&);
    void extendScribble(const Point<SlicePx>&);
    /// Adds what was drawn to the prompts of its slice.
    void endScribble();
    /// Drops the scribble in the hand. @return whether there was one
    bool cancelScribble();
    bool scribbling() const { return drawn_.has_value(); }
    /// The prompt in the hand if it is on this slice, else null.
    const PointPrompt* scribbleOn(SliceKey slice) const {
        return drawn_ && drawnOn_ == slice ? &*drawn_ : nullptr;
    }
    /// Asks for the next of the masks that the prompts may mean; after the last comes the likeliest again.
    /// Clicks that follow are about that one. Nothing unless Ready with more than one.
    void nextCandidate();
    /// Lets the prompts go, unaccepted.
    void discard();
    /// Hands the proposal out as accepted and lets the prompts go; empty unless Ready.
    std::optional<SliceMask> accept();
    /// Prepares a slice's embedding, then those of the others, while nobody asks.
    void prefetch(SliceKey, std::vector<SliceKey> then = {});
    /// Which slices 0..count-1 of a plane the network can answer at once; empty if it cannot tell.
    std::vector<bool> readySlices(Plane, std::int64_t count) const;

    State state() const { return state_; }
    SliceKey slice() const { return slice_; }
    const Prompts& prompts() const { return prompts_; }
    /// The proposed mask on slice(); null unless there is one. While a newer question waits it is the older
    /// answer.
    const SliceMask* mask() const { return mask_ ? &*mask_ : nullptr; }
    /// Whether mask() is by the quick model alone.
    bool isSketch() const { return mask_ && answer_.sketch; }
    /// Whether the network is at work on the prompts that are there; with a sketch, the state is Ready
    /// meanwhile.
    bool working() const { return working_; }
    double predictedIou() const { return answer_.predictedIou; }
    /// Of the masks that the prompts may mean: which one mask() is (0 the likeliest), what that is, how many.
    int candidate() const { return candidate_; }
    CandidateKind candidateKind() const { return answer_.kind; }
    int candidates() const { return mask_ ? answer_.candidates : 1; }
    double answerMs() const { return answerMs_; }
    double progress() const { return progress_; }
    QString progressText() const { return progressText_; }

Q_SIGNALS:
    void changed();
    void scribbleChanged();
    void progressChanged();
    void failed(const QString& sentence);

private:
    SegmentRequest request(SliceKey) const;
    void startOn(SliceKey);
    void ask();
    void refuse();
    void receive(std::uint64_t question, Result<std::vector<Proposal>>);
    void receiveSketch(std::uint64_t question, std::vector<Proposal>);
    void show(Proposal);
    void keepBoxAnswer(const Proposal&);
    void goOnEncoding();
    void noteProgress(std::uint64_t question, double fraction, const QString& sentence);
    void endAnswer(bool accepted);
    void clear();

    Segmenter* segmenter_ = nullptr;
    std::shared_ptr<const Volume> volume_;
    std::string imageHash_;
    GreyWindow window_;
    Ended ended_;
    LabelId label_;
    DrawingHabit habit_;
    std::shared_ptr<const BoxLean> lean_;
    std::optional<BoxAnswer> boxAnswer_;

    State state_ = State::None;
    SliceKey slice_;
    Prompts prompts_;
    Prompts answeredPrompts_;
    SliceKey drawnOn_;
    std::optional<PointPrompt> drawn_; ///< the click or scribble in the hand
    Proposal answer_;                  ///< without its logits
    std::optional<SliceMask> mask_;
    int candidate_ = 0; ///< that is asked for
    std::uint64_t question_ = 0;
    QString unavailable_;  ///< why there is no network; empty while there is or may be one
    bool working_ = false; ///< the answer to the newest question is not there yet
    bool unasked_ = false; ///< prompts wait for the network to be loaded
    std::stop_source stop_;
    QElapsedTimer sinceAsked_;
    double answerMs_ = 0;
    double progress_ = 0;
    QString progressText_;
};

} // namespace tandem
