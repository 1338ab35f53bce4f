#include "core/measure/logistic.h"
#include "inference/predict/focus.h"
#include "inference/predict/focus_correction.h"
#include "inference/predict/refiner_view.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr int fine = correctionCells;
constexpr float certain = 10.0F;  // logit where a click stands, and (negative) outside the crop
constexpr float nowhere = -1e30F; // where a grid does not reach

// Values on one grid brought to the cells of another; `nowhere` beyond the first one.
std::vector<float> regrid(std::span<const float> v, const CropGrid& from, const CropGrid& to) {
    const CropGrid seen{(from.left - to.left) / to.stepX - 0.5,
                        (from.top - to.top) / to.stepY - 0.5,
                        from.stepX / to.stepX,
                        from.stepY / to.stepY,
                        from.width,
                        from.height};
    return unsampleGrid(v, seen, to.width, to.height, nowhere);
}

// Takes the values of `over` wherever it has some.
void lay(std::span<const float> over, std::vector<float>& under) {
    for (std::size_t i = 0; i < under.size(); ++i)
        if (over[i] != nowhere)
            under[i] = over[i];
}

// Clicks and scribbles win at their own pixels, a later one over an earlier.
void setPixels(std::vector<float>& logits, const SliceImage& slice, const std::vector<PointPrompt>& prompts) {
    const std::vector<std::uint8_t> decided = decidedPixels(prompts, slice.width, slice.height);
    for (std::size_t i = 0; i < decided.size(); ++i)
        if (decided[i])
            logits[i] = decided[i] == 1 ? certain : -certain;
}

void addTo(std::vector<float>& logits, const std::vector<float>& more) {
    for (std::size_t i = 0; i < logits.size(); ++i)
        logits[i] += more[i];
}

void addOffset(std::vector<float>& logits, double offset) {
    for (float& v : logits)
        v += static_cast<float>(offset);
}

// How far the mask stays away from the sides of its box: mean over the sides, in units of the box's side.
double gapToBox(const std::vector<float>& logits, const CropGrid& g, const SliceBox& b) {
    double x0 = b.x1, y0 = b.y1, x1 = b.x0, y1 = b.y0;
    for (int j = 0; j < g.height; ++j)
        for (int i = 0; i < g.width; ++i)
            if (logits[static_cast<std::size_t>(j * g.width + i)] > 0) {
                x0 = std::min(x0, g.centreX(i));
                x1 = std::max(x1, g.centreX(i));
                y0 = std::min(y0, g.centreY(j));
                y1 = std::max(y1, g.centreY(j));
            }
    const double w = b.x1 - b.x0 + 1, h = b.y1 - b.y0 + 1;
    return (std::max(0.0, x0 - b.x0) / w + std::max(0.0, b.x1 - x1) / w + std::max(0.0, y0 - b.y0) / h +
            std::max(0.0, b.y1 - y1) / h) /
           4;
}

// A network hedges about how loose a box is: inside a tight one it draws too little and errs more than the
// box's prior does. Its own mask tells: where it reaches the box's sides and the network is not sure of it, a
// constant and the prior are added.
void trustTightBox(FocusReply& reply, const std::vector<float>& prior, const FocusCrop& crop, int maskSize,
                   const FocusSettings& s) {
    if (s.priorWeight <= 0 && s.tightOffset == 0)
        return;
    const double gap = gapToBox(reply.logits, crop.grid(maskSize), crop.box);
    const double unsure =
        std::clamp((s.sureIou - reply.predictedIou) / std::max(s.sureIou - s.unsureIou, 1e-6), 0.0, 1.0);
    const double share = unsure * std::exp(-gap * gap / (s.priorReach * s.priorReach));
    for (std::size_t i = 0; i < reply.logits.size(); ++i)
        reply.logits[i] += static_cast<float>(share * (s.tightOffset + s.priorWeight * prior[i]));
}

// An object fills a box that lies tightly round it. What the network holds back is added until its mask comes
// near the box's sides: at most as much as makes a pixel of 0.27 count.
void reachBox(std::vector<float>& logits, const CropGrid& grid, const SliceBox& box) {
    constexpr double step = 0.1, near = 0.02; // of a logit; of a box's side
    for (int most = 10; most > 0 && gapToBox(logits, grid, box) > near; --most)
        addOffset(logits, step);
}

