#include "inference/predict/predictor.h"

#include "core/measure/contrast_grey.h"
#include "core/measure/logistic.h"
#include "core/measure/overlap.h"
#include "core/measure/parts_answer.h"
#include "core/measure/retinal_vessels.h"
#include "inference/predict/box_reading.h"
#include "inference/predict/candidates.h"
#include "inference/predict/clicks.h"
#include "inference/predict/embedding_store.h"
#include "inference/predict/engine.h"
#include "inference/predict/focus.h"
#include "inference/predict/focus_box.h"
#include "inference/predict/focus_settings.h"
#include "inference/predict/refiner_view.h"
#include "inference/predict/whole_slice.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <list>
#include <sstream>

namespace tandem::predict {
namespace {

using Clock = std::chrono::steady_clock;

double millisecondsSince(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

bool isFinite(const Prompts& object) {
    bool finite = true;
    if (object.box)
        for (const double v : {object.box->x0, object.box->y0, object.box->x1, object.box->y1})
            finite = finite && std::isfinite(v);
    for (const PointPrompt& p : object.points)
        for (const Point<SlicePx>& at : verticesOf(p))
            finite = finite && std::isfinite(at[0]) && std::isfinite(at[1]);
    return finite;
}

// What is wrong with an object's prompts, in words; empty if nothing.
std::string problemOf(const Prompts& object) {
    if (!isFinite(object))
        return "A prompt's place is not a number.";
    if (object.box && (object.box->x1 < object.box->x0 || object.box->y1 < object.box->y0))
        return "The box is inside out: its last column or row comes before its first.";
    const bool anyForeground = std::any_of(object.points.begin(), object.points.end(),
                                           [](const PointPrompt& p) { return p.foreground; });
    if (!object.box && !anyForeground)
        return "An object needs a box or at least one foreground click.";
    return {};
}

// What the network predicts is the IoU of its mask for the box, not of what clicks have made of it.
float iouAfterClicks(const std::vector<float>& logits, const FocusSettings& s) {
    return static_cast<float>(logistic(s.iouBias + s.iouGain * logit(expectedIou(logits), 0.01)));
}

std::string keyOf(const std::string& modelId, const SegmentRequest& request, const std::string& rest) {
    if (request.imageHash.empty())
        return {}; // an image without a name cannot be told from another one
    std::ostringstream key;
    key << modelId << '/' << request.imageHash << '/' << planeName(request.slice.plane) << '/'
        << request.slice.index << '/' << rest;
    return key.str();
}

} // namespace

std::string SliceKeys::of(const SegmentRequest& request) const {
    if (!wholeSlices || !request.volume)
        return {};
    std::ostringstream window;
    window.precision(17);
    window << request.window.level << '/' << request.window.width << '/' << request.window.inverted;
    return keyOf(modelId, request, request.volume->components() == 3 ? "colour" : window.str());
}

class Predictor::Work {
public:
    Work(checkpoint::Model model, std::string id, std::shared_ptr<EmbeddingStore> store,
         Arithmetic arithmetic, std::optional<Accelerator> accelerator)
        : engine_(std::move(model), arithmetic, accelerator), id_(std::move(id)), store_(std::move(store)),
          usesPoints_(checkpoint::trainedForPoints(engine_.model())),
          focus_(focusSettingsFrom(engine_.model().configJson)) {}

    Result<std::vector<Proposal>> predict(const SegmentRequest& request, const Watch& watch) {
        return guarded([&]() -> Result<std::vector<Proposal>> {
            const auto slice = sliceOf(request);
            if (!slice)
                return slice.error();
            for (const Prompts& object : request.objects)
                if (std::string problem = problemOf(object); !problem.empty())
                    return Error{ErrorCode::InvalidArgument, std::move(problem)};
            return isFocus() ? predictFocus(request, *slice, watch) : predictWhole(request, *slice, watch);
        });
    }

    SliceKeys sliceKeys() const { return {id_, !isFocus()}; }

    Result<void> prepare(const SegmentRequest& request, const Watch& watch) {
        return guarded([&]() -> Result<void> {
            if (isFocus())
                return {};
            const auto slice = sliceOf(request);
            if (!slice)
                return slice.error();
            double encodeMs = 0;
            embeddingOfSlice(request, *slice, watch, encodeMs);
            return {};
        });
    }

private:
    bool isFocus() const { return engine_.config().preprocess == net::Preprocess::Focus; }

