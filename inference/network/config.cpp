#include "inference/network/config.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace tandem::net {
namespace {

constexpr std::array<std::string_view, 4> kVariants{"sam", "paper", "two_branch", "four_branch"};
constexpr std::array<std::string_view, 3> kPreprocess{"sam", "medsam", "focus"};
constexpr std::array<std::string_view, 3> kCabPositions{"stage", "block", "none"};
constexpr std::array<std::string_view, 3> kFusions{"mask", "dane", "multi_dane"};

constexpr int kLargest = 1 << 20; // no size of a network is larger

// Reads typed members of one JSON object; the first problem is kept.
class Reader {
public:
    Reader(const JsonValue& object, std::string where, std::string& problem)
        : object_(object), where_(std::move(where)), problem_(problem) {}

    const JsonValue* find(std::string_view key) const {
        const JsonValue* v = object_.find(key);
        return v && !v->isNull() ? v : nullptr;
    }
    void wrong(std::string_view key) const {
        if (problem_.empty())
            problem_ = "the value of '" + where_ + std::string(key) + "' is not usable";
    }

    void read(std::string_view key, int& out, int least = 1) const {
        readInteger(find(key), key, out, least);
    }
    void read(std::string_view key, bool& out) const {
        const JsonValue* v = find(key);
        if (v && !v->isBool())
            return wrong(key);
        out = v ? v->boolOr(out) : out;
    }
    void read(std::string_view key, double& out, double least = 0) const {
        const JsonValue* v = find(key);
        if (v && !(v->isNumber() && v->numberOr(-1) >= least && v->numberOr(0) <= kLargest))
            return wrong(key);
        out = v ? v->numberOr(out) : out;
    }
    template <class Enum, std::size_t N>
    void read(std::string_view key, Enum& out, const std::array<std::string_view, N>& names) const {
        const JsonValue* v = find(key);
        if (!v)
            return;
        const auto found = std::find(names.begin(), names.end(), v->stringOr(""));
        if (found == names.end())
            return wrong(key);
        out = static_cast<Enum>(found - names.begin());
    }
    void read(std::string_view key, std::vector<int>& out, int least) const {
        const JsonValue* v = find(key);
        if (!v)
            return;
        out.clear();
        if (!v->isArray())
            wrong(key);
        for (const JsonValue& item : v->items())
            readInteger(&item, key, out.emplace_back(), least);
    }
    template <class T, std::size_t N>
    void read(std::string_view key, std::array<T, N>& out) const {
        const JsonValue* v = find(key);
        if (!v)
            return;
        if (v->items().size() != N)
            return wrong(key);
        for (std::size_t i = 0; i < N; ++i) {
            const JsonValue& item = v->items()[i];
            if (!item.isNumber() || std::abs(item.numberOr(0)) > kLargest)
                return wrong(key);
            out[i] = static_cast<T>(item.numberOr(0));
        }
    }

private:
    void readInteger(const JsonValue* v, std::string_view key, int& out, int least) const {
        if (!v)
            return;
        const double number = v->numberOr(-1);
        if (number != std::floor(number) || number < least || number > kLargest)
            return wrong(key);
        out = static_cast<int>(number);
    }

