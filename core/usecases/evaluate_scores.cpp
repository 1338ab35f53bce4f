#include "core/usecases/evaluate_scores.h"

#include "core/files/csv.h"
#include "core/files/json.h"
#include "core/measure/overlap.h"
#include "core/measure/surface_dice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace tandem {
namespace {

constexpr double tolerance = 2; // mm, or px of a picture

// The part of slices that any mask touches, so that surfaces are looked for nowhere else.
struct Window {
    std::int64_t x0 = 1 << 30, y0 = 1 << 30, x1 = -1, y1 = -1;
    void cover(const SliceMask& m) {
        for (std::int64_t y = 0; y < m.height; ++y)
            for (std::int64_t x = 0; x < m.width; ++x)
                if (m.at(x, y)) {
                    x0 = std::min(x0, x);
                    x1 = std::max(x1, x);
                    y0 = std::min(y0, y);
                    y1 = std::max(y1, y);
                }
    }
    bool empty() const { return x1 < 0; }
    std::int64_t width() const { return x1 - x0 + 1; }
    std::int64_t height() const { return y1 - y0 + 1; }
    void append(const SliceMask& m, std::vector<std::uint8_t>& to) const {
        for (std::int64_t y = y0; y <= y1; ++y)
            for (std::int64_t x = x0; x <= x1; ++x)
                to.push_back(m.at(x, y));
    }
};

std::string rounded(double v) {
    if (!std::isfinite(v))
        return "";
    char text[32];
    std::snprintf(text, sizeof text, "%.6f", v);
    return text;
}

void setGuess(JsonValue& v, const std::optional<IouGuess>& guess) {
    if (!guess)
        return;
    v.set("predicted_iou", guess->predicted);
    v.set("predicted_iou_error", guess->error);
}

struct Sums {
    EvaluateMean mean;
    std::int64_t nsds = 0;
    MeanGuess guess;
    std::map<std::string, std::pair<double, double>> sets; // sum of DSC, count
};

} // namespace

void MeanGuess::add(const IouGuess& g) {
    sum_.predicted += g.predicted;
    sum_.error += g.error;
    ++count_;
}

std::optional<IouGuess> MeanGuess::mean() const {
    if (count_ == 0)
        return std::nullopt;
    const auto n = static_cast<double>(count_);
    return IouGuess{sum_.predicted / n, sum_.error / n};
}

void StackScore::add(SliceKey key, const SliceMask& truth, const SliceMask& mask,
                     std::optional<double> predictedIou) {
    ++slices_;
    if (predictedIou) {
        const double both = dice(mask, truth);
        guess_.add({*predictedIou, std::abs(*predictedIou - both / (2 - both))});
    }
    const auto [at, isNew] = bySlice_.try_emplace(key.index, Pair{truth, mask});
    if (isNew)
        return;
    for (std::size_t i = 0; i < truth.inside.size(); ++i) {
        at->second.truth.inside[i] |= truth.inside[i];
        at->second.mask.inside[i] |= mask.inside[i];
    }
}

double StackScore::dsc() const {
    std::int64_t both = 0, sum = 0;
    for (const auto& [index, p] : bySlice_)
        for (std::size_t i = 0; i < p.truth.inside.size(); ++i) {
            both += p.truth.inside[i] && p.mask.inside[i];
            sum += (p.truth.inside[i] != 0) + (p.mask.inside[i] != 0);
        }
    return sum == 0 ? 1 : 2.0 * static_cast<double>(both) / static_cast<double>(sum);
}

double StackScore::nsd() const {
    return everySlice_ && bySlice_.size() > 1 ? volumeNsd() : meanSliceNsd();
}

double StackScore::volumeNsd() const {
    Window w;
    for (const auto& [index, p] : bySlice_) {
        w.cover(p.truth);
        w.cover(p.mask);
    }
    const std::int64_t first = bySlice_.begin()->first, last = bySlice_.rbegin()->first;
    std::vector<std::uint8_t> truth, mask;
    const SliceMask none(bySlice_.begin()->second.truth.width, bySlice_.begin()->second.truth.height);
    for (std::int64_t index = first; index <= last;
         ++index) { // slices without the structure lie between some
        const auto found = bySlice_.find(index);
        w.append(found == bySlice_.end() ? none : found->second.truth, truth);
        w.append(found == bySlice_.end() ? none : found->second.mask, mask);
    }
    const auto inPlane = sliceSpacing(grid_, plane_);
    const double along = grid_.spacing()[static_cast<std::size_t>(sliceAxes(grid_, plane_).slice)];
    return surfaceDice(truth, mask, {w.width(), w.height(), last - first + 1}, tolerance,
                       {inPlane[0], inPlane[1], along});
}