    // What LibTorch throws becomes an Error here.
    template <class Function>
    auto guarded(const Function& function) -> decltype(function()) {
        try {
            return function();
        } catch (const Stopped&) {
            return Error{ErrorCode::Cancelled, "Cancelled."};
        } catch (const std::bad_alloc&) {
            return outOfMemory();
        } catch (const std::exception& e) {
            const std::string words = e.what();
            if (words.find("memory") != std::string::npos)
                return outOfMemory();
            return Error{ErrorCode::Internal,
                         "The network could not be run: " + words.substr(0, words.find('\n'))};
        }
    }
    static Error outOfMemory() {
        return Error{ErrorCode::OutOfMemory, "There is not enough memory to run this model on this slice. "
                                             "Close other programs or choose a smaller model."};
    }

    Result<SliceImage> sliceOf(const SegmentRequest& request) const {
        if (!request.volume)
            return Error{ErrorCode::InvalidArgument, "There is no image to segment."};
        if (engine_.config().inChans != 3)
            return Error{ErrorCode::FormatUnsupported, "This model takes images of " +
                                                           std::to_string(engine_.config().inChans) +
                                                           " channels; Tandem gives it 3."};
        return extractSlice(*request.volume, request.slice);
    }

    // ---- embeddings
    static void checkEncoding(const Watch& watch) {
        if (watch.encodeOn && !watch.encodeOn())
            throw Stopped{};
    }
    static void checkDecoding(const Watch& watch, double done) {
        if (watch.progress)
            watch.progress(done, "Drawing masks");
        if (watch.decodeOn && !watch.decodeOn())
            throw Stopped{};
    }

    at::Tensor encoded(const SegmentRequest& request, const std::function<at::Tensor()>& input,
                       const Watch& watch) {
        std::string sentence = "Encoding slice " + std::to_string(request.slice.index);
        if (engine_.gaveUp())
            sentence += " on the processor: the GPU's memory is too small for this model";
        const auto step = [&](std::string_view, double done) {
            if (watch.progress)
                watch.progress(done, sentence);
            checkEncoding(watch);
        };
        step("", 0);
        return engine_.encode(input(), step, [&] { checkEncoding(watch); });
    }

    // count: embeddings of one key, as many as inputs are encoded together.
    at::Tensor embedding(const std::string& key, const SegmentRequest& request,
                         const std::function<at::Tensor()>& input, const Watch& watch, double& encodeMs) {
        const std::int64_t grid = engine_.config().grid();
        if (!key.empty())
            if (at::Tensor known = store_->find(key, {1, engine_.config().outChans, grid, grid});
                known.defined())
                return known;
        const auto start = Clock::now();
        const at::Tensor made = encoded(request, input, watch);
        const double took = millisecondsSince(start);
        encodeMs += took;
        if (!key.empty())
            store_->insert(key, made, took);
        return made;
    }

    at::Tensor embeddingOfSlice(const SegmentRequest& request, const SliceImage& slice, const Watch& watch,
                                double& encodeMs) {
        return embedding(
            sliceKeys().of(request), request,
            [&] { return wholeSliceInput(engine_.config(), slice, request.window); }, watch, encodeMs);
    }

    std::string cropKey(const SegmentRequest& request, const FocusCrop& crop) const {
        std::ostringstream rest;
        rest.precision(17);
        rest << crop.centreX << '/' << crop.centreY << '/' << crop.side << '/' << crop.box.x0 << '/'
             << crop.box.y0 << '/' << crop.box.x1 << '/' << crop.box.y1;
        return keyOf(id_, request, rest.str());
    }

    at::Tensor embeddingOfCrop(const SegmentRequest& request, const SliceImage& slice, const FocusCrop& crop,
                               const Watch& watch, double& encodeMs) {
        const auto input = [&] {
            const std::vector<float> values = focusInput(slice, crop);
            return at::tensor(at::ArrayRef<float>(values)).view({1, 3, crop.size, crop.size});
        };
        return embedding(cropKey(request, crop), request, input, watch, encodeMs);
    }