    const JsonValue& object_;
    std::string where_;
    std::string& problem_;
};

void readStages(const Reader& in, AdapterConfig& a) {
    const JsonValue* stages = in.find("interaction_indexes");
    if (!stages)
        return;
    a.interactionIndexes.clear();
    for (const JsonValue& stage : stages->items()) {
        const auto& ends = stage.items();
        if (ends.size() != 2)
            return in.wrong("interaction_indexes");
        a.interactionIndexes.push_back(
            {static_cast<int>(ends[0].integerOr(-1)), static_cast<int>(ends[1].integerOr(-1))});
    }
}

AdapterConfig adapterDefaults(Variant variant) {
    AdapterConfig a;
    if (variant == Variant::Paper) {
        a.levels = {2};
        a.cabGelu = a.crossPreNorm = a.ffnMix = a.preNeckNorm = false;
        a.fusion = Fusion::Mask;
    } else if (variant == Variant::FourBranch) {
        a.cabPosition = CabPosition::None;
        a.fusion = Fusion::MultiDane;
    }
    return a;
}

void readAdapter(const JsonValue& object, Variant variant, AdapterConfig& a, std::string& problem) {
    const Reader in(object, "adapter.", problem);
    a = adapterDefaults(variant);
    in.read("num_heads", a.numHeads);
    in.read("n_points", a.nPoints);
    in.read("expand_ratio", a.expandRatio);
    in.read("ln_eps", a.lnEps);
    in.read("ln2d_eps", a.ln2dEps);
    in.read("bn_eps", a.bnEps);
    readStages(in, a);
    in.read("levels", a.levels, 1);
    in.read("conv_widths", a.convWidths);
    in.read("conv_layer_norm", a.convLayerNorm);
    in.read("cab_position", a.cabPosition, kCabPositions);
    int order = a.cabBefore ? 0 : 1, act = a.cabGelu ? 1 : 0, ffn = a.ffnMix ? 1 : 0;
    in.read("cab_order", order, std::array<std::string_view, 2>{"before", "after"});
    in.read("cab_act", act, std::array<std::string_view, 2>{"none", "gelu"});
    in.read("ffn", ffn, std::array<std::string_view, 2>{"mlp", "mix"});
    a.cabBefore = order == 0;
    a.cabGelu = act == 1;
    a.ffnMix = ffn == 1;
    in.read("cab_expand_ratio", a.cabExpandRatio);
    in.read("se_ratio", a.seRatio);
    in.read("se_divisor", a.seDivisor);
    in.read("cross_pre_norm", a.crossPreNorm);
    in.read("pre_neck_norm", a.preNeckNorm);
    in.read("fusion", a.fusion, kFusions);
    in.read("fusion_reduction", a.fusionReduction);
    in.read("fusion_num_conv", a.fusionNumConv);
    in.read("fusion_expand_ratio", a.fusionExpandRatio);
}

void readDecoder(const JsonValue& object, DecoderConfig& d, std::string& problem) {
    const Reader in(object, "decoder.", problem);
    in.read("depth", d.depth);
    in.read("num_heads", d.numHeads);
    in.read("mlp_dim", d.mlpDim);
    in.read("attention_downsample_rate", d.attentionDownsampleRate);
    in.read("num_multimask_outputs", d.numMultimaskOutputs, 0);
    in.read("iou_head_depth", d.iouHeadDepth);
    in.read("iou_head_hidden_dim", d.iouHeadHiddenDim);
}

// The stages must cover blocks in order, each block once.
bool stagesFit(const NetworkConfig& c) {
    int next = 0;
    for (const auto& [first, last] : c.adapter->interactionIndexes) {
        if (first != next || last < first || last >= c.depth)
            return false;
        next = last + 1;
    }
    return !c.adapter->interactionIndexes.empty();
}

constexpr int kWidest = 1 << 16, kMany = 256; // no layer is wider, no count of layers or heads larger
constexpr int kMostPoints = 25; // of a head on each of up to five maps: deformable sampling has room for 128

// Whether a layer that is so many times as wide as the tokens can be.
bool widthFits(const NetworkConfig& c, double ratio) {
    return ratio * c.embedDim >= 1 && ratio * c.embedDim <= kWidest;
}

std::string adapterProblem(const NetworkConfig& c) {
    const AdapterConfig& a = *c.adapter;
    if (!widthFits(c, a.expandRatio) || !widthFits(c, a.cabExpandRatio) ||
        (a.fusionExpandRatio > 0 && !widthFits(c, a.fusionExpandRatio)))
        return "an expand_ratio of the adapter makes a layer that cannot be";
    if (a.seRatio > kMany || a.seDivisor > kWidest || a.nPoints > kMostPoints || a.fusionNumConv > kMany ||
        *std::max_element(a.convWidths.begin(), a.convWidths.end()) > kWidest)
        return "a size of the adapter is beyond what Tandem runs";
    if (c.patchSize != 16)
        return "patch_size must be 16 beside a convolution branch";
    if (c.embedDim % a.numHeads)
        return "adapter.num_heads does not divide embed_dim";
    if (!stagesFit(c))
        return "adapter.interaction_indexes do not cut the blocks into stages";
    if (a.levels.empty() || std::any_of(a.levels.begin(), a.levels.end(), [](int l) { return l > 4; }) ||
        !std::is_sorted(a.levels.begin(), a.levels.end(), std::less_equal<>()))
        return "adapter.levels must be rising numbers of 1..4";
    if ((c.variant == Variant::Paper) != (a.fusion == Fusion::Mask) ||
        (c.variant == Variant::FourBranch) != (a.fusion == Fusion::MultiDane))
        return "adapter.fusion does not belong to this variant";
    if (c.variant == Variant::Paper && a.levels.size() != 1)
        return "the variant paper has exactly one level";
    if (c.variant == Variant::FourBranch && a.fusionNumConv < static_cast<int>(a.levels.size()))
        return "adapter.fusion_num_conv is smaller than the number of levels";
    if (c.embedDim < a.fusionReduction || *std::min_element(a.convWidths.begin(), a.convWidths.end()) < 1)
        return "adapter.fusion_reduction or conv_widths are impossible";
    return {};
}

// Sizes that do not fit each other, in words; empty if all do.
std::string refinerProblem(const NetworkConfig& c) {
    const RefinerConfig& r = *c.refiner;
    if (c.preprocess != Preprocess::Focus)
        return "a refiner needs the preprocess 'focus'";
    if (r.cells % 16 || r.cells > 512)
        return "refiner.cells must be a multiple of 16 up to 512";
    const int widest = *std::max_element(r.widths.begin(), r.widths.end());
    if (*std::min_element(r.widths.begin(), r.widths.end()) < 1 ||
        std::max({widest, r.likeness, r.detail, r.head}) > 1024)
        return "a size of the refiner is beyond what Tandem runs";
    return {};
}

std::string problemOf(const NetworkConfig& c) {
    if (c.imageSize % c.patchSize)
        return "image_size is not a multiple of patch_size";
    if (c.imageSize > 8192 || c.depth > 256 || c.embedDim > 16384 || c.outChans > 4096 || c.inChans > 16)
        return "a size is beyond what Tandem runs";
    if (c.embedDim % c.numHeads)
        return "num_heads does not divide embed_dim";
    if (!widthFits(c, c.mlpRatio))
        return "mlp_ratio makes a layer that cannot be";
    if (c.outChans % 8)
        return "out_chans is not a multiple of 8";
    if (c.maskInChans % 4)
        return "prompt.mask_in_chans is not a multiple of 4";
    const DecoderConfig& d = c.decoder;
    if (c.maskInChans > kWidest || c.relPosGrid.value_or(1) > kWidest || c.windowSize > kWidest ||
        d.mlpDim > kWidest || d.iouHeadHiddenDim > kWidest || d.depth > kMany || d.iouHeadDepth > kMany ||
        d.numMultimaskOutputs > kMany || d.numHeads > kMany || d.attentionDownsampleRate > kMany)
        return "a size is beyond what Tandem runs";
    if (c.outChans % (d.attentionDownsampleRate * d.numHeads))
        return "the decoder's heads do not divide its attention width";
    for (const int g : c.globalAttnIndexes)
        if (g >= c.depth)
            return "global_attn_indexes names a block that does not exist";
    if (c.variant != Variant::Sam && !c.adapter)
        return "the key 'adapter' is missing";
    if (c.refiner)
        if (std::string problem = refinerProblem(c); !problem.empty())
            return problem;
    return c.variant == Variant::Sam ? std::string() : adapterProblem(c);
}

void readRefiner(const JsonValue& object, RefinerConfig& r, std::string& problem) {
    const Reader in(object, "refiner.", problem);
    in.read("cells", r.cells);
    in.read("crop_scale", r.cropScale, 1);
    in.read("widths", r.widths);
    in.read("likeness", r.likeness);
    in.read("detail", r.detail);
    in.read("head", r.head);
    in.read("bn_eps", r.bnEps);
}

void readNetwork(const Reader& in, NetworkConfig& c) {
    in.read("image_size", c.imageSize);
    in.read("patch_size", c.patchSize);
    in.read("in_chans", c.inChans);
    in.read("embed_dim", c.embedDim);
    in.read("depth", c.depth);
    in.read("num_heads", c.numHeads);
    in.read("mlp_ratio", c.mlpRatio);
    in.read("qkv_bias", c.qkvBias);
    in.read("use_abs_pos", c.useAbsPos);
    in.read("use_rel_pos", c.useRelPos);
    if (int relPosGrid = 0; in.find("rel_pos_grid")) {
        in.read("rel_pos_grid", relPosGrid);
        c.relPosGrid = relPosGrid;
    }
    in.read("window_size", c.windowSize, 0);
    in.read("global_attn_indexes", c.globalAttnIndexes, 0);
    in.read("vit_ln_eps", c.vitLnEps);
    in.read("out_chans", c.outChans);
    in.read("pixel_mean", c.pixelMean);
    in.read("pixel_std", c.pixelStd);
    in.read("preprocess", c.preprocess, kPreprocess);
}

template <class Values>
JsonValue::Array listOf(const Values& values) {
    JsonValue::Array list;
    for (const auto& v : values)
        list.emplace_back(v);
    return list;
}

JsonValue adapterToJson(const AdapterConfig& a) {
    JsonValue out{JsonValue::Object{}};
    out.set("num_heads", a.numHeads);
    out.set("n_points", a.nPoints);
    out.set("expand_ratio", a.expandRatio);
    out.set("ln_eps", a.lnEps);
    out.set("ln2d_eps", a.ln2dEps);
    JsonValue::Array stages;
    for (const auto& ends : a.interactionIndexes)
        stages.emplace_back(listOf(ends));
    out.set("interaction_indexes", std::move(stages));
    out.set("conv_widths", listOf(a.convWidths));
    out.set("conv_layer_norm", a.convLayerNorm);
    out.set("bn_eps", a.bnEps);
    out.set("levels", listOf(a.levels));
    out.set("cab_position", kCabPositions[static_cast<std::size_t>(a.cabPosition)]);
    out.set("cab_order", a.cabBefore ? "before" : "after");
    out.set("cab_act", a.cabGelu ? "gelu" : "none");
    out.set("cab_expand_ratio", a.cabExpandRatio);
    out.set("se_ratio", a.seRatio);
    out.set("se_divisor", a.seDivisor);
    out.set("cross_pre_norm", a.crossPreNorm);
    out.set("ffn", a.ffnMix ? "mix" : "mlp");
    out.set("pre_neck_norm", a.preNeckNorm);
    out.set("fusion", kFusions[static_cast<std::size_t>(a.fusion)]);
    out.set("fusion_reduction", a.fusionReduction);
    out.set("fusion_expand_ratio", a.fusionExpandRatio);
    out.set("fusion_num_conv", a.fusionNumConv);
    return out;
}

JsonValue decoderToJson(const DecoderConfig& d) {
    JsonValue out{JsonValue::Object{}};
    out.set("depth", d.depth);
    out.set("num_heads", d.numHeads);
    out.set("mlp_dim", d.mlpDim);
    out.set("attention_downsample_rate", d.attentionDownsampleRate);
    out.set("num_multimask_outputs", d.numMultimaskOutputs);
    out.set("iou_head_depth", d.iouHeadDepth);
    out.set("iou_head_hidden_dim", d.iouHeadHiddenDim);
    return out;
}

JsonValue refinerToJson(const RefinerConfig& r) {
    JsonValue out{JsonValue::Object{}};
    out.set("cells", r.cells);
    out.set("crop_scale", r.cropScale);
    out.set("widths", listOf(r.widths));
    out.set("likeness", r.likeness);
    out.set("detail", r.detail);
    out.set("head", r.head);
    out.set("bn_eps", r.bnEps);
    return out;
}

} // namespace

