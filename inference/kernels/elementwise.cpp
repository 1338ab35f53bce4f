#include "inference/kernels/elementwise.h"

#include <algorithm>
#include <vector>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/elementwise.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
#include "inference/kernels/micro_kernel-inl.h"
#include "inference/kernels/vector_math-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {
using namespace vm;

HWY_INLINE V activate(Activation a, V x) {
    if (a == Activation::Relu)
        return hn::Max(x, hn::Zero(d));
    return a == Activation::Gelu ? vm::gelu(x) : x;
}

// One row of pixels of the output.
void depthwiseRow(std::size_t y, std::size_t height, std::size_t width, ConstMatrix in, const float* weights,
                  const float* bias, Activation activation, Matrix out) {
    const std::size_t channels = in.columns;
    for (std::size_t c = 0; c < channels; c += lanes) {
        const std::size_t n = channels - c;
        V tap[9];
        for (std::size_t t = 0; t < 9; ++t)
            tap[t] = loadPart(weights + t * channels + c, n);
        const V start = bias ? loadPart(bias + c, n) : hn::Zero(d);
        for (std::size_t x = 0; x < width; ++x) {
            V sum = start;
            for (std::size_t t = 0; t < 9; ++t) {
                const std::size_t sy = y + t / 3, sx = x + t % 3; // one more than the source
                if (sy >= 1 && sy <= height && sx >= 1 && sx <= width)
                    sum = hn::MulAdd(tap[t], loadPart(in.row((sy - 1) * width + sx - 1) + c, n), sum);
            }
            storePart(activate(activation, sum), out.row(y * width + x) + c, n);
        }
    }
}

// out[c][r] = in[r][c]
void transposeTile(const float* in, std::size_t inStride, std::size_t rows, std::size_t columns, float* out,
                   std::size_t outStride) {
    const auto load = [&](std::size_t r, std::size_t c, std::size_t n) {
        return loadPart(in + r * inStride + c, n);
    };
    transposeRows(rows, columns, load, out, outStride);
}

void geluRow(float* row, std::size_t n) {
    for (std::size_t i = 0; i < n; i += lanes)
        storePart(vm::gelu(loadPart(row + i, n - i)), row + i, n - i);
}

void siluRow(float* row, std::size_t n) {
    for (std::size_t i = 0; i < n; i += lanes) {
        const V x = loadPart(row + i, n - i);
        storePart(hn::Mul(x, sigmoid(x)), row + i, n - i);
    }
}

void scaleRow(float* row, const float* scale, std::size_t n) {
    for (std::size_t i = 0; i < n; i += lanes)
        storePart(hn::Mul(loadPart(row + i, n - i), loadPart(scale + i, n - i)), row + i, n - i);
}

// `a` is one float if wide is false.
void gateRow(const float* a, bool wide, const float* b, const float* first, const float* second, float* out,
             std::size_t n) {
    for (std::size_t i = 0; i < n; i += lanes) {
        const V left = wide ? loadPart(a + i, n - i) : set(*a);
        const V m = sigmoid(hn::Add(left, loadPart(b + i, n - i)));
        const V s = loadPart(second + i, n - i);
        storePart(hn::MulAdd(m, hn::Sub(loadPart(first + i, n - i), s), s), out + i, n - i);
    }
}

void softmaxMixRow(const ConstMatrix* scores, const ConstMatrix* features, std::size_t count, std::size_t row,
                   float* out, std::size_t n) {
    for (std::size_t i = 0; i < n; i += lanes) {
        V top = loadPart(scores[0].row(row) + i, n - i);
        for (std::size_t j = 1; j < count; ++j)
            top = hn::Max(top, loadPart(scores[j].row(row) + i, n - i));
        V sum = hn::Zero(d), mixed = hn::Zero(d);
        for (std::size_t j = 0; j < count; ++j) {
            const V weight = vm::exp(hn::Sub(loadPart(scores[j].row(row) + i, n - i), top));
            sum = hn::Add(sum, weight);
            mixed = hn::MulAdd(weight, loadPart(features[j].row(row) + i, n - i), mixed);
        }
        storePart(hn::Div(mixed, sum), out + i, n - i);
    }
}

} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(depthwiseRow);
HWY_EXPORT(transposeTile);
HWY_EXPORT(geluRow);
HWY_EXPORT(siluRow);
HWY_EXPORT(scaleRow);
HWY_EXPORT(gateRow);
HWY_EXPORT(softmaxMixRow);

