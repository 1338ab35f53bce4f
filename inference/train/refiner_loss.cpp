#include "inference/train/refiner_loss.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>

namespace tandem::train {
namespace {

constexpr int mostPrompts = 5;

at::Tensor gathered(const std::vector<TrainingSample>& samples, int cells, at::Device device,
                    const std::function<const std::vector<float>&(const TrainingSample&)>& part) {
    std::vector<at::Tensor> parts;
    for (const TrainingSample& s : samples)
        parts.push_back(
            at::from_blob(const_cast<float*>(part(s).data()), {1, cells, cells}, at::kFloat)); // stack copies
    return at::stack(parts).to(device);
}

// A smooth field of k x k normal numbers.
at::Tensor field(int cells, Random& r) {
    constexpr std::array<int, 3> sides{3, 5, 9};
    const int k = sides[static_cast<std::size_t>(r.below(3))];
    at::Tensor coarse = at::empty({1, 1, k, k});
    std::generate_n(coarse.data_ptr<float>(), k * k, [&r] { return static_cast<float>(r.normal()); });
    return at::upsample_bicubic2d(coarse, {cells, cells}, false)[0];
}

// On strange data the network errs more than on what it was trained on, and what it answers is calibrated
// before a refiner sees it: some answers are made worse, to some the prior is added.
at::Tensor disturbed(at::Tensor logits, const at::Tensor& prior, int cells, Random& r) {
    if (r.chance(0.3))
        logits = logits * r.uniform(0.4, 1) + 0.7 * r.normal() + field(cells, r) * r.uniform(0.3, 2.5);
    if (r.chance(0.4))
        logits = logits + r.uniform(0, 1) * (0.8 + 0.8 * prior);
    return logits;
}

std::span<const float> valuesOf(const at::Tensor& maps, std::size_t n, int cells) {
    const auto plane = static_cast<std::size_t>(cells) * static_cast<std::size_t>(cells);
    return {maps.data_ptr<float>() + n * plane, plane};
}

// One batch's way from boxes to the last prompt.
class Corrections {
public:
    Corrections(const net::Weights& weights, const net::NetworkConfig& config,
                const std::vector<TrainingSample>& samples, const net::Forward& forward, at::Device device)
        : weights_(weights), config_(config), samples_(samples), forward_(forward), device_(device),
          cells_(samples.front().view.cells),
          grey_(gathered(
              samples, cells_, device, [](const auto& s) -> const auto& { return s.view.grey; })),
          box_(gathered(
              samples, cells_, device, [](const auto& s) -> const auto& { return s.view.box; })),
          inBox_(gathered(
              samples, cells_, device, [](const auto& s) -> const auto& { return s.view.inBox; })),
          target_(gathered(
              samples, cells_, device, [](const auto& s) -> const auto& { return s.fineTarget; })),
          clicks_(samples.size(), RefinerClicks(cells_)) {}

    void start(const at::Tensor& boxLogits, const at::Tensor& prior, Random& r) {
        prior_ = onRefinersSquare(prior);
        const at::Tensor fine = onRefinersSquare(boxLogits).cpu(), fromPrior = prior_.cpu();
        std::vector<at::Tensor> each;
        for (std::int64_t n = 0; n < fine.size(0); ++n)
            each.push_back(disturbed(fine[n], fromPrior[n], cells_, r));
        start_ = at::stack(each).to(device_);
        latest_ = start_;
    }

    void correct(Random& r) {
        const at::Tensor now = latest_.cpu().contiguous();
        std::vector<Random> own; // of each sample, whichever thread it comes to
        for (std::size_t n = 0; n < samples_.size(); ++n)
            own.emplace_back(r.next());
        at::parallel_for(
            0, static_cast<std::int64_t>(samples_.size()), 1, [&](std::int64_t first, std::int64_t last) {
                for (auto n = static_cast<std::size_t>(first); n < static_cast<std::size_t>(last); ++n)
                    if (const auto prompt = correctivePrompt(valuesOf(now, n, cells_), samples_[n].fineTarget,
                                                             cells_, own[n]))
                        clicks_[n].add(*prompt);
            });
    }

