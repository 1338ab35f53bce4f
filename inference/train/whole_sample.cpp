#include "inference/train/whole_sample.h"

#include "inference/predict/preprocess.h"
#include "inference/train/slice_request.h"

#include <algorithm>

namespace tandem::train {
namespace {

struct Prepared {
    std::vector<float> input;
    double scaleX = 1, scaleY = 1; ///< ModelPx per slice pixel
};

Prepared prepare(const SliceImage& image, const net::NetworkConfig& config) {
    const predict::RgbImage rgb = predict::rgbFrom(image, windowOf(image));
    const auto scale = [](std::int64_t to, std::int64_t from) {
        return static_cast<double>(to) / static_cast<double>(from);
    };
    if (config.preprocess == net::Preprocess::Medsam)
        return {predict::medsamInput(rgb, config.imageSize).values, scale(config.imageSize, rgb.width),
                scale(config.imageSize, rgb.height)};
    const auto size = predict::longestSide(rgb.height, rgb.width, config.imageSize);
    return {predict::normaliseAndPad(predict::resizePillow(rgb, size[0], size[1]), config).values,
            scale(size[1], rgb.width), scale(size[0], rgb.height)};
}

SliceBox shiftedBox(const SliceBox& tight, const SliceMask& slice, const Recipe& recipe, Random& r) {
    const double pixel = static_cast<double>(std::max(slice.width, slice.height)) / 256;
    const auto shift = [&] { return pixel * r.integer(0, static_cast<int>(recipe.boxShift)); };
    const double right = static_cast<double>(slice.width - 1), bottom = static_cast<double>(slice.height - 1);
    const double left = shift(), top = shift(), more = shift(), below = shift();
    return {std::max(0.0, tight.x0 - left), std::max(0.0, tight.y0 - top), std::min(right, tight.x1 + more),
            std::min(bottom, tight.y1 + below)};
}

} // namespace

std::optional<TrainingSample> makeWholeSample(const TrainingTask& task, const Recipe& recipe,
                                              const net::NetworkConfig& config, Random& r,
                                              const Teacher& teacher) {
    const std::optional<SliceBox> tight = tightBox(task.mask);
    if (!tight)
        return std::nullopt;
    Prepared prepared = prepare(task.image, config);
    const SliceBox box = shiftedBox(*tight, task.mask, recipe, r);
    SliceImage truth{task.mask.width, task.mask.height, 1, {}};
    truth.values.assign(task.mask.inside.begin(), task.mask.inside.end());
    if (teacher)
        truth.values = teacher(task.image, box);
    if (truth.values.empty())
        return std::nullopt;
    const std::int64_t cells = std::int64_t{4} * config.grid();
    const double cell = static_cast<double>(config.imageSize) / static_cast<double>(cells);
    const CropGrid grid{-0.5, -0.5, cell / prepared.scaleX, cell / prepared.scaleY, cells, cells};
    return TrainingSample{std::move(prepared.input),
                          {},
                          sampleGrid(truth, grid, 0),
                          {box.x0 * prepared.scaleX, box.y0 * prepared.scaleY, box.x1 * prepared.scaleX,
                           box.y1 * prepared.scaleY},
                          task.imageKey};
}

} // namespace tandem::train
