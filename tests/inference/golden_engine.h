#pragma once
// What tests of the engine on golden models share.

#include "inference/checkpoint/model.h"
#include "inference/predict/engine.h"
#include "inference/predict/preprocess.h"
#include "tests/inference/support.h"

#include <functional>
#include <string>
#include <vector>

namespace tandem::test {

inline checkpoint::Model goldenModel(const std::string& name) {
    return *checkpoint::openModel(kGolden / name / "model.safetensors");
}

inline at::Tensor goldenInput(const std::string& name, const net::NetworkConfig& config) {
    const at::Tensor image = goldenTensor(name + "/tensors.safetensors", "image_resized_u8").contiguous();
    predict::RgbImage rgb;
    rgb.height = image.size(0);
    rgb.width = image.size(1);
    rgb.pixels.assign(image.data_ptr<std::uint8_t>(), image.data_ptr<std::uint8_t>() + image.numel());
    const std::vector<float> values = predict::normaliseAndPad(rgb, config).values;
    return at::tensor(at::ArrayRef<float>(values)).view({1, 3, config.imageSize, config.imageSize});
}

inline double difference(const at::Tensor& a, const at::Tensor& expected) {
    return ((a - expected).abs().max() / expected.abs().max()).item<double>();
}

inline const predict::Engine::Step kNoStep = [](std::string_view, double) {};
inline const std::function<void()> kNoPulse = [] {};

} // namespace tandem::test
