#include "inference/bench/flops.h"

namespace tandem::bench {
namespace {

double blockFlop(const net::NetworkConfig& c, int block) {
    const double n = static_cast<double>(c.grid()) * c.grid(), D = c.embedDim;
    const double side = c.isGlobalBlock(block) ? c.grid() : c.windowSize;
    const double linears = 2 * n * D * (4 * D + 2.0 * c.mlpDim());
    const double attention = 4 * n * side * side * D;
    const double bias = c.useRelPos ? 4 * n * side * D : 0;
    return linears + attention + bias;
}

double convBranchFlop(const net::NetworkConfig& c, int level) {
    constexpr std::array<std::array<int, 3>, 4> strides{{{2, 2, 2}, {2, 2, 1}, {2, 1, 1}, {1, 1, 1}}};
    const auto& widths = c.adapter->convWidths;
    double side = c.imageSize >> level, in = c.inChans, flop = 0;
    for (std::size_t j = 0; j < 3; ++j) {
        side /= strides[static_cast<std::size_t>(level - 1)][j];
        const double out = widths[j];
        flop += 2 * side * side * (9 * in * out + out * out);
        in = out;
    }
    return flop + 2 * side * side * in * c.embedDim;
}

// One deformable attention with its feed forward.
double crossFlop(const net::NetworkConfig& c, double queryMaps, double valueMaps) {
    const net::AdapterConfig& a = *c.adapter;
    const double n = static_cast<double>(c.grid()) * c.grid(), D = c.embedDim;
    const double samples = valueMaps * a.nPoints, hidden = c.embedDim * a.expandRatio;
    const double projections = 2 * n * D * D * (queryMaps + valueMaps);
    const double offsets = 2 * n * queryMaps * D * 3 * a.numHeads * samples;
    const double sampling = 2 * n * queryMaps * samples * D * 5; // four neighbours, then the weight
    const double feed = 2 * n * queryMaps * hidden * (2 * D + (a.ffnMix ? 9 : 0));
    return projections + offsets + sampling + feed;
}

double fusionFlop(const net::NetworkConfig& c) {
    const net::AdapterConfig& a = *c.adapter;
    const double n = static_cast<double>(c.grid()) * c.grid(), D = c.embedDim,
                 r = c.embedDim / a.fusionReduction;
    const double feed = 4 * n * D * D * a.fusionExpandRatio, maps = static_cast<double>(a.levels.size());
    if (a.fusion == net::Fusion::Mask)
        return 2 * 4 * n * D * r;
    if (a.fusion == net::Fusion::Dane)
        return 2 * n * maps * D * D + 2 * n * D + feed;
    return 4 * n * D * r * (maps + 1) + feed;
}

double adapterFlop(const net::NetworkConfig& c) {
    const net::AdapterConfig& a = *c.adapter;
    const double n = static_cast<double>(c.grid()) * c.grid(), D = c.embedDim,
                 maps = static_cast<double>(a.levels.size());
    const double stages = static_cast<double>(a.interactionIndexes.size()), mid = a.cabExpandRatio * D;
    const double cabs = a.cabPosition == net::CabPosition::None    ? 0
                        : a.cabPosition == net::CabPosition::Block ? c.depth
                                                                   : stages;
    double flop = cabs * 2 * n * (9 * mid + mid * D) + fusionFlop(c);
    for (const int level : a.levels)
        flop += convBranchFlop(c, level);
    if (c.variant == net::Variant::FourBranch)
        return flop + stages * 2 * crossFlop(c, maps + 1, maps + 1);
    return flop + stages * (crossFlop(c, 1, maps) + crossFlop(c, maps, 1));
}

} // namespace

double necessaryGflop(const net::NetworkConfig& c) {
    const double n = static_cast<double>(c.grid()) * c.grid(), D = c.embedDim, C = c.outChans;
    double flop = 2 * n * D * c.patchSize * c.patchSize * c.inChans + 2 * n * C * (D + 9 * C);
    for (int i = 0; i < c.depth; ++i)
        flop += blockFlop(c, i);
    if (c.adapter)
        flop += adapterFlop(c);
    return flop / 1e9;
}

double upscaleGflop(const net::NetworkConfig& c) {
    const double n = static_cast<double>(c.grid()) * c.grid(), C = c.outChans;
    return 2 * n * 4 * (C / 4) * (C / 2) / 1e9;
}

} // namespace tandem::bench
