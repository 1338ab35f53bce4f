#include "inference/network/config.h"

// The state-dict layout of every variant: published names, order and shapes (the tables of the model's
// documentation).
namespace tandem::net {
namespace {

using Shape = std::vector<std::int64_t>;

class Layout {
public:
    explicit Layout(const NetworkConfig& config) : c_(config) {}

    std::vector<WeightSpec> run() {
        imageEncoder();
        if (c_.adapter)
            adapter(*c_.adapter);
        promptEncoder();
        maskDecoder();
        if (c_.refiner)
            refiner(*c_.refiner);
        return std::move(specs_);
    }

private:
    void put(std::string key, Shape shape, WeightKind kind) {
        specs_.push_back({std::move(key), std::move(shape), kind});
    }
    void linear(const std::string& k, std::int64_t in, std::int64_t out, bool bias = true) {
        put(k + ".weight", {out, in}, WeightKind::Weight);
        if (bias)
            put(k + ".bias", {out}, WeightKind::Bias);
    }
    void conv(const std::string& k, std::int64_t in, std::int64_t out, std::int64_t size, bool bias = true,
              std::int64_t groups = 1) {
        put(k + ".weight", {out, in / groups, size, size}, WeightKind::Weight);
        if (bias)
            put(k + ".bias", {out}, WeightKind::Bias);
    }
    void transposedConv(const std::string& k, std::int64_t in, std::int64_t out) {
        put(k + ".weight", {in, out, 2, 2}, WeightKind::Weight);
        put(k + ".bias", {out}, WeightKind::Bias);
    }
    void norm(const std::string& k, std::int64_t width) {
        put(k + ".weight", {width}, WeightKind::NormGain);
        put(k + ".bias", {width}, WeightKind::NormBias);
    }
    void batchNorm(const std::string& k, std::int64_t width) {
        norm(k, width);
        put(k + ".running_mean", {width}, WeightKind::RunningMean);
        put(k + ".running_var", {width}, WeightKind::RunningVar);
        put(k + ".num_batches_tracked", {}, WeightKind::Counter);
    }
    void embedding(const std::string& k, Shape shape) { put(k, std::move(shape), WeightKind::Embedding); }

    void imageEncoder() {
        const std::int64_t D = c_.embedDim, g = c_.grid(), C = c_.outChans;
        const std::string e = "image_encoder.";
        if (c_.useAbsPos)
            embedding(e + "pos_embed", {1, g, g, D});
        conv(e + "patch_embed.proj", c_.inChans, D, c_.patchSize);
        for (int i = 0; i < c_.depth; ++i)
            block(e + "blocks." + std::to_string(i) + ".", i);
        conv(e + "neck.0", D, C, 1, false);
        norm(e + "neck.1", C);
        conv(e + "neck.2", C, C, 3, false);
        norm(e + "neck.3", C);
    }

    void block(const std::string& b, int i) {
        const std::int64_t D = c_.embedDim, M = c_.mlpDim();
        norm(b + "norm1", D);
        if (c_.useRelPos) {
            const int side = c_.isGlobalBlock(i) ? c_.relPosGrid.value_or(c_.grid()) : c_.windowSize;
            put(b + "attn.rel_pos_h", {2 * side - 1, c_.headDim()}, WeightKind::RelativeTable);
            put(b + "attn.rel_pos_w", {2 * side - 1, c_.headDim()}, WeightKind::RelativeTable);
        }
        linear(b + "attn.qkv", D, 3 * D, c_.qkvBias);
        linear(b + "attn.proj", D, D);
        norm(b + "norm2", D);
        linear(b + "mlp.lin1", D, M);
        linear(b + "mlp.lin2", M, D);
    }

    void convLevel(const AdapterConfig& a, const std::string& q) {
        const auto [w1, w2, w3] = a.convWidths;
        const std::array<std::array<int, 3>, 6> units{
            {{c_.inChans, w1, 3}, {w1, w1, 1}, {w1, w2, 3}, {w2, w2, 1}, {w2, w3, 3}, {w3, w3, 1}}};
        for (std::size_t j = 0; j < units.size(); ++j) {
            const auto [in, out, size] = units[j];
            const std::string unit = q + std::to_string(j + 1);
            conv(unit + ".conv", in, out, size, false);
            batchNorm(unit + ".bn", out);
        }
        conv(q + "7.conv", w3, c_.embedDim, 1, false);
        if (a.convLayerNorm)
            norm(q + "8", c_.embedDim);
    }