    std::string memoryKey(const SegmentRequest& request, const FocusCrop& crop,
                          const FocusSettings& settings) const {
        std::string key = cropKey(request, crop);
        if (!key.empty() && settings.exactBox)
            key += "/exact";
        if (!key.empty() && settings.lean) {
            const std::vector<float>& cells = settings.lean->cells.values;
            const std::string_view bytes(reinterpret_cast<const char*>(cells.data()),
                                         cells.size() * sizeof(float));
            key += "/" + std::to_string(std::hash<std::string_view>{}(bytes));
        }
        return key;
    }

    // What the prompts of one object led to, the latest first; a key per slice, crop, model, lean and
    // whether the box is exact.
    FocusMemory* memoryOf(const std::string& key) {
        constexpr std::size_t most = 16; // two for a box that is read both ways
        if (key.empty())
            return nullptr;
        auto found =
            std::find_if(memories_.begin(), memories_.end(), [&](const auto& m) { return m.first == key; });
        if (found == memories_.end()) {
            memories_.emplace_front(key, FocusMemory());
            if (memories_.size() > most)
                memories_.pop_back();
        } else {
            memories_.splice(memories_.begin(), memories_, found);
        }
        return &memories_.front().second;
    }

    // ---- answers
    // Which of its candidates an object is asked for.
    struct Wanted {
        CandidateKind kind = CandidateKind::Likeliest;
        int index = 0, of = 1;
    };
    static Wanted wantedOf(const SegmentRequest& request, const Prompts& object, int otherSizes,
                           bool otherBox, bool parts = false) {
        const std::vector<CandidateKind> kinds = candidatesOf(object, otherSizes, otherBox, parts);
        const int count = static_cast<int>(kinds.size()), index = std::max(0, request.candidate) % count;
        return {kinds[static_cast<std::size_t>(index)], index, count};
    }

    Proposal proposal(const SegmentRequest& request, const SliceImage& slice, std::vector<float> logits,
                      float iou, const Wanted& wanted) const {
        Proposal p;
        p.slice = request.slice;
        p.width = slice.width;
        p.height = slice.height;
        p.logits = std::move(logits);
        p.predictedIou = std::clamp(iou, 0.0f, 1.0f);
        p.modelId = id_;
        p.kind = wanted.kind;
        p.candidates = wanted.of;
        return p;
    }

    // Objects whose clicks the model does not understand get a box around them.
    std::vector<Prompts> withBoxes(const SliceImage& slice, std::vector<Prompts> objects) const {
        for (Prompts& object : objects)
            if (!object.box && !usesPoints_)
                object.box = estimateBox(slice, object.points);
        return objects;
    }

    static void leanOn(const SegmentRequest& request, const Prompts& object, const SliceImage& slice,
                       std::vector<float>& logits) {
        if (!request.lean || !object.box)
            return;
        const std::vector<float> lean =
            request.lean->on({-0.5, -0.5, 1, 1, slice.width, slice.height}, *object.box);
        for (std::size_t i = 0; i < logits.size(); ++i)
            logits[i] += lean[i];
    }

    Proposal wholeProposal(const SegmentRequest& request, const SliceImage& slice, const Prompts& object,
                           ObjectAnswer answer, const Wanted& wanted) const {
        leanOn(request, object, slice, answer.logits);
        letClicksWin(answer.logits, slice.width, slice.height, object.points);
        return proposal(request, slice, std::move(answer.logits), answer.predictedIou, wanted);
    }

    // Of an object whose box takes in many parts.
    Proposal partsProposal(const SegmentRequest& request, const SliceImage& slice, const Prompts& object,
                           const PartsField& parts, const Wanted& wanted) const {
        const auto start = Clock::now();
        std::vector<float> logits = answerParts(parts, object.points, slice.width, slice.height);
        letClicksWin(logits, slice.width, slice.height, object.points);
        const auto iou = static_cast<float>(expectedIou(logits));
        Proposal p = proposal(request, slice, std::move(logits), iou, wanted);
        p.decodeMs = millisecondsSince(start);
        return p;
    }

