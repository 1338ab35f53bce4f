#include "app/gui/document/prompt_session.h"

#include <QtCore/QCoreApplication>
#include <QtCore/QPointer>

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

// Runs `action` on the GUI thread if `self` still lives there by then. Thread: any.
template <class Receiver, class Action>
void post(QPointer<Receiver> self, Action action) {
    if (QCoreApplication* app = QCoreApplication::instance())
        QMetaObject::invokeMethod(
            app,
            [self, work = std::move(action)]() mutable {
                if (self)
                    work(*self);
            },
            Qt::QueuedConnection);
}

bool isQuestion(const Prompts& p) {
    if (p.box)
        return true;
    for (const PointPrompt& point : p.points)
        if (point.foreground)
            return true;
    return false; // background points alone name no object
}

struct StopAtEnd {
    std::stop_source source;
    ~StopAtEnd() { source.request_stop(); }
};

} // namespace

PromptSession::PromptSession(QObject* parent) : QObject(parent) {}

PromptSession::~PromptSession() {
    stop_.request_stop();
}

void PromptSession::setImage(std::shared_ptr<const Volume> volume, std::string imageHash, GreyWindow window) {
    endAnswer(false);
    clear();
    cancelScribble();
    Q_EMIT changed();
    volume_ = std::move(volume);
    imageHash_ = std::move(imageHash);
    window_ = window;
}

void PromptSession::setSegmenter(Segmenter* segmenter) {
    segmenter_ = segmenter;
    unavailable_.clear();
    if (segmenter_ && unasked_)
        ask();
}

void PromptSession::setUnavailable(const QString& sentence) {
    unavailable_ = sentence;
    if (unasked_)
        refuse();
}

void PromptSession::refuse() {
    clear();
    Q_EMIT failed(unavailable_);
    Q_EMIT changed();
}

void PromptSession::askAgain() {
    if (isQuestion(prompts_))
        ask();
}

SegmentRequest PromptSession::request(SliceKey slice) const {
    SegmentRequest asked{volume_, imageHash_, slice, window_, {prompts_}};
    asked.habit = habit_;
    asked.lean = lean_;
    asked.candidate = candidate_;
    return asked;
}

void PromptSession::startOn(SliceKey slice) {
    if (slice == slice_)
        return;
    endAnswer(false);
    clear();
    slice_ = slice;
}

void PromptSession::setBox(SliceKey slice, const SliceBox& box, bool keepPoints) {
    startOn(slice);
    if (!keepPoints) {
        endAnswer(false);
        clear();
    }
    prompts_.box = box;
    candidate_ = 0;
    ask();
}

void PromptSession::addPoint(SliceKey slice, const PointPrompt& point) {
    startOn(slice);
    prompts_.points.push_back(point);
    ask();
}

void PromptSession::removeLastPoint() {
    if (prompts_.points.empty())
        return;
    prompts_.points.pop_back();
    ask();
}

void PromptSession::nextCandidate() {
    if (state_ != State::Ready || working_ || candidates() < 2)
        return;
    candidate_ = (candidate_ + 1) % candidates();
    ask();
}

void PromptSession::beginScribble(SliceKey slice, const PointPrompt& start) {
    drawnOn_ = slice;
    drawn_ = start;
    Q_EMIT scribbleChanged();
}

void PromptSession::extendScribble(const Point<SlicePx>& at) {
    if (!drawn_)
        return;
    drawn_->along.push_back(at);
    Q_EMIT scribbleChanged();
}

void PromptSession::endScribble() {
    if (drawn_)
        addPoint(drawnOn_, *std::exchange(drawn_, std::nullopt));
    Q_EMIT scribbleChanged();
}

bool PromptSession::cancelScribble() {
    if (!std::exchange(drawn_, std::nullopt))
        return false;
    Q_EMIT scribbleChanged();
    return true;
}

void PromptSession::ask() {
    // Stopped when the new question is out: an encode that serves both goes on.
    const StopAtEnd before{std::exchange(stop_, std::stop_source())};
    const std::uint64_t question = ++question_;
    unasked_ = working_ = false;
    if (!isQuestion(prompts_)) {
        endAnswer(false);
        mask_.reset();
        state_ = State::None;
        return Q_EMIT changed();
    }
    if (!segmenter_ && !unavailable_.isEmpty())
        return refuse();
    state_ = State::Waiting;
    working_ = true;
    progress_ = 0;
    progressText_ = segmenter_ ? QString() : tr("Loading the network");
    unasked_ = !segmenter_;
    Q_EMIT changed();
    Q_EMIT progressChanged();
    if (!segmenter_)
        return;
    sinceAsked_.start();
    const QPointer<PromptSession> self(this);
    SegmentRequest asked = request(slice_);
    if (candidate_ == 0) // the quick network may mean other masks
        asked.sketch = [self, question](RequestId, std::vector<Proposal> sketch) {
            post(self, [question, given = std::move(sketch)](PromptSession& s) mutable {
                s.receiveSketch(question, std::move(given));
            });
        };
    segmenter_->submit(
        std::move(asked), stop_.get_token(),
        [self, question](double fraction, std::string_view sentence) {
            const QString text = QString::fromUtf8(sentence.data(), static_cast<qsizetype>(sentence.size()));
            post(self,
                 [question, fraction, text](PromptSession& s) { s.noteProgress(question, fraction, text); });
        },
        [self, question](RequestId, Result<std::vector<Proposal>> answer) {
            post(self, [question, given = std::move(answer)](PromptSession& s) mutable {
                s.receive(question, std::move(given));
            });
        });
}

