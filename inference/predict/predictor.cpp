#include "inference/predict/predictor.h"

#include "inference/predict/clicks.h"
#include "inference/predict/embedding_cache.h"
#include "inference/predict/engine.h"
#include "inference/predict/focus.h"
#include "inference/predict/focus_box.h"
#include "inference/predict/focus_settings.h"
#include "inference/predict/whole_slice.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
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
        finite = finite && std::isfinite(p.at[0]) && std::isfinite(p.at[1]);
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

} // namespace

class Predictor::Work {
public:
    Work(checkpoint::Model model, std::string id, std::int64_t cacheBytes, Arithmetic arithmetic)
        : engine_(std::move(model), arithmetic), id_(std::move(id)), cache_(cacheBytes),
          usesPoints_(checkpoint::trainedForPoints(engine_.model())),
          focus_(focusSettingsFrom(engine_.model().configJson)) {}

    Result<std::vector<Proposal>> predict(const SegmentRequest& request, const KeepGoing& keepGoing) {
        return guarded([&]() -> Result<std::vector<Proposal>> {
            const auto slice = sliceOf(request);
            if (!slice)
                return slice.error();
            for (const Prompts& object : request.objects)
                if (std::string problem = problemOf(object); !problem.empty())
                    return Error{ErrorCode::InvalidArgument, std::move(problem)};
            return isFocus() ? predictFocus(request, *slice, keepGoing)
                             : predictWhole(request, *slice, keepGoing);
        });
    }

