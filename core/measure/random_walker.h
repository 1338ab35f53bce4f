#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tandem {

/// A two-class random walker on a grid of grey values.
struct RandomWalkerProblem {
    std::int64_t width = 0, height = 0;
    std::span<const float> grey;         ///< height * width, about 0..1
    std::span<const std::uint8_t> seeds; ///< 0 free, 1 foreground, 2 background
    double beta = 400;                   ///< edge weight is exp(-beta (difference of grey)^2) + 1e-6
    std::span<const float> prior;        ///< probability of foreground per cell; empty: none
    std::span<const float> priorWeight;  ///< its weight per cell against edge weights of 1; as long as prior
};

/// Probability that a walker from each cell reaches a foreground seed first (4 neighbours); with a prior, the
/// minimum of the walker's energy plus sum priorWeight (x - prior)^2. Seeds keep 1 and 0. Without any seed
/// and prior: 0.5. Solved by conjugate gradients (Jacobi) to a relative residual of `tolerance`. Thread: any;
/// pure. Sources: Grady, Random walks for image segmentation, 2006; Grady, Multilabel random walker with
/// priors, 2005.
std::vector<float> randomWalker(const RandomWalkerProblem&, double tolerance = 1e-3, int iterations = 400);

} // namespace tandem
