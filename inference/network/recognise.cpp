#include "inference/network/config.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace tandem::net {
namespace {

using Shape = std::vector<std::int64_t>;

// The keys and shapes of a state dict, asked by key.
class Shapes {
public:
    explicit Shapes(const ShapeList& list) : map_(list.begin(), list.end()) {}

    bool has(const std::string& key) const { return map_.contains(key); }
    bool hasPrefix(const std::string& prefix) const {
        const auto at = map_.lower_bound(prefix);
        return at != map_.end() && at->first.compare(0, prefix.size(), prefix) == 0;
    }
    // One size of a tensor; remembers the key when it is not there.
    int size(const std::string& key, std::size_t axis) {
        const auto at = map_.find(key);
        if (at == map_.end() || axis >= at->second.size() || at->second[axis] < 1 ||
            at->second[axis] > (1 << 24)) {
            missing_ = missing_.empty() ? key : missing_;
            return 1;
        }
        return static_cast<int>(at->second[axis]);
    }
    // How many of prefix0., prefix1., ... there are.
    int countModules(const std::string& prefix) const {
        int n = 0;
        while (n < 10000 && hasPrefix(prefix + std::to_string(n) + "."))
            ++n;
        return n;
    }
    const std::string& missing() const { return missing_; }

private:
    std::map<std::string, Shape> map_;
    std::string missing_;
};

// The smallest simple ratio r with int(whole * r) == part.
double ratioOf(int part, int whole) {
    const double exact = static_cast<double>(part) / whole;
    const double rounded = std::round(exact * 1000) / 1000;
    return static_cast<int>(whole * rounded) == part ? rounded : exact + 1e-9;
}

struct PublishedVit {
    int embedDim, depth, heads;
    std::vector<int> global;
};
const std::vector<PublishedVit>& publishedVits() {
    static const std::vector<PublishedVit> rows{
        {768, 12, 12, {2, 5, 8, 11}}, {1024, 24, 16, {5, 11, 17, 23}}, {1280, 32, 16, {7, 15, 23, 31}}};
    return rows;
}

class Recogniser {
public:
    explicit Recogniser(const ShapeList& list) : s_(list) {}

    Result<NetworkConfig> run() {
        if (!s_.has("image_encoder.patch_embed.proj.weight") || !s_.hasPrefix("mask_decoder."))
            return unknown(
                "its keys are not those of SAM, MedSAM or DB-SAM (no image_encoder.patch_embed or no "
                "mask_decoder)");
        recogniseVariant();
        recogniseVit();
        recogniseWindows();
        recognisePromptAndDecoder();
        if (c_.variant != Variant::Sam)
            recogniseAdapter(c_.adapter.emplace());
        if (problem_.empty() && !s_.missing().empty())
            problem_ = "the key '" + s_.missing() + "' is missing";
        if (!problem_.empty())
            return unknown(problem_);
        return configFromJson(configToJson(c_)); // checks what belongs together
    }

private:
    static Error unknown(const std::string& words) {
        return Error{ErrorCode::ModelInvalid,
                     "The network of this checkpoint is not recognised: " + words +
                         ". A configuration beside it (same name, .json) would tell."};
    }
    void problem(std::string words) { problem_ = problem_.empty() ? std::move(words) : problem_; }

    void recogniseVariant() {
        const std::string a = "image_encoder.adapter.";
        if (s_.hasPrefix(a + "self_attn_blocks."))
            c_.variant = Variant::FourBranch;
        else if (s_.hasPrefix(a + "aggregation."))
            c_.variant = Variant::TwoBranch;
        else if (s_.hasPrefix(a))
            c_.variant = Variant::Paper;
        c_.vitLnEps = c_.variant == Variant::TwoBranch || c_.variant == Variant::FourBranch ? 1e-5 : 1e-6;
    }