    Result<void> prepare(const SegmentRequest& request, const KeepGoing& keepGoing) {
        return guarded([&]() -> Result<void> {
            const auto slice = sliceOf(request);
            if (!slice)
                return slice.error();
            double encodeMs = 0;
            if (!isFocus())
                embeddingOfSlice(request, *slice, keepGoing, encodeMs);
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
    static std::string keyOf(const SegmentRequest& request, const std::string& rest) {
        if (request.imageHash.empty())
            return {}; // an image without a name cannot be told from another one
        std::ostringstream key;
        key.precision(17);
        key << request.imageHash << '/' << planeName(request.slice.plane) << '/' << request.slice.index << '/'
            << rest;
        return key.str();
    }

    Engine::Step stepOf(const KeepGoing& keepGoing, const SegmentRequest& request) const {
        const std::string sentence = "Encoding slice " + std::to_string(request.slice.index);
        return [&keepGoing, sentence](std::string_view, double done) {
            if (!keepGoing(done, sentence))
                throw Stopped{};
        };
    }
    static void checkGoing(const KeepGoing& keepGoing, double done) {
        if (!keepGoing(done, "Drawing masks"))
            throw Stopped{};
    }

    at::Tensor embedding(const std::string& key, const std::function<at::Tensor()>& input,
                         const Engine::Step& step, double& encodeMs) {
        if (at::Tensor known = key.empty() ? at::Tensor() : cache_.find(key); known.defined())
            return known;
        const auto start = Clock::now();
        step("", 0);
        const at::Tensor made = engine_.encode(input(), step);
        encodeMs += millisecondsSince(start);
        if (!key.empty())
            cache_.insert(key, made);
        return made;
    }

    at::Tensor embeddingOfSlice(const SegmentRequest& request, const SliceImage& slice,
                                const KeepGoing& keepGoing, double& encodeMs) {
        std::ostringstream window;
        window.precision(17);
        window << request.window.level << '/' << request.window.width << '/' << request.window.inverted;
        return embedding(
            keyOf(request, slice.components == 3 ? "colour" : window.str()),
            [&] { return wholeSliceInput(engine_.config(), slice, request.window); },
            stepOf(keepGoing, request), encodeMs);
    }

    at::Tensor embeddingOfCrop(const SegmentRequest& request, const SliceImage& slice, const FocusCrop& crop,
                               const KeepGoing& keepGoing, double& encodeMs) {
        std::ostringstream rest;
        rest.precision(17);
        rest << crop.centreX << '/' << crop.centreY << '/' << crop.side << '/' << crop.box.x0 << '/'
             << crop.box.y0 << '/' << crop.box.x1 << '/' << crop.box.y1;
        const auto input = [&] {
            const std::vector<float> values = focusInput(slice, crop);
            return at::tensor(at::ArrayRef<float>(values)).view({1, 3, crop.size, crop.size});
        };
        return embedding(keyOf(request, rest.str()), input, stepOf(keepGoing, request), encodeMs);
    }

    // ---- answers
    Proposal proposal(const SegmentRequest& request, const SliceImage& slice, std::vector<float> logits,
                      float iou) const {
        Proposal p;
        p.slice = request.slice;
        p.width = slice.width;
        p.height = slice.height;
        p.logits = std::move(logits);
        p.predictedIou = std::clamp(iou, 0.0f, 1.0f);
        p.modelId = id_;
        return p;
    }

    // Objects whose clicks the model does not understand get a box around them.
    std::vector<Prompts> withBoxes(const SliceImage& slice, std::vector<Prompts> objects) const {
        for (Prompts& object : objects)
            if (!object.box && !usesPoints_)
                object.box = estimateBox(slice, object.points);
        return objects;
    }

    Result<std::vector<Proposal>> predictWhole(const SegmentRequest& request, const SliceImage& slice,
                                               const KeepGoing& keepGoing) {
        double encodeMs = 0;
        const at::Tensor code = embeddingOfSlice(request, slice, keepGoing, encodeMs);
        const auto start = Clock::now();
        const SliceFrame frame = sliceFrame(engine_.config(), slice.width, slice.height);
        auto answers = answerWholeSlice(engine_, code, frame, withBoxes(slice, request.objects), usesPoints_,
                                        [&] { checkGoing(keepGoing, 1); });
        std::vector<Proposal> proposals;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            letClicksWin(answers[i].logits, slice.width, slice.height, request.objects[i].points);
            proposals.push_back(
                proposal(request, slice, std::move(answers[i].logits), answers[i].predictedIou));
            proposals.back().encodeMs = encodeMs;
        }
        const double each =
            millisecondsSince(start) / static_cast<double>(std::max<std::size_t>(1, proposals.size()));
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

    Result<std::vector<Proposal>> predictFocus(const SegmentRequest& request, const SliceImage& slice,
                                               const KeepGoing& keepGoing) {
        const int size = engine_.config().imageSize, maskSize = 4 * engine_.config().grid();
        std::vector<Proposal> proposals;
        for (const Prompts& object : request.objects) {
            const auto crop = makeFocusCrop(slice, object, size, focus_);
            if (!crop)
                return crop.error();
            double encodeMs = 0;
            const at::Tensor code = embeddingOfCrop(request, slice, *crop, keepGoing, encodeMs);
            const auto start = Clock::now();
            FocusAnswer answer =
                answerFocus(slice, *crop, object, maskSize, focus_, [&](const FocusQuestion& question) {
                    checkGoing(keepGoing, static_cast<double>(proposals.size()) /
                                              static_cast<double>(request.objects.size()));
                    return decodeFocus(code, question, maskSize);
                });
            letClicksWin(answer.logits, slice.width, slice.height, object.points);
            proposals.push_back(proposal(request, slice, std::move(answer.logits), answer.predictedIou));
            proposals.back().encodeMs = encodeMs;
            proposals.back().decodeMs = millisecondsSince(start);
        }
        return proposals;
    }

    Engine engine_;
    std::string id_;
    EmbeddingCache cache_;
    bool usesPoints_;
    FocusSettings focus_;
};

Predictor::Predictor(checkpoint::Model model, std::string modelId, std::int64_t cacheBytes,
                     Arithmetic arithmetic)
    : work_(std::make_unique<Work>(std::move(model), std::move(modelId), cacheBytes, arithmetic)) {}

Predictor::~Predictor() = default;

Result<std::vector<Proposal>> Predictor::predict(const SegmentRequest& request, const KeepGoing& keepGoing) {
    return work_->predict(request, keepGoing);
}

Result<void> Predictor::prepare(const SegmentRequest& request, const KeepGoing& keepGoing) {
    return work_->prepare(request, keepGoing);
}

} // namespace tandem::predict