    Proposal lookAlikes(const SegmentRequest& request, const SliceImage& slice, const Prompts& object,
                        const Wanted& wanted) const {
        const auto start = Clock::now();
        std::vector<float> logits = lookAlikeLogits(slice, object);
        letClicksWin(logits, slice.width, slice.height, object.points);
        const auto iou = static_cast<float>(expectedIou(logits));
        Proposal p = proposal(request, slice, std::move(logits), iou, wanted);
        p.decodeMs = millisecondsSince(start);
        return p;
    }

    // What the network says of each object; nothing of one whose look-alikes are wanted.
    std::vector<ObjectAnswer> networkAnswers(const SegmentRequest& request, const SliceImage& slice,
                                             const std::vector<Prompts>& objects,
                                             const std::vector<Wanted>& wanted, const Watch& watch,
                                             double& encodeMs) {
        std::vector<ObjectAnswer> answers(objects.size());
        const auto needsNoNetwork = [](const Wanted& w) { return w.kind == CandidateKind::LookAlikes; };
        if (std::all_of(wanted.begin(), wanted.end(), needsNoNetwork))
            return answers;
        const at::Tensor code = embeddingOfSlice(request, slice, watch, encodeMs);
        const SliceFrame frame = sliceFrame(engine_.config(), slice.width, slice.height);
        const auto check = [&] { checkDecoding(watch, 1); };
        std::vector<std::size_t> likeliest;
        std::vector<Prompts> asked;
        for (std::size_t i = 0; i < objects.size(); ++i) {
            if (wanted[i].kind == CandidateKind::Likeliest) {
                likeliest.push_back(i);
                asked.push_back(objects[i]);
            } else if (wanted[i].kind == CandidateKind::OtherSize) {
                check();
                answers[i] =
                    answerOtherSize(engine_, code, frame, objects[i], usesPoints_, wanted[i].index - 1);
            }
        }
        auto found = answerWholeSlice(engine_, code, frame, asked, usesPoints_, check);
        for (std::size_t n = 0; n < found.size(); ++n)
            answers[likeliest[n]] = std::move(found[n]);
        return answers;
    }

    Result<std::vector<Proposal>> predictWhole(const SegmentRequest& request, const SliceImage& slice,
                                               const Watch& watch) {
        const std::vector<Prompts> objects = withBoxes(slice, request.objects);
        std::vector<Wanted> wanted;
        for (const Prompts& object : objects)
            wanted.push_back(wantedOf(request, object, otherSizesOf(engine_.config(), object), false));
        const auto start = Clock::now();
        double encodeMs = 0;
        auto answers = networkAnswers(request, slice, objects, wanted, watch, encodeMs);
        std::vector<Proposal> proposals;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            const Prompts& object = request.objects[i];
            proposals.push_back(
                wanted[i].kind == CandidateKind::LookAlikes
                    ? lookAlikes(request, slice, object, wanted[i])
                    : wholeProposal(request, slice, object, std::move(answers[i]), wanted[i]));
            proposals.back().encodeMs = encodeMs;
        }
        const double each = (millisecondsSince(start) - encodeMs) /
                            static_cast<double>(std::max<std::size_t>(1, proposals.size()));
        for (Proposal& p : proposals)
            p.decodeMs = each;
        return proposals;
    }

    // The network's part of a focus answer, on the embedding of its crop.
    FocusReply decodeFocus(const at::Tensor& code, const FocusQuestion& question, int maskSize) {
        net::PromptTensors prompts;
        const std::array<float, 4> box{
            static_cast<float>(question.box.x0), static_cast<float>(question.box.y0),
            static_cast<float>(question.box.x1), static_cast<float>(question.box.y1)};
        prompts.boxes = at::tensor(at::ArrayRef<float>(box)).view({1, 4});
        if (!question.clicks.empty()) {
            std::vector<float> places;
            std::vector<std::int64_t> labels;
            for (const FocusQuestion::Click& c : question.clicks) {
                places.insert(places.end(), {static_cast<float>(c.x), static_cast<float>(c.y)});
                labels.push_back(c.foreground ? 1 : 0);
            }
            prompts.points = at::tensor(at::ArrayRef<float>(places)).view({1, -1, 2});
            prompts.labels = at::tensor(at::ArrayRef<std::int64_t>(labels), at::kLong).view({1, -1});
        }
        if (!question.maskPrompt.empty())
            prompts.mask =
                at::tensor(at::ArrayRef<float>(question.maskPrompt)).view({1, 1, maskSize, maskSize});
        const net::Decoded decoded = engine_.decode(code, prompts, false);
        const at::Tensor logits = decoded.logits.contiguous();
        const float* data = logits.data_ptr<float>();
        return {{data, data + logits.numel()}, decoded.iou.item<float>()};
    }

