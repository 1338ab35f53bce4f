#include "inference/engine/encoder.h"

#include "inference/engine/adapter.h"
#include "inference/engine/vit.h"

#include <algorithm>

namespace tandem::engine {

using kernels::Activation;
using kernels::ConstMatrix;
using kernels::Matrix;

namespace {

struct Stage {
    int first = 0, last = 0;
    std::vector<CrossBlock> cross; ///< vit and conv side, or the two joint blocks
};

// Planes of side x side cut into patches: a row in x kernel x kernel for each patch.
void cutPatches(kernels::Workers& workers, std::span<const float> image, std::size_t side, std::size_t patch,
                Matrix out) {
    const std::size_t grid = side / patch, channels = out.columns / (patch * patch);
    workers.run(out.rows, [&](std::size_t token, int) {
        float* to = out.row(token);
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t y = 0; y < patch; ++y, to += patch)
                std::copy_n(&image[(c * side + token / grid * patch + y) * side + token % grid * patch],
                            patch, to);
    });
}

} // namespace

struct FastEncoder::Parts {
    net::NetworkConfig config;
    Linear patches, neck0;
    std::vector<float> position;
    std::vector<VitBlock> blocks;
    std::vector<ConvBranch> branches;
    std::vector<ChannelAttention> cabs;
    std::vector<Stage> stages;
    std::optional<Fusion> fusion;
    std::optional<Norm> preNeck;
    Norm neck1, neck3;
    kernels::PackedWeights neck2;

    Parts(const net::NetworkConfig&, const WeightSource&, kernels::Numbers);
    void addAdapter(const Keys&);
    std::size_t tokens() const { return static_cast<std::size_t>(config.grid() * config.grid()); }
    std::size_t dim() const { return static_cast<std::size_t>(config.embedDim); }
    int partCount() const {
        return 2 + config.depth + (config.adapter ? 2 + 2 * static_cast<int>(stages.size()) : 0);
    }
};

FastEncoder::Parts::Parts(const net::NetworkConfig& c, const WeightSource& source, kernels::Numbers numbers)
    : config(c) {
    const Keys k(source, "image_encoder.", numbers);
    const Keys patch = k.at("patch_embed.proj"), neck = k.at("neck");
    patches = Linear(patch.inFloat32(), static_cast<std::size_t>(c.inChans * c.patchSize * c.patchSize));
    if (c.useAbsPos) {
        const auto p = k["pos_embed"];
        position.assign(p.begin(), p.end());
    }
    for (int i = 0; i < c.depth; ++i) {
        const auto& global = c.globalAttnIndexes;
        const bool whole = c.windowSize == 0 || std::find(global.begin(), global.end(), i) != global.end();
        blocks.emplace_back(k.at("blocks", static_cast<std::size_t>(i)), c, whole);
    }
    const auto width = static_cast<std::size_t>(c.outChans);
    neck0 = Linear(neck.at("0"), dim());
    neck1 = Norm(neck.at("1"), 1e-6);
    neck2 = kernels::packConvolution(neck["2.weight"].data(), width, width, 3, nullptr, numbers);
    neck3 = Norm(neck.at("3"), 1e-6);
    if (c.adapter)
        addAdapter(k.at("adapter"));
}

void FastEncoder::Parts::addAdapter(const Keys& k) {
    const net::AdapterConfig& a = *config.adapter;
    const std::size_t levels = a.levels.size();
    const auto embed = k.find("level_embed");
    for (std::size_t l = 0; l < levels; ++l)
        branches.emplace_back(k.at("spatial_prior_module.lcb" + std::to_string(a.levels[l])), config,
                              a.levels[l], embed.empty() ? embed : embed.subspan(l * dim(), dim()));
    for (std::size_t s = 0; s < a.interactionIndexes.size(); ++s) {
        Stage stage{a.interactionIndexes[s][0], a.interactionIndexes[s][1], {}};
        if (config.variant == net::Variant::FourBranch) {
            stage.cross.emplace_back(k.at("self_attn_blocks", s), config, levels + 1);
            stage.cross.emplace_back(k.at("self_attn_blocks1", s), config, levels + 1);
        } else {
            stage.cross.emplace_back(k.at("vit_cross_attn_blocks", s), config, levels);
            stage.cross.emplace_back(k.at("conv_cross_attn_blocks", s), config, 1);
        }
        stages.push_back(std::move(stage));
    }
    const std::size_t count = a.cabPosition == net::CabPosition::Block   ? blocks.size()
                              : a.cabPosition == net::CabPosition::Stage ? stages.size()
                                                                         : 0;
    for (std::size_t i = 0; i < count; ++i)
        cabs.emplace_back(k.at("vit_conv_blocks", i), config);
    fusion.emplace(k, config);
    if (a.preNeckNorm)
        preNeck = Norm(k.at("norm"), a.lnEps);
}

namespace {

// One pass: the parts of an encoder over one workspace.
template <class Parts>
class Pass {
public:
    Pass(const Parts& parts, Workspace& workspace) : p_(parts), w_(workspace) {}

    void run(std::span<const float> image, std::span<float> embedding) {
        const std::size_t maps = 1 + p_.branches.size();
        all_ = w_.features.shaped(maps * p_.tokens(), p_.dim());
        embedPatches(image);
        if (p_.fusion)
            dual(image);
        else
            blocks(0, p_.config.depth - 1);
        neck(embedding);
    }

private:
    Matrix vit() const { return all_.slice(0, p_.tokens()); }
    Matrix conv() const { return all_.slice(p_.tokens(), all_.rows - p_.tokens()); }