void PromptSession::noteProgress(std::uint64_t question, double fraction, const QString& sentence) {
    if (question != question_ || !working_)
        return;
    progress_ = fraction;
    progressText_ = sentence;
    Q_EMIT progressChanged();
}

void PromptSession::receive(std::uint64_t question, Result<std::vector<Proposal>> answer) {
    if (question != question_ || !working_)
        return;
    working_ = false;
    if (!answer || answer->empty()) {
        state_ = mask_ ? State::Ready : State::None;
        if (!answer && answer.error().code != ErrorCode::Cancelled)
            Q_EMIT failed(QString::fromStdString(answer.error().sentence));
        return Q_EMIT changed();
    }
    show(std::move(answer->front()));
}

void PromptSession::receiveSketch(std::uint64_t question, std::vector<Proposal> sketch) {
    if (question == question_ && working_ && !sketch.empty())
        show(std::move(sketch.front()));
}

void PromptSession::show(Proposal proposal) {
    endAnswer(false);
    mask_ = proposal.mask();
    keepBoxAnswer(proposal);
    candidate_ %= proposal.candidates;
    answer_ = std::move(proposal);
    answer_.logits = {};
    answeredPrompts_ = prompts_;
    answerMs_ = static_cast<double>(sinceAsked_.nsecsElapsed()) / 1e6;
    state_ = State::Ready;
    Q_EMIT changed();
}

void PromptSession::keepBoxAnswer(const Proposal& p) {
    if (!prompts_.box || !prompts_.points.empty() || p.sketch || p.kind != CandidateKind::Likeliest)
        return;
    const SliceBox& b = *prompts_.box;
    const double w = (b.x1 - b.x0 + 1) / 2, h = (b.y1 - b.y0 + 1) / 2;
    const auto within = [](double v, std::int64_t size) {
        return std::clamp<std::int64_t>(std::llround(v), 0, size - 1);
    };
    BoxAnswer kept{b, {}, within(b.x0 - w, p.width), within(b.y0 - h, p.height), p.modelId, lean_};
    kept.logits.width = within(b.x1 + w, p.width) - kept.left + 1;
    kept.logits.height = within(b.y1 + h, p.height) - kept.top + 1;
    for (std::int64_t y = 0; y < kept.logits.height; ++y) {
        const auto row = p.logits.begin() + (kept.top + y) * p.width + kept.left;
        kept.logits.values.insert(kept.logits.values.end(), row, row + kept.logits.width);
    }
    boxAnswer_ = std::move(kept);
}

void PromptSession::endAnswer(bool accepted) {
    if (mask_ && ended_)
        ended_({slice_, label_, answeredPrompts_, answer_.modelId, answer_.predictedIou, accepted});
}

void PromptSession::clear() {
    stop_.request_stop();
    ++question_;
    unasked_ = working_ = false;
    prompts_ = {};
    candidate_ = 0;
    mask_.reset();
    boxAnswer_.reset();
    state_ = State::None;
}

// The next prompt is likely on the same slice: an encode that is under way must not be lost.
void PromptSession::goOnEncoding() {
    if (working_)
        prefetch(slice_);
}

void PromptSession::discard() {
    cancelScribble();
    goOnEncoding();
    endAnswer(false);
    clear();
    Q_EMIT changed();
}

std::optional<SliceMask> PromptSession::accept() {
    if (state_ != State::Ready || !mask_)
        return std::nullopt;
    goOnEncoding();
    endAnswer(true);
    std::optional<SliceMask> mask = std::move(mask_);
    clear();
    Q_EMIT changed();
    return mask;
}

void PromptSession::prefetch(SliceKey slice, std::vector<SliceKey> then) {
    if (!segmenter_ || !volume_)
        return;
    SegmentRequest wish{volume_, imageHash_, slice, window_, {}};
    wish.then = std::move(then);
    segmenter_->prefetch(std::move(wish));
}

std::vector<bool> PromptSession::readySlices(Plane plane, std::int64_t count) const {
    if (!segmenter_ || !volume_)
        return {};
    return segmenter_->readySlices({volume_, imageHash_, {plane, 0}, window_, {}}, count);
}

} // namespace tandem