    at::Tensor answer() const {
        std::vector<at::Tensor> in, out;
        for (const RefinerClicks& c : clicks_) {
            in.push_back(at::from_blob(const_cast<float*>(c.in.data()), {1, cells_, cells_}, at::kFloat));
            out.push_back(at::from_blob(const_cast<float*>(c.out.data()), {1, cells_, cells_}, at::kFloat));
        }
        return net::refine(weights_, config_,
                           {grey_, box_, start_, prior_, at::stack(in).to(device_),
                            at::stack(out).to(device_), latest_, inBox_},
                           forward_)
            .to(at::kFloat);
    }
    void take(const at::Tensor& answer) { latest_ = answer; }
    const at::Tensor& target() const { return target_; }

private:
    // Maps of the network's square on the cells of the refiner's, which has the same middle.
    at::Tensor onRefinersSquare(const at::Tensor& maps) const {
        const at::Tensor centres =
            (at::arange(cells_, at::TensorOptions(device_).dtype(at::kFloat)) + 0.5) * 2 / cells_ - 1;
        std::vector<at::Tensor> places;
        for (const TrainingSample& s : samples_) {
            const at::Tensor at = centres * s.refinerShare;
            places.push_back(at::stack(
                {at.view({1, -1}).expand({cells_, cells_}), at.view({-1, 1}).expand({cells_, cells_})}, 2));
        }
        constexpr std::int64_t bilinear = 0, atBorder = 1;
        return at::grid_sampler_2d(maps, at::stack(places), bilinear, atBorder, false);
    }

    const net::Weights& weights_;
    const net::NetworkConfig& config_;
    const std::vector<TrainingSample>& samples_;
    const net::Forward& forward_;
    at::Device device_;
    int cells_;
    at::Tensor grey_, box_, inBox_, target_, prior_, start_, latest_;
    std::vector<RefinerClicks> clicks_;
};

} // namespace

std::optional<PointPrompt> correctivePrompt(std::span<const float> logits, std::span<const float> target,
                                            int cells, Random& r) {
    const auto click = correctiveClick(logits, target, cells, &r);
    if (!click)
        return std::nullopt;
    const auto placeOf = [](const CellClick& c) {
        return Point<SlicePx>{{static_cast<double>(c.x), static_cast<double>(c.y)}};
    };
    PointPrompt prompt{placeOf(*click), click->foreground};
    if (!r.chance(0.25))
        return prompt;
    PointPrompt stroke = prompt;
    stroke.along.push_back(placeOf(*correctiveClick(logits, target, cells, &r))); // of the same error
    const std::vector<SlicePixel> under = pixelsUnder(stroke, cells, cells);
    const bool stays = std::all_of(under.begin(), under.end(), [&](const SlicePixel& c) {
        const auto at = static_cast<std::size_t>(c.y * cells + c.x);
        return (logits[at] <= 0) == stroke.foreground && (target[at] > 0.5F) == stroke.foreground;
    });
    return stays ? stroke : prompt;
}

at::Tensor refinerLoss(const net::Weights& weights, const net::NetworkConfig& config,
                       const std::vector<TrainingSample>& samples, const at::Tensor& boxLogits,
                       const at::Tensor& prior, const net::Forward& forward, Random& r) {
    Corrections corrections(weights, config, samples, forward, boxLogits.device());
    corrections.start(boxLogits, prior, r);
    at::Tensor sum;
    const int prompts = r.integer(1, mostPrompts);
    for (int n = 0; n < prompts; ++n) {
        corrections.correct(r);
        const at::Tensor answer = corrections.answer();
        const at::Tensor loss = net::diceBce(answer, corrections.target()).total;
        sum = n == 0 ? loss : sum + loss;
        corrections.take(answer.detach());
    }
    return sum / prompts;
}

} // namespace tandem::train
