#pragma once
// Private to inference/predict/: the conventions `sam` and `medsam`, where one embedding serves a whole
// slice.

#include "inference/predict/engine.h"

#include <array>
#include <vector>

namespace tandem::predict {

/// How a slice lies in the network's input.
struct SliceFrame {
    std::int64_t width = 0, height = 0;    ///< of the slice, SlicePx
    std::array<std::int64_t, 2> resized{}; ///< height and width inside the input, ModelPx

    /// SlicePx to ModelPx as the published code does it: indices times the ratio of the sizes.
    Point<ModelPx> modelFromSlice(const Point<SlicePx>& p) const {
        return {{p[0] * static_cast<double>(resized[1]) / static_cast<double>(width),
                 p[1] * static_cast<double>(resized[0]) / static_cast<double>(height)}};
    }
};
SliceFrame sliceFrame(const net::NetworkConfig&, std::int64_t width, std::int64_t height);

/// The network's input for a slice: 1, 3, S, S.
at::Tensor wholeSliceInput(const net::NetworkConfig&, const SliceImage&, GreyWindow);

/// One object's answer on the slice's grid.
struct ObjectAnswer {
    std::vector<float> logits; ///< height * width
    float predictedIou = 0;
};
/// Asks for all objects on one embedding; objects of a box alone are decoded together.
/// @param check  called between the decodes; may throw Stopped
std::vector<ObjectAnswer> answerWholeSlice(Engine&, const at::Tensor& embedding, const SliceFrame&,
                                           const std::vector<Prompts>&, bool usesPoints,
                                           const std::function<void()>& check);

/// How many masks of other sizes than the answer's there are for an object.
int otherSizesOf(const net::NetworkConfig&, const Prompts&);
/// The n-th of them (0 on), the one that the model thinks best of first.
ObjectAnswer answerOtherSize(Engine&, const at::Tensor& embedding, const SliceFrame&, const Prompts&,
                             bool usesPoints, int n);

} // namespace tandem::predict