// Intersection over union of two masks given as logits; 1 for two empty ones.
float overlapOf(const std::vector<float>& a, const std::vector<float>& b) {
    std::size_t both = 0, any = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        both += a[i] > 0 && b[i] > 0;
        any += a[i] > 0 || b[i] > 0;
    }
    return any == 0 ? 1 : static_cast<float>(both) / static_cast<float>(any);
}

std::vector<float> clipped(std::vector<float> logits) {
    for (float& v : logits)
        v = std::clamp(v, -certain, certain);
    return logits;
}

} // namespace

// What a refiner is asked about an object, and what it said last.
struct RefinerTalk {
    FocusCrop crop;
    RefinerView view;
    RefinerClicks clicks;
    std::vector<float> start, prior, latest;
};

struct FocusMemory::State {
    std::vector<float> prior;
    FocusQuestion question;
    FocusReply reply;
    FocusCorrection correction;
    std::optional<RefinerTalk> refiner; // from the first prompt on, if there is one
    std::vector<PointPrompt> points;    // that `now` has heard of
    std::vector<float> now;             // logits on the correction's grid
    double clickEvidence = 0;
};

FocusMemory::FocusMemory() = default;
FocusMemory::FocusMemory(FocusMemory&&) noexcept = default;
FocusMemory& FocusMemory::operator=(FocusMemory&&) noexcept = default;
FocusMemory::~FocusMemory() = default;

namespace {

// Whether what is remembered leads to an answer for these prompts: its points are the first of theirs, and
// its refiner looks where it would look now.
bool goesOn(const FocusMemory::State& s, const FocusCrop& crop, const Prompts& asked,
            const FocusNetwork& network) {
    const bool sameStart = s.points.size() <= asked.points.size() &&
                           std::equal(s.points.begin(), s.points.end(), asked.points.begin());
    return sameStart &&
           (!s.refiner || s.refiner->crop == refinerCrop(crop, asked.points, network.refinerCropScale));
}

// One object's way from the box to its latest prompt.
class Conversation {
public:
    Conversation(FocusMemory::State& state, const SliceImage& slice, const FocusCrop& crop,
                 const Prompts& all, int maskSize, const FocusSettings& settings, const FocusNetwork& network)
        : s_(state), slice_(slice), crop_(crop), all_(all), maskSize_(maskSize), settings_(settings),
          network_(network) {}