    std::vector<float> refined(const RefinerQuestion& q) const {
        const std::int64_t cells = q.view.cells;
        const auto map = [cells](const std::vector<float>& values) {
            return at::from_blob(const_cast<float*>(values.data()), {1, 1, cells, cells}, at::kFloat);
        };
        const at::Tensor logits =
            engine_
                .refine({map(q.view.grey), map(q.view.box), map(q.start), map(q.prior), map(q.clicks.in),
                         map(q.clicks.out), map(q.latest), map(q.view.inBox)})
                .contiguous();
        const float* data = logits.data_ptr<float>();
        return {data, data + logits.numel()};
    }

    struct FocusWork {
        double done = 0; ///< share of the request's objects before this one
        double encodeMs = 0, decodeMs = 0;
    };

    // The parts that an object's box takes in, if it takes in many.
    const std::optional<PartsField>& partsOf(const SegmentRequest& request, const SliceImage& slice,
                                             const Prompts& object) {
        static const std::optional<PartsField> none;
        if (!object.box)
            return none;
        std::ostringstream rest;
        rest.precision(17);
        rest << "parts/" << object.box->x0 << '/' << object.box->y0 << '/' << object.box->x1 << '/'
             << object.box->y1;
        const std::string key = keyOf(id_, request, rest.str());
        if (key.empty() || key != latestParts_.first) {
            latestParts_ = {key, findParts(slice, *object.box)};
            if (!latestParts_.second)
                latestParts_.second = findRetinalVessels(slice, *object.box);
        }
        return latestParts_.second;
    }

    // One object, its box read as it is. `exact`: it is known to lie tightly.
    Result<FocusAnswer> answerOf(const SegmentRequest& request, const SliceImage& slice,
                                 const Prompts& object, bool exact, const Watch& watch, FocusWork& work) {
        const int maskSize = 4 * engine_.config().grid();
        const auto crop = makeFocusCrop(slice, object, engine_.config().imageSize, focus_);
        if (!crop)
            return crop.error();
        const SliceImage grey = contrastGrey(slice, crop->box);
        const at::Tensor code = embeddingOfCrop(request, grey, *crop, watch, work.encodeMs);
        const auto start = Clock::now();
        const FocusDecode decode = [&](const FocusQuestion& question) {
            checkDecoding(watch, work.done);
            return decodeFocus(code, question, maskSize);
        };
        FocusNetwork network(decode);
        if (const auto& refiner = engine_.config().refiner)
            network = {decode,
                       [&](const RefinerQuestion& question) {
                           checkDecoding(watch, work.done);
                           return refined(question);
                       },
                       refiner->cells, refiner->cropScale};
        FocusSettings settings = focus_;
        settings.exactBox = exact;
        settings.lean = object.box ? request.lean : nullptr;
        FocusMemory* memory = memoryOf(memoryKey(request, *crop, settings));
        FocusAnswer answer = answerFocus(grey, *crop, object, maskSize, settings, network, memory);
        work.decodeMs += millisecondsSince(start);
        return answer;
    }

    // An object's box as it is where a hand drew it; empty: its box is read as it is.
    static std::optional<SliceBox> movedBox(const HandReading& hand, const SliceImage& slice,
                                            const Prompts& object) {
        return object.box ? innerBox(*object.box, slice.width, slice.height, hand.share) : std::nullopt;
    }

