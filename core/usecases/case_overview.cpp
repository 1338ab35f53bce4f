#include "core/usecases/case_overview.h"

#include <algorithm>

namespace tandem {
namespace {

// Files without a modality: the range of a CT is unmistakable (air near -1000, nothing beyond metal).
bool looksLikeHounsfield(const Volume& volume, const std::string& modality, std::array<double, 2> range) {
    if (volume.components() != 1)
        return false;
    if (volume.intensity() == Intensity::Hounsfield || modality == "CT")
        return true;
    return modality.empty() && range[0] <= -900 && range[0] >= -3100 && range[1] > 200;
}

GreyWindow automaticWindow(const Volume& volume, bool hounsfield) {
    if (!hounsfield)
        return defaultWindow(volume);
    const std::vector<double> q = volume.quantiles({0.01, 0.99});
    return {(q[0] + q[1]) / 2, std::max(1.0, q[1] - q[0]), volume.shownInverted()};
}

} // namespace

std::vector<LabelExtent> labelExtents(const LabelMap& map) {
    std::vector<LabelExtent> extents;
    const Size3 size = map.grid().size();
    const std::uint16_t* row = map.labels().data();
    for (std::int64_t k = 0; k < size[2]; ++k)
        for (std::int64_t j = 0; j < size[1]; ++j, row += size[0])
            for (std::int64_t i = 0; i < size[0];) {
                const std::int64_t start = i;
                const std::uint16_t label = row[i];
                while (i < size[0] && row[i] == label)
                    ++i;
                if (label == 0)
                    continue;
                if (label >= extents.size())
                    extents.resize(label + 1u, LabelExtent{0, size, {-1, -1, -1}});
                LabelExtent& e = extents[label];
                e.voxels += i - start;
                e.first = {std::min(e.first[0], start), std::min(e.first[1], j), std::min(e.first[2], k)};
                e.last = {std::max(e.last[0], i - 1), std::max(e.last[1], j), std::max(e.last[2], k)};
            }
    return extents;
}

CaseOverview overviewOf(const Volume& volume, const std::string& modality, const LabelMap& labels) {
    CaseOverview overview;
    overview.range = volume.range();
    overview.hounsfield = looksLikeHounsfield(volume, modality, overview.range);
    overview.automatic = automaticWindow(volume, overview.hounsfield);
    overview.labels = labelExtents(labels);
    return overview;
}

} // namespace tandem
