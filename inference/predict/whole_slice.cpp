#include "inference/predict/whole_slice.h"

#include "inference/predict/preprocess.h"

#include <algorithm>

namespace tandem::predict {
namespace {

constexpr std::size_t kDecodeTogether = 16;

bool isMedsam(const net::NetworkConfig& c) {
    return c.preprocess == net::Preprocess::Medsam;
}

at::Tensor boxTensor(const SliceFrame& frame, const std::vector<SliceBox>& boxes) {
    at::Tensor out = at::empty({static_cast<std::int64_t>(boxes.size()), 4});
    auto to = out.accessor<float, 2>();
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        const auto low = frame.modelFromSlice({{boxes[i].x0, boxes[i].y0}});
        const auto high = frame.modelFromSlice({{boxes[i].x1, boxes[i].y1}});
        const std::array<double, 4> row{low[0], low[1], high[0], high[1]};
        for (std::size_t c = 0; c < 4; ++c)
            to[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(c)] = static_cast<float>(row[c]);
    }
    return out;
}

// Scribbles as several clicks along them.
std::vector<PointPrompt> clicksAlong(const std::vector<PointPrompt>& prompts) {
    std::vector<PointPrompt> clicks;
    for (const PointPrompt& p : prompts)
        for (const Point<SlicePx>& at : pointsAlong(p, clicksOfScribble))
            clicks.push_back({at, p.foreground});
    return clicks;
}

void setPoints(net::PromptTensors& prompts, const SliceFrame& frame, const std::vector<PointPrompt>& points) {
    const auto n = static_cast<std::int64_t>(points.size());
    prompts.points = at::empty({1, n, 2});
    prompts.labels = at::empty({1, n}, at::kLong);
    auto places = prompts.points.accessor<float, 3>();
    auto labels = prompts.labels.accessor<std::int64_t, 2>();
    for (std::int64_t i = 0; i < n; ++i) {
        const PointPrompt& p = points[static_cast<std::size_t>(i)];
        const auto place = frame.modelFromSlice(p.at);
        places[0][i][0] = static_cast<float>(place[0]);
        places[0][i][1] = static_cast<float>(place[1]);
        labels[0][i] = p.foreground ? 1 : 0;
    }
}

// Low-res logits (1, 1, 4g, 4g) as logits on the slice's grid.
std::vector<float> onSlice(const net::NetworkConfig& c, const SliceFrame& frame, const at::Tensor& lowRes) {
    at::Tensor full;
    if (isMedsam(c)) // probabilities are interpolated there
        full = at::logit(net::postprocessMedsam(lowRes, {frame.height, frame.width}), 1e-6);
    else
        full = net::postprocessSam(c, lowRes, frame.resized, {frame.height, frame.width});
    full = full.contiguous();
    const float* data = full.data_ptr<float>();
    return {data, data + full.numel()};
}

ObjectAnswer answerFrom(const net::NetworkConfig& c, const SliceFrame& frame, const net::Decoded& decoded,
                        std::int64_t object, std::int64_t mask) {
    const at::Tensor lowRes = decoded.logits.narrow(0, object, 1).narrow(1, mask, 1);
    return {onSlice(c, frame, lowRes), decoded.iou[object][mask].item<float>()};
}

// A lone click is ambiguous: part, organ or all. The masks of three sizes are asked for and the best is
// taken.
bool isLoneClick(const Prompts& object) {
    return !object.box && clicksAlong(object.points).size() == 1;
}

// The n-th best of the masks of three sizes.
ObjectAnswer answerOfSize(Engine& engine, const at::Tensor& embedding, const SliceFrame& frame,
                          const net::PromptTensors& prompts, std::int64_t n) {
    const net::Decoded decoded = engine.decode(embedding, prompts, true);
    const at::Tensor best = decoded.iou[0].argsort(/*dim=*/0, /*descending=*/true);
    return answerFrom(engine.config(), frame, decoded, 0, best[n].item<std::int64_t>());
}

// An object's prompts. The first answer, to the box alone, becomes the mask prompt that the clicks correct.
net::PromptTensors promptsOf(Engine& engine, const at::Tensor& embedding, const SliceFrame& frame,
                             const Prompts& object, bool usesPoints) {
    net::PromptTensors prompts;
    if (object.box)
        prompts.boxes = boxTensor(frame, {*object.box});
    if (object.points.empty() || !usesPoints)
        return prompts;
    setPoints(prompts, frame, clicksAlong(object.points));
    if (object.box)
        prompts.mask = engine.decode(embedding, {{}, {}, prompts.boxes, {}}, false).logits;
    return prompts;
}

ObjectAnswer answerWithPoints(Engine& engine, const at::Tensor& embedding, const SliceFrame& frame,
                              const Prompts& object) {
    const net::PromptTensors prompts = promptsOf(engine, embedding, frame, object, true);
    if (isLoneClick(object))
        return answerOfSize(engine, embedding, frame, prompts, 0);
    return answerFrom(engine.config(), frame, engine.decode(embedding, prompts, false), 0, 0);
}

} // namespace