    // One object, its box read both ways where the model was calibrated for it.
    Result<FocusAnswer> readObject(const SegmentRequest& request, const SliceImage& slice,
                                   const Prompts& object, CandidateKind kind, const Watch& watch,
                                   FocusWork& work) {
        const bool exact = object.box && likelyReading(request.habit) == BoxReading::Tight;
        auto own = answerOf(request, slice, object, exact, watch, work);
        const HandReading hand = inLightOf(focus_.hand, request.habit);
        Prompts moved = object;
        moved.box = movedBox(hand, slice, object);
        const bool other = kind == CandidateKind::OtherBox;
        if (!own || !moved.box)
            return own;
        // A stranger's odds are both: how seldom strangers draw with slack, and what these masks say.
        const double known = looseOdds(request.habit) + strangersLooseOdds();
        if (!other && surelyOwn(*own, *object.box, *moved.box, hand)) {
            own->looseEvidence = surelyOwnOdds - known;
            return own;
        }
        const auto inner = answerOf(request, slice, moved, false, watch, work);
        if (!inner)
            return inner;
        const double odds = innerOdds(*own, *inner, *object.box, *moved.box, hand);
        own->looseEvidence = odds - known;
        if (other)
            return odds > 0 ? own : inner;
        return mixReadings(*std::move(own), *inner, odds);
    }

    Result<std::vector<Proposal>> predictFocus(const SegmentRequest& request, const SliceImage& slice,
                                               const Watch& watch) {
        std::vector<Proposal> proposals;
        for (const Prompts& object : request.objects) {
            FocusWork work{static_cast<double>(proposals.size()) /
                           static_cast<double>(request.objects.size())};
            const std::optional<PartsField>& parts = partsOf(request, slice, object);
            const Wanted wanted =
                wantedOf(request, object, 0,
                         movedBox(inLightOf(focus_.hand, request.habit), slice, object).has_value(),
                         parts.has_value());
            if (wanted.kind == CandidateKind::LookAlikes) {
                proposals.push_back(lookAlikes(request, slice, object, wanted));
                continue;
            }
            if (wanted.kind == CandidateKind::Parts) {
                proposals.push_back(partsProposal(request, slice, object, *parts, wanted));
                continue;
            }
            auto answer = readObject(request, slice, object, wanted.kind, watch, work);
            if (!answer)
                return answer.error();
            letClicksWin(answer->logits, slice.width, slice.height, object.points);
            if (!object.points.empty())
                answer->predictedIou = iouAfterClicks(answer->logits, focus_);
            proposals.push_back(
                proposal(request, slice, std::move(answer->logits), answer->predictedIou, wanted));
            proposals.back().looseEvidence = answer->looseEvidence;
            proposals.back().encodeMs = work.encodeMs;
            proposals.back().decodeMs = work.decodeMs;
        }
        return proposals;
    }

    Engine engine_;
    std::string id_;
    std::shared_ptr<EmbeddingStore> store_;
    bool usesPoints_;
    FocusSettings focus_;
    std::list<std::pair<std::string, FocusMemory>> memories_;
    std::pair<std::string, std::optional<PartsField>> latestParts_; // by slice and box
};

Predictor::Predictor(checkpoint::Model model, std::string modelId, std::shared_ptr<EmbeddingStore> store,
                     Arithmetic arithmetic, std::optional<Accelerator> accelerator)
    : work_(std::make_unique<Work>(std::move(model), std::move(modelId), std::move(store), arithmetic,
                                   accelerator)) {}

Predictor::Predictor(checkpoint::Model model, std::string modelId, std::shared_ptr<EmbeddingStore> store,
                     Arithmetic arithmetic)
    : Predictor(std::move(model), std::move(modelId), std::move(store), arithmetic,
                findAccelerator(arithmetic)) {}

Predictor::Predictor(checkpoint::Model model, std::string modelId, std::int64_t cacheBytes,
                     Arithmetic arithmetic)
    : Predictor(std::move(model), std::move(modelId),
                std::make_shared<EmbeddingStore>(EmbeddingBudget{cacheBytes}), arithmetic) {}

Predictor::~Predictor() = default;

Result<std::vector<Proposal>> Predictor::predict(const SegmentRequest& request, const Watch& watch) {
    return work_->predict(request, watch);
}

Result<void> Predictor::prepare(const SegmentRequest& request, const Watch& watch) {
    return work_->prepare(request, watch);
}

SliceKeys Predictor::sliceKeys() const {
    return work_->sliceKeys();
}

} // namespace tandem::predict