    void crossBlock(const AdapterConfig& a, const std::string& k, std::int64_t valueLevels) {
        const std::int64_t D = c_.embedDim, samples = a.numHeads * valueLevels * a.nPoints;
        const auto hidden = static_cast<std::int64_t>(c_.embedDim * a.expandRatio);
        if (a.crossPreNorm) {
            norm(k + "query_norm", D);
            norm(k + "value_norm", D);
        }
        put(k + "attn.sampling_offsets.weight", {samples * 2, D}, WeightKind::OffsetWeight);
        put(k + "attn.sampling_offsets.bias", {samples * 2}, WeightKind::OffsetBias);
        put(k + "attn.attention_weights.weight", {samples, D}, WeightKind::AttentionWeight);
        put(k + "attn.attention_weights.bias", {samples}, WeightKind::AttentionBias);
        linear(k + "attn.value_proj", D, D);
        linear(k + "attn.output_proj", D, D);
        norm(k + "ffn_pre_norm", D);
        linear(k + "mlp.fc1", D, hidden);
        if (a.ffnMix)
            conv(k + "mlp.dwconv.dwconv", hidden, hidden, 3, true, hidden);
        linear(k + "mlp.fc2", hidden, D);
    }

    void crossBlocks(const AdapterConfig& a, const std::string& p) {
        const std::size_t stages = a.interactionIndexes.size();
        const auto levels = static_cast<std::int64_t>(a.levels.size());
        const bool joint = c_.variant == Variant::FourBranch;
        const std::array<std::pair<std::string, std::int64_t>, 2> kinds{
            {{joint ? "self_attn_blocks." : "vit_cross_attn_blocks.", joint ? levels + 1 : levels},
             {joint ? "self_attn_blocks1." : "conv_cross_attn_blocks.", joint ? levels + 1 : 1}}};
        for (const auto& [name, valueLevels] : kinds)
            for (std::size_t i = 0; i < stages; ++i)
                crossBlock(a, p + name + std::to_string(i) + ".", valueLevels);
    }

    void channelAttention(const AdapterConfig& a, const std::string& p) {
        std::size_t count = a.interactionIndexes.size();
        if (a.cabPosition == CabPosition::Block)
            count = static_cast<std::size_t>(c_.depth);
        if (c_.variant == Variant::FourBranch ||
            (c_.variant == Variant::Paper && a.cabPosition == CabPosition::None))
            count = 0;
        const std::int64_t D = c_.embedDim, hidden = a.seHidden(c_.embedDim);
        const auto mid = static_cast<std::int64_t>(a.cabExpandRatio * c_.embedDim);
        for (std::size_t i = 0; i < count; ++i) {
            const std::string k = p + "vit_conv_blocks." + std::to_string(i) + ".";
            norm(k + "pre_norm", D);
            conv(k + "conv_dw", D, mid, 3, false, D);
            conv(k + "se.fc1", mid, hidden, 1, false);
            conv(k + "se.fc2", hidden, mid, 1, false);
            conv(k + "conv_pw", mid, D, 1, false);
        }
    }

    void squeeze(const std::string& k, std::int64_t hidden) {
        linear(k + ".0", c_.embedDim, hidden, false);
        norm(k + ".2", hidden);
        linear(k + ".3", hidden, c_.embedDim, false);
    }

    void fusion(const AdapterConfig& a, const std::string& p) {
        const std::int64_t D = c_.embedDim, r = D / a.fusionReduction;
        if (a.fusion == Fusion::Mask) {
            for (const char* side : {"d", "s"}) {
                linear(p + "fusion.fc_" + side + ".0", D, r);
                linear(p + "fusion.fc_" + side + ".2", r, D);
            }
            return;
        }
        const std::string g = p + "aggregation.";
        if (a.fusion == Fusion::Dane) {
            norm(g + "fc_spatial.0", D);
            linear(g + "fc_spatial.1", D, 1, false);
            squeeze(g + "fc_channel", r);
        } else {
            squeeze(g + "vit_fc", r);
            for (int i = 0; i < a.fusionNumConv; ++i)
                squeeze(g + "conv_fc." + std::to_string(i), r);
        }
        if (a.fusionExpandRatio > 0) {
            const auto hidden = static_cast<std::int64_t>(a.fusionExpandRatio * c_.embedDim);
            norm(g + "ffn_norm", D);
            linear(g + "ffn.fc1", D, hidden);
            linear(g + "ffn.fc2", hidden, D);
        }
    }

    void adapter(const AdapterConfig& a) {
        const std::string p = "image_encoder.adapter.";
        const auto levels = static_cast<std::int64_t>(a.levels.size());
        if (c_.variant != Variant::Paper)
            embedding(p + "level_embed", {levels, c_.embedDim});
        for (const int level : a.levels)
            convLevel(a, p + "spatial_prior_module.lcb" + std::to_string(level) + ".");
        crossBlocks(a, p);
        channelAttention(a, p);
        fusion(a, p);
        if (a.preNeckNorm)
            norm(p + "norm", c_.embedDim);
        if (c_.variant == Variant::TwoBranch)
            conv(p + "conv", c_.embedDim * levels, c_.embedDim, 1);
    }