    void recogniseVit() {
        const std::string e = "image_encoder.", block = e + "blocks.0.";
        c_.embedDim = s_.size(e + "patch_embed.proj.weight", 0);
        c_.inChans = s_.size(e + "patch_embed.proj.weight", 1);
        c_.patchSize = s_.size(e + "patch_embed.proj.weight", 2);
        c_.depth = s_.countModules(e + "blocks.");
        c_.useAbsPos = s_.has(e + "pos_embed");
        const int grid = c_.useAbsPos ? s_.size(e + "pos_embed", 1) : 1024 / c_.patchSize;
        c_.imageSize = grid * c_.patchSize;
        c_.qkvBias = s_.has(block + "attn.qkv.bias");
        c_.useRelPos = s_.has(block + "attn.rel_pos_h");
        c_.mlpRatio = ratioOf(s_.size(block + "mlp.lin1.weight", 0), c_.embedDim);
        c_.outChans = s_.size(e + "neck.0.weight", 0);
        const int headDim = c_.useRelPos ? s_.size(block + "attn.rel_pos_h", 1) : 64;
        c_.numHeads = std::max(1, c_.embedDim / headDim);
        if (c_.numHeads * headDim != c_.embedDim)
            problem("the number of attention heads cannot be told from " + std::to_string(c_.embedDim) +
                    " channels");
    }

    // Windowed blocks have the shorter relative tables.
    void recogniseWindows() {
        std::vector<int> sides;
        for (int i = 0; c_.useRelPos && i < c_.depth; ++i)
            sides.push_back(
                (s_.size("image_encoder.blocks." + std::to_string(i) + ".attn.rel_pos_h", 0) + 1) / 2);
        const std::set<int> kinds(sides.begin(), sides.end());
        c_.globalAttnIndexes.clear();
        if (kinds.size() == 2) {
            c_.windowSize = *kinds.begin();
            for (int i = 0; i < c_.depth; ++i)
                if (sides[static_cast<std::size_t>(i)] != c_.windowSize)
                    c_.globalAttnIndexes.push_back(i);
            if (*kinds.rbegin() != c_.grid())
                c_.relPosGrid = *kinds.rbegin();
        } else if (kinds.size() == 1 && *kinds.begin() == c_.grid()) {
            c_.windowSize = 0;
        } else {
            usePublishedWindows();
        }
    }

    void usePublishedWindows() {
        for (const PublishedVit& row : publishedVits())
            if (row.embedDim == c_.embedDim && row.depth == c_.depth && !c_.useRelPos) {
                c_.windowSize = 14;
                c_.globalAttnIndexes = row.global;
                c_.numHeads = row.heads;
                return;
            }
        problem("which blocks see the whole image cannot be told from the shapes");
    }

    void recognisePromptAndDecoder() {
        const std::string q = "mask_decoder.", layer = q + "transformer.layers.0.";
        c_.maskInChans = s_.size("prompt_encoder.mask_downscaling.3.weight", 0);
        DecoderConfig& d = c_.decoder;
        d.depth = s_.countModules(q + "transformer.layers.");
        d.mlpDim = s_.size(layer + "mlp.lin1.weight", 0);
        d.attentionDownsampleRate =
            std::max(1, c_.outChans / s_.size(layer + "cross_attn_token_to_image.q_proj.weight", 0));
        while (d.numHeads > 1 && c_.outChans / d.attentionDownsampleRate % d.numHeads)
            d.numHeads /= 2; // 8 in everything published
        d.numMultimaskOutputs = s_.size(q + "mask_tokens.weight", 0) - 1;
        d.iouHeadDepth = s_.countModules(q + "iou_prediction_head.layers.");
        d.iouHeadHiddenDim = s_.size(q + "iou_prediction_head.layers.0.weight", 0);
        if (d.iouHeadDepth == 1)
            d.iouHeadHiddenDim = c_.outChans;
    }

    void recogniseStages(AdapterConfig& a, const std::string& p) {
        const int stages =
            std::max(s_.countModules(p + "vit_cross_attn_blocks."), s_.countModules(p + "self_attn_blocks."));
        a.interactionIndexes.clear();
        if (stages < 1 || c_.depth % stages)
            return problem("its " + std::to_string(c_.depth) + " blocks do not divide into " +
                           std::to_string(stages) + " equal stages");
        for (int i = 0, n = c_.depth / stages; i < stages; ++i)
            a.interactionIndexes.push_back({i * n, (i + 1) * n - 1});
    }

