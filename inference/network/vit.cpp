#include "inference/network/layers.h"
#include "inference/network/training_ops.h"

#include <torch/version.h>

#include <algorithm>
#include <cmath>

namespace tandem::net {
namespace {

// The relative table (L, hd) as (n, n, hd) by query and key position; resampled along its length if it was
// made for another grid (linear, half-pixel centres).
at::Tensor relativeTable(at::Tensor table, std::int64_t n) {
    if (table.size(0) != 2 * n - 1)
        table = at::upsample_linear1d(table.t().unsqueeze(0), {2 * n - 1}, false)[0].t();
    const at::Tensor i = at::arange(n, table.options().dtype(at::kLong));
    const at::Tensor index = i.unsqueeze(1) - i.unsqueeze(0) + (n - 1);
    return table.index_select(0, index.flatten()).view({n, n, table.size(1)});
}

struct RelativeBias {
    at::Tensor rows, columns; // n, H, W, H and n, H, W, W
};

RelativeBias relativeBias(const View& v, const at::Tensor& q, std::int64_t H, std::int64_t W) {
    const at::Tensor q2 = q.view({q.size(0), H, W, q.size(2)}); // unscaled
    return {at::einsum("nijc,ikc->nijk", {q2, relativeTable(v["rel_pos_h"], H)}),
            at::einsum("nijc,jkc->nijk", {q2, relativeTable(v["rel_pos_w"], W)})};
}

at::Tensor attendPublished(const at::Tensor& q, const at::Tensor& k, const at::Tensor& value,
                           const RelativeBias& bias, std::int64_t H, std::int64_t W) {
    at::Tensor scores = at::matmul(q * std::pow(static_cast<double>(q.size(2)), -0.5), k.transpose(1, 2));
    if (bias.rows.defined())
        scores = (scores.view({-1, H, W, H, W}) + bias.rows.unsqueeze(4) + bias.columns.unsqueeze(3))
                     .view({-1, H * W, H * W});
    return at::matmul(scores.softmax(-1), value);
}

// How many score matrices fit in the memory set aside for them.
std::int64_t scoreRows(const at::Tensor& q) {
    const std::int64_t bytes = q.size(1) * q.size(1) * static_cast<std::int64_t>(q.element_size());
    const std::int64_t budget = q.is_cuda() ? std::int64_t{1} << 30 : std::int64_t{48} << 20;
    return std::clamp<std::int64_t>(budget / bytes, 1, q.size(0));
}

// The same without gradients: few heads at a time, so that the scores stay small and their memory is used
// again.
at::Tensor attendInPlace(const at::Tensor& q, const at::Tensor& k, const at::Tensor& value,
                         const RelativeBias& bias, std::int64_t H, std::int64_t W) {
    const double scale = std::pow(static_cast<double>(q.size(2)), -0.5);
    const std::int64_t tokens = H * W, step = scoreRows(q);
    at::Tensor out = at::empty_like(q, at::MemoryFormat::Contiguous);
    at::Tensor scores = at::empty({step, tokens, tokens}, q.options());
    at::Tensor weights = at::empty_like(scores);
    for (std::int64_t at0 = 0; at0 < q.size(0); at0 += step) {
        const std::int64_t n = std::min(step, q.size(0) - at0);
        at::Tensor s = scores.narrow(0, 0, n), w = weights.narrow(0, 0, n), o = out.narrow(0, at0, n);
        at::bmm_out(s, q.narrow(0, at0, n) * scale, k.narrow(0, at0, n).transpose(1, 2));
        if (bias.rows.defined())
            s.view({n, H, W, H, W})
                .add_(bias.rows.narrow(0, at0, n).unsqueeze(4))
                .add_(bias.columns.narrow(0, at0, n).unsqueeze(3));
        at::_softmax_out(w, s, -1, false);
        at::bmm_out(o, w, value.narrow(0, at0, n));
    }
    return out;
}

// softmax(q k^T / sqrt(width of q)) value; all n, 1, tokens, features.
at::Tensor fusedProduct(const at::Tensor& q, const at::Tensor& k, const at::Tensor& value) {
#if TORCH_VERSION_MAJOR >= 2
    return at::scaled_dot_product_attention(q, k, value);
#else
    return std::get<0>(at::_scaled_dot_product_attention(q, k, value));
#endif
}

// The relative positions as further features: with the query's bias towards each row and column in q, and the
// key's row and column one-hot in k, q k^T holds their sum. Widths are filled up to a multiple of 8, which
// the kernels ask for.
at::Tensor attendFused(const at::Tensor& q, const at::Tensor& k, const at::Tensor& value,
                       const RelativeBias& bias, std::int64_t H, std::int64_t W) {
    const std::int64_t n = q.size(0), tokens = H * W, own = q.size(2);
    const double scale = std::pow(static_cast<double>(own), -0.5);
    std::vector<at::Tensor> queries{q * scale}, keys{k};
    if (bias.rows.defined()) {
        const auto oneHot = [&](std::int64_t count, bool rows) {
            const at::Tensor eye = at::eye(count, q.options().dtype(at::kFloat)).to(q.scalar_type());
            return (rows ? eye.unsqueeze(1).expand({H, W, H}) : eye.unsqueeze(0).expand({H, W, W}))
                .reshape({1, tokens, count})
                .expand({n, tokens, count});
        };
        queries.insert(queries.end(),
                       {bias.rows.reshape({n, tokens, H}), bias.columns.reshape({n, tokens, W})});
        keys.insert(keys.end(), {oneHot(H, true), oneHot(W, false)});
    }
    std::int64_t width = 0;
    for (const at::Tensor& part : queries)
        width += part.size(2);
    const std::int64_t filled = (width + 7) / 8 * 8;
    const auto widened = [&](const at::Tensor& x) {
        return at::constant_pad_nd(x, {0, filled - x.size(2)}).unsqueeze(1);
    };
    const double undo = std::sqrt(static_cast<double>(filled)); // the operator divides by it
    return fusedProduct(widened(at::cat(queries, 2) * undo), widened(at::cat(keys, 2)), widened(value))
        .squeeze(1)
        .narrow(2, 0, own)
        .contiguous();
}

// With gradients.
at::Tensor attendInTraining(const at::Tensor& q, const at::Tensor& k, const at::Tensor& value,
                            const RelativeBias& bias, std::int64_t H, std::int64_t W) {
    if (q.is_cuda() && !bias.rows.defined()) // keeps no score matrix there
        return fusedProduct(q.unsqueeze(1), k.unsqueeze(1), value.unsqueeze(1)).squeeze(1);
    std::optional<at::Tensor> out;
    if (!bias.rows.defined())
        out = attendInCache(q, k, value, std::pow(static_cast<double>(q.size(2)), -0.5));
    return out ? *out : attendPublished(q, k, value, bias, H, W);
}

at::Tensor attention(const View& v, const at::Tensor& x, int heads, const Forward& forward) {
    const std::int64_t B = x.size(0), H = x.size(1), W = x.size(2), D = x.size(3), hd = D / heads;
    const at::Tensor qkv = linear(v.at("qkv"), x)
                               .reshape({B, H * W, 3, heads, hd})
                               .permute({2, 0, 3, 1, 4})
                               .reshape({3, B * heads, H * W, hd});
    const at::Tensor q = qkv[0], k = qkv[1], value = qkv[2];
    const RelativeBias bias = v.find("rel_pos_h").defined() ? relativeBias(v, q, H, W) : RelativeBias{};
    const at::Tensor out = forward.publishedAttention ? attendPublished(q, k, value, bias, H, W)
                           : differentiable(qkv)      ? attendInTraining(q, k, value, bias, H, W)
                           : forward.fusedAttention   ? attendFused(q, k, value, bias, H, W)
                                                      : attendInPlace(q, k, value, bias, H, W);
    return linear(v.at("proj"),
                  out.view({B, heads, H, W, hd}).permute({0, 2, 3, 1, 4}).reshape({B, H, W, D}));
}

// Windows of w x w, padded with zeros at the bottom and right after the norm.
at::Tensor windowAttention(const View& v, const at::Tensor& x, int heads, std::int64_t w,
                           const Forward& forward) {
    const std::int64_t B = x.size(0), H = x.size(1), W = x.size(2), D = x.size(3);
    const std::int64_t padH = (w - H % w) % w, padW = (w - W % w) % w, nh = (H + padH) / w,
                       nw = (W + padW) / w;
    const at::Tensor padded = padH || padW ? at::constant_pad_nd(x, {0, 0, 0, padW, 0, padH}) : x;
    const at::Tensor windows =
        padded.reshape({B, nh, w, nw, w, D}).permute({0, 1, 3, 2, 4, 5}).reshape({-1, w, w, D});
    return attention(v, windows, heads, forward)
        .view({B, nh, nw, w, w, D})
        .permute({0, 1, 3, 2, 4, 5})
        .reshape({B, nh * w, nw * w, D})
        .narrow(1, 0, H)
        .narrow(2, 0, W);
}

} // namespace

at::Tensor vitBlock(const View& v, const at::Tensor& x, const NetworkConfig& c, int window,
                    const Forward& forward) {
    const at::Tensor y = layerNorm(v.at("norm1"), x, c.vitLnEps);
    const at::Tensor attended = window ? windowAttention(v.at("attn"), y, c.numHeads, window, forward)
                                       : attention(v.at("attn"), y, c.numHeads, forward);
    const at::Tensor z = x + attended;
    const at::Tensor hidden = at::gelu(linear(v.at("mlp.lin1"), layerNorm(v.at("norm2"), z, c.vitLnEps)));
    return z + linear(v.at("mlp.lin2"), hidden);
}

} // namespace tandem::net
