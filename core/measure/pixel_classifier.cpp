#include "core/measure/pixel_classifier.h"

#include "core/measure/gaussian_blur.h"
#include "core/measure/least_squares.h"
#include "core/measure/logistic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace tandem {
namespace {

constexpr int bins = 9, scales = 3;
constexpr std::size_t parameters = bins * scales + 2; // and a constant, and the network's logit once more
constexpr std::size_t constant = bins * scales, network = constant + 1;
constexpr float surest = 4; // what the network's logits are clipped to

// Weights in the sum that is made smallest, found on cases kept out of training.
constexpr double networkMass = 1600, outsideMass = 120, clickMass = 25;
constexpr double binPrior = 10, constantPrior = 0.1, networkPrior = 50; // 1 / variance

using Vector = std::vector<double>; // parameters
using Matrix = std::vector<double>; // parameters x parameters, row by row

// A cell's features: few of them are not 0.
struct Features {
    std::array<std::pair<std::size_t, float>, 2 * scales + 2> entries;

    double times(const Vector& theta) const {
        double sum = 0;
        for (const auto& [at, value] : entries)
            sum += theta[at] * static_cast<double>(value);
        return sum;
    }
};

// What one cell teaches.
struct Example {
    std::size_t cell = 0;
    double target = 0, weight = 0;
};

std::vector<float> blurred(const PixelLesson& l, double sigma) {
    SliceImage image{l.width, l.height, 1, {l.grey.begin(), l.grey.end()}};
    blur(image, sigma);
    return std::move(image.values);
}

std::vector<float> clipped(std::span<const float> logits) {
    std::vector<float> v(logits.begin(), logits.end());
    for (float& x : v)
        x = std::clamp(x, -surest, surest);
    return v;
}

class Classifier {
public:
    explicit Classifier(const PixelLesson& l) : lesson_(l), logits_(clipped(l.logits)) {
        const auto width = static_cast<double>(l.width);
        const std::array<std::vector<float>, scales> grey{blurred(l, 0), blurred(l, width / 85),
                                                          blurred(l, width / 32)};
        features_.resize(logits_.size());
        for (std::size_t i = 0; i < features_.size(); ++i)
            features_[i] = featuresOf(grey, i);
    }

    Vector fit() const {
        const std::vector<Example> examples = makeExamples();
        Vector theta(parameters);
        for (int step = 0; step < 12; ++step) {
            Vector gradient(parameters);
            Matrix curvature(parameters * parameters);
            addPrior(theta, gradient, curvature);
            for (const Example& e : examples)
                addExample(e, theta, gradient, curvature);
            const Vector change = solveSymmetric(std::move(curvature), std::move(gradient));
            double largest = 0;
            for (std::size_t i = 0; i < parameters; ++i) {
                theta[i] -= change[i];
                largest = std::max(largest, std::abs(change[i]));
            }
            if (largest < 1e-4)
                break;
        }
        return theta;
    }

    std::vector<float> apply(const Vector& theta) const {
        std::vector<float> out(logits_.size());
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] = static_cast<float>(logitOf(i, theta));
        return out;
    }

private:
    Features featuresOf(const std::array<std::vector<float>, scales>& grey, std::size_t cell) const {
        Features f{};
        for (std::size_t s = 0; s < scales; ++s) { // linear between the middles of two bins
            const float at = std::clamp(grey[s][cell], 0.0F, 1.0F) * (bins - 1);
            const int lower = std::min(static_cast<int>(at), bins - 2);
            const float share = at - static_cast<float>(lower);
            const std::size_t first = s * bins + static_cast<std::size_t>(lower);
            f.entries[2 * s] = {first, 1 - share};
            f.entries[2 * s + 1] = {first + 1, share};
        }
        f.entries[2 * scales] = {constant, 1.0F};
        f.entries[2 * scales + 1] = {network, logits_[cell] / surest};
        return f;
    }

    double logitOf(std::size_t cell, const Vector& theta) const {
        return static_cast<double>(logits_[cell]) + features_[cell].times(theta);
    }

    // Every other cell of every other row, and all that clicks decided.
    std::vector<Example> makeExamples() const {
        std::array<double, 3> decided{}; // how many cells
        for (std::uint8_t d : lesson_.decided)
            ++decided[d];
        std::vector<Example> examples;
        double spread = 0, outside = 0;
        for (std::int64_t y = 0; y < lesson_.height; ++y)
            for (std::int64_t x = 0; x < lesson_.width; ++x) {
                const auto i = static_cast<std::size_t>(y * lesson_.width + x);
                const bool picked = x % 2 == 0 && y % 2 == 0;
                if (!picked && lesson_.decided[i] == 0)
                    continue;
                examples.push_back({i, 0, 0});
                spread += picked;
                outside += picked && lesson_.outside[i];
            }
        for (Example& e : examples) {
            const std::uint8_t d = lesson_.decided[e.cell];
            if (d != 0) {
                const int clicks = d == 1 ? lesson_.foregroundClicks : lesson_.backgroundClicks;
                e.target = d == 1;
                e.weight = std::min(clickMass * std::sqrt(std::clamp(clicks, 1, 4)) / decided[d],
                                    2 * networkMass / spread); // a spot must not outweigh an object
            } else if (lesson_.outside[e.cell]) {
                e.weight = outsideMass / outside;
            } else {
                e.target = logistic(static_cast<double>(logits_[e.cell]));
                e.weight = networkMass / spread;
            }
        }
        return examples;
    }

    static void addPrior(const Vector& theta, Vector& gradient, Matrix& curvature) {
        for (std::size_t i = 0; i < parameters; ++i) {
            const double p = i == constant ? constantPrior : i == network ? networkPrior : binPrior;
            gradient[i] = p * theta[i];
            curvature[i * parameters + i] = p;
        }
    }

    void addExample(const Example& e, const Vector& theta, Vector& gradient, Matrix& curvature) const {
        const double p = logistic(logitOf(e.cell, theta));
        const double slope = e.weight * (p - e.target), bend = e.weight * std::max(p * (1 - p), 1e-3);
        for (const auto& [i, a] : features_[e.cell].entries) {
            gradient[i] += slope * static_cast<double>(a);
            for (const auto& [j, b] : features_[e.cell].entries)
                curvature[i * parameters + j] += bend * static_cast<double>(a) * static_cast<double>(b);
        }
    }

    const PixelLesson& lesson_;
    std::vector<float> logits_;
    std::vector<Features> features_;
};

} // namespace

std::vector<float> learnFromClicks(const PixelLesson& lesson) {
    const Classifier classifier(lesson);
    return classifier.apply(classifier.fit());
}

} // namespace tandem
