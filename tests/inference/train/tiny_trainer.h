#pragma once
// A trainer of the tiny network on scenes.

#include "inference/train/trainer.h"
#include "tests/inference/train/tiny_network.h"

#include <ATen/Parallel.h>

#include <cstring>

namespace tandem::test {

inline net::NetworkConfig tinyConfig() {
    return *net::configFromJson(*parseJson(tinyNetwork));
}

/// Scenes alone, batches of 4.
inline Recipe sceneRecipe() {
    Recipe r;
    r.samples = 1600;
    r.batch = 4;
    r.warmupSteps = 5;
    r.sceneShare = 1;
    r.regionShare = 0;
    r.learningRate = 3e-3;
    return r;
}

inline train::Trainer newTrainer(const net::NetworkConfig& config, const Recipe& recipe) {
    at::set_num_threads(1);
    return {config, net::initialWeights(config, recipe.seed, net::Init::XavierNormal), recipe,
            *TaskSource::open({}, recipe)};
}

inline bool sameBits(const at::Tensor& a, const at::Tensor& b) {
    return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
           std::memcmp(a.contiguous().data_ptr(), b.contiguous().data_ptr(), a.nbytes()) == 0;
}

} // namespace tandem::test