    void recogniseConvBranch(AdapterConfig& a, const std::string& p) {
        a.levels.clear();
        for (int k = 1; k <= 4; ++k)
            if (s_.hasPrefix(p + "spatial_prior_module.lcb" + std::to_string(k) + "."))
                a.levels.push_back(k);
        if (a.levels.empty())
            return problem("its convolution branch is missing");
        const std::string q = p + "spatial_prior_module.lcb" + std::to_string(a.levels[0]) + ".";
        a.convWidths = {s_.size(q + "1.conv.weight", 0), s_.size(q + "3.conv.weight", 0),
                        s_.size(q + "5.conv.weight", 0)};
        a.convLayerNorm = s_.has(q + "8.weight");
    }

    void recogniseCross(AdapterConfig& a, const std::string& p) {
        const bool joint = c_.variant == Variant::FourBranch;
        const std::string k = p + (joint ? "self_attn_blocks.0." : "vit_cross_attn_blocks.0.");
        const int valueLevels = static_cast<int>(a.levels.size()) + (joint ? 1 : 0);
        const int samples = s_.size(k + "attn.attention_weights.bias", 0);
        a.nPoints = 4;
        a.numHeads = std::max(1, samples / (valueLevels * a.nPoints));
        if (a.numHeads * valueLevels * a.nPoints != samples || c_.embedDim % a.numHeads)
            problem("the heads and points of its deformable attention cannot be told from the shapes");
        a.crossPreNorm = s_.has(k + "query_norm.weight");
        a.ffnMix = s_.has(k + "mlp.dwconv.dwconv.weight");
        a.expandRatio = ratioOf(s_.size(k + "mlp.fc1.weight", 0), c_.embedDim);
        a.preNeckNorm = s_.has(p + "norm.weight");
    }

    void recogniseChannelAttention(AdapterConfig& a, const std::string& p) {
        const int count = s_.countModules(p + "vit_conv_blocks.");
        a.cabPosition = count == 0                                               ? CabPosition::None
                        : count == static_cast<int>(a.interactionIndexes.size()) ? CabPosition::Stage
                                                                                 : CabPosition::Block;
        a.cabGelu = c_.variant != Variant::Paper;
        if (count == 0)
            return;
        const std::string k = p + "vit_conv_blocks.0.";
        const int mid = s_.size(k + "conv_dw.weight", 0), hidden = s_.size(k + "se.fc1.weight", 0);
        a.cabExpandRatio = ratioOf(mid, c_.embedDim);
        if (a.seHidden(c_.embedDim) != hidden)
            a.seRatio = static_cast<double>(hidden) / mid;
    }

    void recogniseFusion(AdapterConfig& a, const std::string& p) {
        a.fusion = c_.variant == Variant::Paper       ? Fusion::Mask
                   : c_.variant == Variant::TwoBranch ? Fusion::Dane
                                                      : Fusion::MultiDane;
        const std::string g = p + "aggregation.";
        const std::string narrow = a.fusion == Fusion::Mask   ? p + "fusion.fc_d.0.weight"
                                   : a.fusion == Fusion::Dane ? g + "fc_channel.0.weight"
                                                              : g + "vit_fc.0.weight";
        a.fusionReduction = reductionOf(s_.size(narrow, 0));
        if (a.fusion == Fusion::MultiDane)
            a.fusionNumConv = s_.countModules(g + "conv_fc.");
        if (a.fusion != Fusion::Mask)
            a.fusionExpandRatio =
                s_.has(g + "ffn.fc1.weight") ? ratioOf(s_.size(g + "ffn.fc1.weight", 0), c_.embedDim) : 0;
    }

    // A divisor of the width that gives this hidden width, the published 12 first.
    int reductionOf(int hidden) {
        if (c_.embedDim / 12 == hidden)
            return 12;
        const int guess = std::max(1, c_.embedDim / hidden);
        if (c_.embedDim / guess != hidden)
            problem("the fusion's hidden width cannot be told from the shapes");
        return guess;
    }

    void recogniseAdapter(AdapterConfig& a) {
        const std::string p = "image_encoder.adapter.";
        recogniseStages(a, p);
        recogniseConvBranch(a, p);
        if (!problem_.empty())
            return;
        recogniseCross(a, p);
        recogniseChannelAttention(a, p);
        recogniseFusion(a, p);
    }

    Shapes s_;
    NetworkConfig c_;
    std::string problem_;
};

} // namespace

Result<NetworkConfig> recogniseConfig(const ShapeList& shapes) {
    return Recogniser(shapes).run();
}

} // namespace tandem::net