std::string_view variantName(Variant v) {
    return kVariants[static_cast<std::size_t>(v)];
}

std::string_view preprocessName(Preprocess p) {
    return kPreprocess[static_cast<std::size_t>(p)];
}

int AdapterConfig::seHidden(int embedDim) const {
    const int mid = static_cast<int>(cabExpandRatio * embedDim);
    return std::max(seDivisor, static_cast<int>(mid * seRatio + seDivisor / 2.0) / seDivisor * seDivisor);
}

bool NetworkConfig::isGlobalBlock(int block) const {
    return windowSize == 0 ||
           std::find(globalAttnIndexes.begin(), globalAttnIndexes.end(), block) != globalAttnIndexes.end();
}

Result<NetworkConfig> configFromJson(const JsonValue& json) {
    NetworkConfig c;
    std::string problem;
    const Reader in(json, "", problem);
    if (!json.isObject() || !in.find("variant"))
        return Error{ErrorCode::ModelInvalid, "The network's configuration has no key 'variant'."};
    in.read("variant", c.variant, kVariants);
    if (c.variant == Variant::TwoBranch || c.variant == Variant::FourBranch)
        c.vitLnEps = 1e-5;
    readNetwork(in, c);
    if (const JsonValue* prompt = in.find("prompt"))
        Reader(*prompt, "prompt.", problem).read("mask_in_chans", c.maskInChans);
    if (const JsonValue* decoder = in.find("decoder"))
        readDecoder(*decoder, c.decoder, problem);
    if (const JsonValue* adapter = in.find("adapter"); adapter && c.variant != Variant::Sam)
        readAdapter(*adapter, c.variant, c.adapter.emplace(), problem);
    if (const JsonValue* refiner = in.find("refiner"))
        readRefiner(*refiner, c.refiner.emplace(), problem);
    if (problem.empty())
        problem = problemOf(c);
    if (!problem.empty())
        return Error{ErrorCode::ModelInvalid, "The network's configuration is wrong: " + problem + "."};
    return c;
}

