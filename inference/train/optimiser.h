#pragma once
// Private to inference/: this header shows LibTorch's tensor.

#include "inference/network/network.h"
#include "inference/train/recipe.h"

#include <string>
#include <vector>

namespace tandem::train {

/// A trainable weight and the optimiser's two moments of it.
struct Parameter {
    std::string key;
    at::Tensor value; ///< a leaf that asks for gradients; the same handle lies in the network's weights
    at::Tensor mean, square;
    bool decays = false; ///< matrices and filters do; biases, norms and embeddings do not
    bool muon = false;   ///< moved by Muon, which has no use for `square`
};

/// AdamW or, where the recipe says so, Muon for the hidden layers' matrices and filters and AdamW for the
/// rest; both with decoupled weight decay and clipping by the norm of all gradients. Thread: one at a time.
/// Sources: Loshchilov and Hutter, Decoupled weight decay regularization, 2019; Liu et al., Muon is scalable
/// for LLM training, 2025 (a step is 0.2 sqrt(longer side) times the orthogonal factor of the momentum, so
/// that AdamW's rates and decay fit).
class Optimiser {
public:
    /// Turns the trainable weights that the recipe does not freeze into leaves that ask for gradients (in
    /// place in `weights`).
    Optimiser(net::Weights& weights, const net::NetworkConfig&, const Recipe&);

    /// One step with the gradients that lie on the parameters, which are cleared. Parameters without one
    /// stay.
    /// @return the norm of all gradients before clipping
    double step(double learningRate);

    std::vector<Parameter>& parameters() { return parameters_; }
    const std::vector<Parameter>& parameters() const { return parameters_; }
    std::int64_t steps() const { return steps_; }
    void setSteps(std::int64_t n) { steps_ = n; }

private:
    void moveByAdam(Parameter&, const at::Tensor& gradient, double learningRate) const;
    void moveByMuon(double scale, double learningRate);

    Recipe recipe_;
    std::vector<Parameter> parameters_;
    std::int64_t steps_ = 0;
};

/// About the orthogonal factors of some matrices (their singular values brought to 0.7 .. 1.2) by five
/// Newton-Schulz steps. Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024.
/// @param matrices  count, rows, columns
/// @param numbers   of the products; bfloat16 is enough (as that source has it)
at::Tensor orthogonalised(const at::Tensor& matrices, at::ScalarType numbers);

/// The rate of a step by the recipe's schedule; 0 at its last sample.
double learningRateAt(std::int64_t step, const Recipe&);

/// Moving average of all weights, running statistics of BatchNorm included. Frozen weights stay what they
/// are, bit by bit.
class MovingAverage {
public:
    MovingAverage(const net::Weights&, const Recipe&);
    /// `steps` optimiser steps since the last call; early on the average follows more closely.
    void follow(const net::Weights&, double decay, std::int64_t steps, std::int64_t stepsInAll);
    net::Weights& weights() { return average_; }
    const net::Weights& weights() const { return average_; }

private:
    Recipe recipe_;
    net::Weights average_;
};

} // namespace tandem::train