    void promptEncoder() {
        const std::int64_t m = c_.maskInChans, C = c_.outChans;
        const std::string q = "prompt_encoder.";
        put(q + "pe_layer.positional_encoding_gaussian_matrix", {2, C / 2}, WeightKind::FixedCode);
        for (int i = 0; i < 4; ++i)
            embedding(q + "point_embeddings." + std::to_string(i) + ".weight", {1, C});
        embedding(q + "not_a_point_embed.weight", {1, C});
        conv(q + "mask_downscaling.0", 1, m / 4, 2);
        norm(q + "mask_downscaling.1", m / 4);
        conv(q + "mask_downscaling.3", m / 4, m, 2);
        norm(q + "mask_downscaling.4", m);
        conv(q + "mask_downscaling.6", m, C, 1);
        embedding(q + "no_mask_embed.weight", {1, C});
    }

    void attention(const std::string& k, std::int64_t inner) {
        for (const char* name : {"q_proj", "k_proj", "v_proj"})
            linear(k + name, c_.outChans, inner);
        linear(k + "out_proj", inner, c_.outChans);
    }

    void decoderLayer(const std::string& b) {
        const std::int64_t C = c_.outChans, inner = C / c_.decoder.attentionDownsampleRate;
        attention(b + "self_attn.", C);
        norm(b + "norm1", C);
        attention(b + "cross_attn_token_to_image.", inner);
        norm(b + "norm2", C);
        linear(b + "mlp.lin1", C, c_.decoder.mlpDim);
        linear(b + "mlp.lin2", c_.decoder.mlpDim, C);
        norm(b + "norm3", C);
        norm(b + "norm4", C);
        attention(b + "cross_attn_image_to_token.", inner);
    }

    void maskDecoder() {
        const DecoderConfig& d = c_.decoder;
        const std::int64_t C = c_.outChans;
        const std::string q = "mask_decoder.";
        for (int i = 0; i < d.depth; ++i)
            decoderLayer(q + "transformer.layers." + std::to_string(i) + ".");
        attention(q + "transformer.final_attn_token_to_image.", C / d.attentionDownsampleRate);
        norm(q + "transformer.norm_final_attn", C);
        embedding(q + "iou_token.weight", {1, C});
        embedding(q + "mask_tokens.weight", {d.maskTokens(), C});
        transposedConv(q + "output_upscaling.0", C, C / 4);
        norm(q + "output_upscaling.1", C / 4);
        transposedConv(q + "output_upscaling.3", C / 4, C / 8);
        for (int i = 0; i < d.maskTokens(); ++i) {
            const std::string k = q + "output_hypernetworks_mlps." + std::to_string(i) + ".layers.";
            linear(k + "0", C, C);
            linear(k + "1", C, C);
            linear(k + "2", C, C / 8);
        }
        for (int j = 0; j < d.iouHeadDepth; ++j)
            linear(q + "iou_prediction_head.layers." + std::to_string(j), j == 0 ? C : d.iouHeadHiddenDim,
                   j + 1 == d.iouHeadDepth ? d.maskTokens() : d.iouHeadHiddenDim);
    }

    void refinerUnit(const std::string& k, std::int64_t in, std::int64_t out) {
        conv(k + ".conv", in, out, 3, false);
        batchNorm(k + ".bn", out);
    }

    void refiner(const RefinerConfig& r) {
        const std::string q = "refiner.";
        const auto width = [&](std::size_t level) { return static_cast<std::int64_t>(r.widths[level]); };
        for (std::size_t level = 0; level < r.widths.size(); ++level) {
            const std::string k = q + "down." + std::to_string(level);
            refinerUnit(k + ".0", level == 0 ? 4 * refinerChannels : width(level - 1), width(level));
            refinerUnit(k + ".1", width(level), width(level));
        }
        for (std::size_t level = 0; level + 1 < r.widths.size(); ++level)
            refinerUnit(q + "up." + std::to_string(level), width(level) + width(level + 1), width(level));
        conv(q + "likeness", width(0) + width(1), 4 * static_cast<std::int64_t>(r.likeness), 1);
        put(q + "likeness_gain", {4}, WeightKind::NormGain);
        conv(q + "detail", width(0), 4 * static_cast<std::int64_t>(r.detail), 1);
        refinerUnit(q + "finish", r.detail + refinerChannels + 4, r.head);
        conv(q + "head", r.head, 1, 3);
        put(q + "keep", {1}, WeightKind::NormGain);
    }

    const NetworkConfig& c_;
    std::vector<WeightSpec> specs_;
};

} // namespace

bool WeightSpec::trainable() const {
    return kind != WeightKind::RunningMean && kind != WeightKind::RunningVar && kind != WeightKind::Counter &&
           kind != WeightKind::FixedCode;
}

std::int64_t WeightSpec::count() const {
    std::int64_t n = 1;
    for (const std::int64_t s : shape)
        n *= s;
    return n;
}

std::vector<WeightSpec> layoutOf(const NetworkConfig& config) {
    return Layout(config).run();
}

std::int64_t parameterCount(const NetworkConfig& config) {
    std::int64_t n = 0;
    for (const WeightSpec& spec : layoutOf(config))
        n += spec.trainable() ? spec.count() : 0;
    return n;
}

} // namespace tandem::net