namespace {

// body(row) for every row, in blocks.
template <class Body>
void forRows(Workers& workers, std::size_t rows, const Body& body) {
    constexpr std::size_t block = 32;
    workers.run((rows + block - 1) / block, [&](std::size_t task, int) {
        for (std::size_t r = task * block; r < std::min(rows, (task + 1) * block); ++r)
            body(r);
    });
}

} // namespace

void rowsToPlanes(Workers& workers, ConstMatrix rows, float* planes) {
    constexpr std::size_t strip = 64; // columns at a time
    workers.run((rows.columns + strip - 1) / strip, [&](std::size_t task, int) {
        const std::size_t c = task * strip;
        HWY_DYNAMIC_DISPATCH(transposeTile)
        (rows.data + c, rows.stride, rows.rows, std::min(strip, rows.columns - c), planes + c * rows.rows,
         rows.rows);
    });
}

void depthwise3x3(Workers& workers, std::size_t height, std::size_t width, ConstMatrix in,
                  const float* weights, const float* bias, Activation activation, Matrix out) {
    workers.run(height, [&](std::size_t y, int) {
        HWY_DYNAMIC_DISPATCH(depthwiseRow)(y, height, width, in, weights, bias, activation, out);
    });
}

FloatBuffer packDepthwise(const float* weight, std::size_t channels) {
    FloatBuffer packed(9 * channels);
    for (std::size_t c = 0; c < channels; ++c)
        for (std::size_t t = 0; t < 9; ++t)
            packed.data()[t * channels + c] = weight[c * 9 + t];
    return packed;
}

void gelu(Workers& workers, Matrix m) {
    forRows(workers, m.rows, [&](std::size_t r) { HWY_DYNAMIC_DISPATCH(geluRow)(m.row(r), m.columns); });
}

void silu(Workers& workers, Matrix m) {
    forRows(workers, m.rows, [&](std::size_t r) { HWY_DYNAMIC_DISPATCH(siluRow)(m.row(r), m.columns); });
}

void columnMeans(ConstMatrix m, float* means) {
    std::vector<double> sum(m.columns, 0.0);
    for (std::size_t r = 0; r < m.rows; ++r)
        for (std::size_t c = 0; c < m.columns; ++c)
            sum[c] += m.row(r)[c];
    for (std::size_t c = 0; c < m.columns; ++c)
        means[c] = static_cast<float>(sum[c] / static_cast<double>(m.rows));
}

void scaleColumns(Workers& workers, Matrix m, const float* scale) {
    forRows(workers, m.rows, [&](std::size_t r) {
        HWY_DYNAMIC_DISPATCH(scaleRow)(m.row(r), scale, m.columns);
    });
}

void gateMix(Workers& workers, ConstMatrix a, ConstMatrix b, ConstMatrix first, ConstMatrix second,
             Matrix out) {
    forRows(workers, out.rows, [&](std::size_t r) {
        HWY_DYNAMIC_DISPATCH(gateRow)
        (a.row(r), a.columns == out.columns && a.columns > 1, b.row(b.rows == 1 ? 0 : r), first.row(r),
         second.row(r), out.row(r), out.columns);
    });
}

void softmaxMix(Workers& workers, std::span<const ConstMatrix> scores, std::span<const ConstMatrix> features,
                Matrix out) {
    forRows(workers, out.rows, [&](std::size_t r) {
        HWY_DYNAMIC_DISPATCH(softmaxMixRow)
        (scores.data(), features.data(), scores.size(), r, out.row(r), out.columns);
    });
}

} // namespace tandem::kernels
#endif