double StackScore::meanSliceNsd() const {
    const bool picture = grid_.size()[2] == 1;
    const auto inPlane = picture ? std::array<double, 2>{1, 1} : sliceSpacing(grid_, plane_);
    double sum = 0, count = 0;
    for (const auto& [index, p] : bySlice_) {
        Window w;
        w.cover(p.truth);
        w.cover(p.mask);
        if (w.empty())
            continue;
        std::vector<std::uint8_t> truth, mask;
        w.append(p.truth, truth);
        w.append(p.mask, mask);
        sum += surfaceDice(truth, mask, {w.width(), w.height(), 1}, tolerance, {inPlane[0], inPlane[1], 1});
        ++count;
    }
    return count > 0 ? sum / count : std::nan("");
}

std::vector<EvaluateMean> meansOf(const std::vector<EvaluateRow>& rows) {
    std::vector<Sums> all;
    for (const EvaluateRow& row : rows) {
        auto at = std::find_if(all.begin(), all.end(), [&](const Sums& s) {
            return s.mean.method == row.method && s.mean.clicks == row.clicks;
        });
        if (at == all.end()) {
            at = all.emplace(all.end());
            at->mean.method = row.method;
            at->mean.clicks = row.clicks;
        }
        ++at->mean.structures;
        at->mean.dsc += row.dsc;
        if (row.guess)
            at->guess.add(*row.guess);
        if (std::isfinite(row.nsd)) {
            at->mean.nsd += row.nsd;
            ++at->nsds;
        }
        auto& set = at->sets[row.source];
        set.first += row.dsc;
        set.second += 1;
    }
    std::vector<EvaluateMean> means;
    for (Sums& s : all) {
        s.mean.dsc /= static_cast<double>(s.mean.structures);
        s.mean.guess = s.guess.mean();
        s.mean.nsd = s.nsds > 0 ? s.mean.nsd / static_cast<double>(s.nsds) : std::nan("");
        for (const auto& [name, set] : s.sets)
            s.mean.dscOfSets += set.first / set.second / static_cast<double>(s.sets.size());
        means.push_back(s.mean);
    }
    return means;
}

std::optional<IouGuess> StackScore::guess() const {
    return guess_.mean();
}

std::string reportAsJson(const EvaluateReport& report) {
    JsonValue rows{JsonValue::Array{}}, means{JsonValue::Array{}};
    for (const EvaluateRow& r : report.rows) {
        JsonValue v;
        v.set("case", r.caseName);
        v.set("modality", r.modality);
        v.set("source", r.source);
        v.set("label", r.label);
        v.set("name", r.name);
        v.set("method", r.method);
        v.set("protocol", std::string(protocolName(r.protocol)));
        v.set("clicks", r.clicks);
        v.set("n", r.slices);
        v.set("dsc", r.dsc);
        v.set("nsd", r.nsd);
        setGuess(v, r.guess);
        rows.append(std::move(v));
    }
    for (const EvaluateMean& m : report.means) {
        JsonValue v;
        v.set("method", m.method);
        v.set("clicks", m.clicks);
        v.set("structures", m.structures);
        v.set("dsc", m.dsc);
        v.set("nsd", m.nsd);
        v.set("dsc_mean_of_sources", m.dscOfSets);
        setGuess(v, m.guess);
        if (const auto to90 = report.clicksTo90.find(m.method); to90 != report.clicksTo90.end())
            v.set("clicks_to_dsc_0_90", to90->second);
        means.append(std::move(v));
    }
    JsonValue json;
    json.set("rows", std::move(rows));
    json.set("means", std::move(means));
    return writeJson(json, 1) + "\n";
}

std::string reportAsCsv(const EvaluateReport& report) {
    std::string text = "case,modality,source,label,name,method,protocol,clicks,n,dsc,nsd,predicted_iou,"
                       "predicted_iou_error\n";
    for (const EvaluateRow& r : report.rows)
        text += csvCell(r.caseName) + "," + csvCell(r.modality) + "," + csvCell(r.source) + "," +
                std::to_string(r.label) + "," + csvCell(r.name) + "," + csvCell(r.method) + "," +
                std::string(protocolName(r.protocol)) + "," + std::to_string(r.clicks) + "," +
                std::to_string(r.slices) + "," + rounded(r.dsc) + "," + rounded(r.nsd) + "," +
                (r.guess ? rounded(r.guess->predicted) + "," + rounded(r.guess->error) : ",") + "\n";
    return text;
}

} // namespace tandem