    void step(const std::string& part) {
        if (w_.hooks.step)
            w_.hooks.step(part, std::min(1.0, static_cast<double>(++done_) / p_.partCount()));
    }

    void embedPatches(std::span<const float> image) {
        const Matrix cut = w_.wide.shaped(p_.tokens(), p_.patches.weights.inputs);
        cutPatches(w_.workers, image, static_cast<std::size_t>(p_.config.imageSize),
                   static_cast<std::size_t>(p_.config.patchSize), cut);
        const ConstMatrix position{p_.position.data(), p_.tokens(), p_.dim(), p_.dim()};
        kernels::linear(
            w_.workers, cut, p_.patches.weights,
            {p_.patches.biasData(), Activation::None, p_.position.empty() ? ConstMatrix{} : position}, vit());
        step("patch_embed");
    }

    void blocks(int first, int last) {
        for (int i = first; i <= last; ++i) {
            p_.blocks[static_cast<std::size_t>(i)].run(w_, vit());
            w_.record("block." + std::to_string(i), vit());
            step("block." + std::to_string(i));
            if (p_.config.adapter && p_.config.adapter->cabPosition == net::CabPosition::Block)
                cab(static_cast<std::size_t>(i));
        }
    }

    void cab(std::size_t i) {
        p_.cabs[i].run(w_, vit());
        w_.record("cab." + std::to_string(i), vit());
        step("cab." + std::to_string(i));
    }

    void recordMaps(const std::string& prefix, Matrix maps) const {
        for (std::size_t j = 0; j < maps.rows / p_.tokens(); ++j)
            w_.record(prefix + std::to_string(j), maps.slice(j * p_.tokens(), p_.tokens()));
    }

    // Both directions read the old maps; of the joint blocks the second reads what the first wrote.
    void cross(const Stage& stage, const std::string& s) {
        const std::size_t tokens = p_.tokens(), rest = all_.rows - tokens;
        const Matrix next = w_.other.shaped(all_.rows, all_.columns);
        if (p_.config.variant == net::Variant::FourBranch) {
            stage.cross[0].run(w_, all_, all_, next);
            recordMaps("self_attn_blocks." + s + ".", next);
            stage.cross[1].run(w_, next, next, all_);
            recordMaps("self_attn_blocks1." + s + ".", all_);
            return;
        }
        stage.cross[0].run(w_, vit(), conv(), next.slice(0, tokens));
        stage.cross[1].run(w_, conv(), vit(), next.slice(tokens, rest));
        std::swap(w_.features, w_.other);
        all_ = next;
        w_.record("vit_cross." + s, vit());
        recordMaps("conv_cross." + s + ".", conv());
    }

    void dual(std::span<const float> image) {
        const net::AdapterConfig& a = *p_.config.adapter;
        for (std::size_t l = 0; l < p_.branches.size(); ++l)
            p_.branches[l].run(w_, image, conv().slice(l * p_.tokens(), p_.tokens()));
        step("conv_branch");
        const bool perStage = a.cabPosition == net::CabPosition::Stage;
        for (std::size_t s = 0; s < p_.stages.size(); ++s) {
            blocks(p_.stages[s].first, p_.stages[s].last);
            if (perStage && a.cabBefore)
                cab(s);
            cross(p_.stages[s], std::to_string(s));
            step("cross." + std::to_string(s));
            if (perStage && !a.cabBefore)
                cab(s);
        }
        p_.fusion->run(w_, vit(), conv());
        w_.record("fused", vit());
        step("fusion");
    }

    void neck(std::span<float> embedding) {
        const std::size_t width = p_.neck0.outputs();
        const auto grid = static_cast<std::size_t>(p_.config.grid());
        const Matrix narrow = w_.qkv.shaped(p_.tokens(), width), out = w_.mixed.shaped(p_.tokens(), width);
        const kernels::RowNorm norm = p_.preNeck ? p_.preNeck->view() : kernels::RowNorm{};
        kernels::linear(w_.workers, vit(), p_.neck0.weights, {}, narrow, p_.preNeck ? &norm : nullptr);
        kernels::layerNorm(w_.workers, narrow, p_.neck1.view(), narrow);
        kernels::convolve(w_.workers, {grid, grid, width, 3, 1, 1}, narrow, p_.neck2, {}, out);
        kernels::layerNorm(w_.workers, out, p_.neck3.view(), out);
        kernels::rowsToPlanes(w_.workers, out, embedding.data());
        w_.record("neck", out);
        step("neck");
    }

    const Parts& p_;
    Workspace& w_;
    Matrix all_; ///< the ViT's map, then the convolution side's
    int done_ = 0;
};

} // namespace

FastEncoder::FastEncoder(const net::NetworkConfig& c, const WeightSource& source, kernels::Numbers numbers)
    : parts_(std::make_unique<Parts>(c, source, numbers)) {}
FastEncoder::~FastEncoder() = default;
FastEncoder::FastEncoder(FastEncoder&&) noexcept = default;

bool FastEncoder::supports(const net::NetworkConfig& c) {
    return !c.adapter || (c.adapter->cabExpandRatio == 1 && c.patchSize == 16);
}

void FastEncoder::encode(kernels::Workers& workers, std::span<const float> image, std::span<float> embedding,
                         const Hooks& hooks) const {
    Workspace workspace{workers, hooks, {}, {}, {}, {}, {}, {}, {}, {}, {}};
    Pass(*parts_, workspace).run(image, embedding);
    workers.releaseScratch();
}

} // namespace tandem::engine