    void begin() {
        ask();
        apply();
    }
    void hear(const PointPrompt& p) {
        s_.clickEvidence += std::pow(0.5, static_cast<double>(s_.points.size())) * likelihoodOf(p);
        if (network_.refine && !s_.refiner)
            s_.refiner = beginRefining();
        correct(p);
        s_.points.push_back(p);
        if (network_.refine)
            refine(p);
    }

private:
    void correct(const PointPrompt& p) {
        s_.correction.add(p, s_.now);
        if (settings_.networkClicks) {
            for (const Point<SlicePx>& along : pointsAlong(p, clicksOfScribble)) {
                const Point<ModelPx> at = crop_.modelFromSlice(along);
                s_.question.clicks.push_back({at[0], at[1], p.foreground});
            }
            s_.question.maskPrompt = clipped(std::move(s_.reply.logits));
            ask();
        }
        apply();
    }
    void refine(const PointPrompt& p) {
        RefinerTalk& talk = *s_.refiner;
        const CropGrid grid = talk.crop.grid(talk.view.cells);
        talk.clicks.add(promptOnGrid(p, grid));
        const std::vector<float> corrected = regrid(s_.now, crop_.grid(fine), grid);
        talk.latest =
            mixed(corrected, network_.refine({talk.view, talk.clicks, talk.start, talk.prior, talk.latest}));
        lay(regrid(talk.latest, grid, crop_.grid(fine)),
            s_.now); // beyond its square the corrected mask stands
    }
    // The refiner is the better of the two once it has heard a few clicks. After the first it may leap to a
    // wrong idea of what is meant, above all in a picture full of alike parts, where both then disagree.
    std::vector<float> mixed(const std::vector<float>& corrected, const std::vector<float>& refined) const {
        constexpr double wholePicture = 0.85;
        float share = 1 - std::pow(0.6F, static_cast<float>(s_.points.size()));
        const double longer = std::max(crop_.box.x1 - crop_.box.x0, crop_.box.y1 - crop_.box.y0) + 1;
        if (longer > wholePicture * static_cast<double>(std::max(slice_.width, slice_.height)))
            share *= std::clamp((overlapOf(corrected, refined) - 0.5F) / 0.3F, 0.0F, 1.0F);
        std::vector<float> mix(corrected.size());
        for (std::size_t i = 0; i < mix.size(); ++i)
            mix[i] = logit(share * logistic(refined[i]) + (1 - share) * logistic(corrected[i]), 1e-4F);
        return mix;
    }
    RefinerTalk beginRefining() const {
        const FocusCrop crop = refinerCrop(crop_, all_.points, network_.refinerCropScale);
        const int cells = refinerCells(crop, network_.refinerCells);
        const CropGrid grid = crop.grid(cells);
        return {crop,
                refinerView(slice_, crop, cells),
                RefinerClicks(cells),
                regrid(s_.reply.logits, crop_.grid(maskSize_), grid),
                regrid(s_.prior, crop_.grid(maskSize_), grid),
                regrid(s_.now, crop_.grid(fine), grid)};
    }
    // Log probability of a prompt under the mask that it finds; a scribble's as the mean along it.
    double likelihoodOf(const PointPrompt& p) const {
        const auto cell = [](double v) {
            return static_cast<std::size_t>(std::clamp(std::round(v), 0.0, fine - 1.0));
        };
        double sum = 0;
        const std::vector<Point<SlicePx>> along =
            pointsAlong(promptOnGrid(p, crop_.grid(fine)), clicksOfScribble);
        for (const Point<SlicePx>& at : along) {
            const double logit = s_.now[cell(at[1]) * fine + cell(at[0])];
            sum += logistic(p.foreground ? logit : -logit);
        }
        return std::log(std::max(sum / static_cast<double>(along.size()), 0.05));
    }
    void ask() {
        s_.reply = network_.decode(s_.question);
        addOffset(s_.reply.logits, settings_.logitOffset);
        trustTightBox(s_.reply, s_.prior, crop_, maskSize_, settings_);
        if (settings_.lean)
            addTo(s_.reply.logits, settings_.lean->on(crop_.grid(maskSize_), crop_.box));
        if (settings_.exactBox)
            reachBox(s_.reply.logits, crop_.grid(maskSize_), crop_.box);
    }
    void apply() {
        s_.now = s_.correction.apply(regrid(s_.reply.logits, crop_.grid(maskSize_), crop_.grid(fine)));
    }

    FocusMemory::State& s_;
    const SliceImage& slice_;
    const FocusCrop& crop_;
    const Prompts& all_; // of the object
    int maskSize_;
    const FocusSettings& settings_;
    const FocusNetwork& network_;
};

} // namespace

FocusAnswer answerFocus(const SliceImage& slice, const FocusCrop& crop, const Prompts& prompts, int maskSize,
                        const FocusSettings& settings, const FocusNetwork& network, FocusMemory* memory) {
    std::unique_ptr<FocusMemory::State> state;
    if (memory && memory->state_ && goesOn(*memory->state_, crop, prompts, network))
        state = std::move(memory->state_); // gone for now: what ends half way leaves nothing behind
    if (!state) {
        std::vector<float> prior = priorMask(slice, crop, maskSize);
        FocusQuestion question{crop.modelBox(), {}, prior};
        state = std::make_unique<FocusMemory::State>(FocusMemory::State{
            std::move(prior), std::move(question), {}, FocusCorrection(slice, crop, settings), {}, {}, {}});
        Conversation(*state, slice, crop, prompts, maskSize, settings, network).begin();
    }
    Conversation conversation(*state, slice, crop, prompts, maskSize, settings, network);
    for (std::size_t n = state->points.size(); n < prompts.points.size(); ++n)
        conversation.hear(prompts.points[n]);
    FocusAnswer answer{unsampleGrid(state->now, crop.grid(fine), slice.width, slice.height, -certain),
                       state->reply.predictedIou, state->clickEvidence};
    if (const auto& talk = state->refiner) // that is finer
        lay(unsampleGrid(talk->latest, talk->crop.grid(talk->view.cells), slice.width, slice.height, nowhere),
            answer.logits);
    setPixels(answer.logits, slice, prompts.points);
    if (memory)
        memory->state_ = std::move(state);
    return answer;
}

} // namespace tandem