SliceFrame sliceFrame(const net::NetworkConfig& c, std::int64_t width, std::int64_t height) {
    const std::int64_t side = c.imageSize;
    return {width, height, isMedsam(c) ? std::array{side, side} : longestSide(height, width, side)};
}

at::Tensor wholeSliceInput(const net::NetworkConfig& c, const SliceImage& slice, GreyWindow window) {
    const RgbImage rgb = rgbFrom(slice, window);
    const SliceFrame frame = sliceFrame(c, slice.width, slice.height);
    const PlanarImage input = isMedsam(c)
                                  ? medsamInput(rgb, c.imageSize)
                                  : normaliseAndPad(resizePillow(rgb, frame.resized[0], frame.resized[1]), c);
    return at::tensor(at::ArrayRef<float>(input.values)).view({1, 3, c.imageSize, c.imageSize});
}

std::vector<ObjectAnswer> answerWholeSlice(Engine& engine, const at::Tensor& embedding,
                                           const SliceFrame& frame, const std::vector<Prompts>& objects,
                                           bool usesPoints, const std::function<void()>& check) {
    std::vector<ObjectAnswer> answers(objects.size());
    std::vector<std::size_t> together; // objects of a box alone
    for (std::size_t i = 0; i < objects.size(); ++i) {
        if (objects[i].box && (!usesPoints || objects[i].points.empty())) {
            together.push_back(i);
            continue;
        }
        check();
        answers[i] = answerWithPoints(engine, embedding, frame, objects[i]);
    }
    for (std::size_t start = 0; start < together.size(); start += kDecodeTogether) {
        check();
        const std::size_t n = std::min(kDecodeTogether, together.size() - start);
        std::vector<SliceBox> boxes;
        for (std::size_t i = 0; i < n; ++i)
            boxes.push_back(*objects[together[start + i]].box);
        const net::Decoded decoded = engine.decode(embedding, {{}, {}, boxTensor(frame, boxes), {}}, false);
        for (std::size_t i = 0; i < n; ++i)
            answers[together[start + i]] =
                answerFrom(engine.config(), frame, decoded, static_cast<std::int64_t>(i), 0);
    }
    return answers;
}

int otherSizesOf(const net::NetworkConfig& c, const Prompts& object) {
    if (c.preprocess != net::Preprocess::Sam) // MedSAM was trained with one mask alone
        return 0;
    return c.decoder.numMultimaskOutputs - (isLoneClick(object) ? 1 : 0);
}

ObjectAnswer answerOtherSize(Engine& engine, const at::Tensor& embedding, const SliceFrame& frame,
                             const Prompts& object, bool usesPoints, int n) {
    const net::PromptTensors prompts = promptsOf(engine, embedding, frame, object, usesPoints);
    return answerOfSize(engine, embedding, frame, prompts, n + (isLoneClick(object) ? 1 : 0));
}

} // namespace tandem::predict
