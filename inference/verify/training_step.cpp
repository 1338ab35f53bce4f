#include "inference/verify/training_step.h"

#include "inference/predict/preprocess.h"

#include <torch/csrc/autograd/autograd.h>

namespace tandem::verify {
namespace {

constexpr double kRate = 1e-4, kWeightDecay = 0.01, kEps = 1e-8;

using Tensors = std::map<std::string, at::Tensor>;

at::Tensor inputFrom(const at::Tensor& image, const net::NetworkConfig& config) {
    const at::Tensor pixels = image.contiguous();
    const auto* data = pixels.data_ptr<std::uint8_t>();
    const predict::RgbImage rgb{pixels.size(1), pixels.size(0), {data, data + pixels.numel()}};
    const auto size = predict::longestSide(rgb.height, rgb.width, config.imageSize);
    const auto input = predict::normaliseAndPad(predict::resizePillow(rgb, size[0], size[1]), config);
    return at::tensor(at::ArrayRef<float>(input.values), at::kFloat)
        .view({1, 3, config.imageSize, config.imageSize});
}

// The first step of AdamW: both moments hold one gradient, so their corrected values are g and g * g.
at::Tensor afterFirstStep(const at::Tensor& parameter, const at::Tensor& gradient) {
    return parameter * (1 - kRate * kWeightDecay) - kRate * gradient / (gradient.abs() + kEps);
}

} // namespace

Tensors recomputeStep(const checkpoint::Model& model, const Tensors& expected, bool batchStatistics) {
    const at::AutoGradMode gradients(true);
    net::Weights weights = model.weights;
    std::vector<std::string> names;
    std::vector<at::Tensor> parameters;
    for (const auto& [name, tensor] : expected)
        if (name.starts_with("grad.")) {
            names.push_back(name.substr(5));
            at::Tensor& weight = weights.at(names.back());
            weight = weight.detach().clone().requires_grad_(true);
            parameters.push_back(weight);
        }
    net::Forward forward;
    forward.batchNorm = batchStatistics ? net::BatchNorm::Batch : net::BatchNorm::Running;
    const at::Tensor embedding =
        net::encode(weights, model.config, inputFrom(expected.at("image_u8"), model.config), forward);
    const net::PromptCodes codes =
        net::encodePrompts(weights, model.config, {{}, {}, expected.at("box.in.boxes"), {}});
    const at::Tensor logits = net::decode(weights, model.config, embedding, codes, false).logits;
    const net::Loss loss = net::diceBce(logits, expected.at("target"));
    const auto gradient = torch::autograd::grad({loss.total}, parameters);
    const at::NoGradGuard done;
    Tensors out{
        {"low_res", logits}, {"loss", loss.total}, {"loss_dice", loss.dice}, {"loss_bce", loss.crossEntropy}};
    for (std::size_t i = 0; i < names.size(); ++i) {
        out["grad." + names[i]] = gradient[i];
        out["after." + names[i]] = afterFirstStep(parameters[i], gradient[i]);
    }
    return out;
}

} // namespace tandem::verify