JsonValue configToJson(const NetworkConfig& c) {
    JsonValue out{JsonValue::Object{}};
    out.set("variant", variantName(c.variant));
    out.set("image_size", c.imageSize);
    out.set("patch_size", c.patchSize);
    out.set("in_chans", c.inChans);
    out.set("embed_dim", c.embedDim);
    out.set("depth", c.depth);
    out.set("num_heads", c.numHeads);
    out.set("mlp_ratio", c.mlpRatio);
    out.set("qkv_bias", c.qkvBias);
    out.set("use_abs_pos", c.useAbsPos);
    out.set("use_rel_pos", c.useRelPos);
    out.set("rel_pos_grid", c.relPosGrid ? JsonValue(*c.relPosGrid) : JsonValue());
    out.set("window_size", c.windowSize);
    out.set("global_attn_indexes", listOf(c.globalAttnIndexes));
    out.set("vit_ln_eps", c.vitLnEps);
    out.set("out_chans", c.outChans);
    out.set("prompt", JsonValue::Object{{"mask_in_chans", c.maskInChans}});
    out.set("decoder", decoderToJson(c.decoder));
    out.set("pixel_mean", listOf(c.pixelMean));
    out.set("pixel_std", listOf(c.pixelStd));
    out.set("preprocess", preprocessName(c.preprocess));
    if (c.adapter)
        out.set("adapter", adapterToJson(*c.adapter));
    if (c.refiner)
        out.set("refiner", refinerToJson(*c.refiner));
    return out;
}

} // namespace tandem::net
