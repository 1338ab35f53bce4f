#include "core/measure/random_walker.h"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

// The linear system of the free cells: (degree + prior weight) x - sum of weights * neighbours = right side.
class System {
public:
    explicit System(const RandomWalkerProblem& p)
        : p_(p), w_(static_cast<std::size_t>(p.width)), n_(p.grey.size()), right_(n_), down_(n_),
          diagonal_(n_), b_(n_) {
        setWeights();
        setRightSide();
    }

    // Jacobi-preconditioned conjugate gradients from the given start; seeds of x are already in place.
    void solve(std::vector<float>& x, double tolerance, int iterations) const {
        std::vector<float> r(n_), z(n_), d(n_), q(n_);
        apply(x, q);
        double rz = 0, target = 0;
        for (std::size_t i = 0; i < n_; ++i) {
            r[i] = free(i) ? b_[i] - q[i] : 0;
            z[i] = r[i] / diagonal_[i];
            d[i] = z[i];
            rz += static_cast<double>(r[i]) * z[i];
            target += free(i) ? static_cast<double>(diagonal_[i]) : 0;
        }
        target *= tolerance * tolerance;
        for (int step = 0; step < iterations && rz > target; ++step) {
            apply(d, q);
            double dq = 0;
            for (std::size_t i = 0; i < n_; ++i)
                dq += static_cast<double>(d[i]) * q[i];
            const auto alpha = static_cast<float>(rz / dq);
            double next = 0;
            for (std::size_t i = 0; i < n_; ++i) {
                x[i] += alpha * d[i];
                r[i] -= alpha * q[i];
                z[i] = r[i] / diagonal_[i];
                next += static_cast<double>(r[i]) * z[i];
            }
            const auto beta = static_cast<float>(next / rz);
            rz = next;
            for (std::size_t i = 0; i < n_; ++i)
                d[i] = z[i] + beta * d[i];
        }
    }

private:
    bool free(std::size_t i) const { return p_.seeds.empty() || p_.seeds[i] == 0; }
    float weight(std::size_t i, std::size_t j) const {
        const double d = p_.grey[i] - p_.grey[j];
        return static_cast<float>(std::exp(-p_.beta * d * d) + 1e-6);
    }
    void setWeights() {
        for (std::size_t i = 0; i < n_; ++i) {
            right_[i] = i % w_ + 1 < w_ ? weight(i, i + 1) : 0;
            down_[i] = i + w_ < n_ ? weight(i, i + w_) : 0;
        }
        for (std::size_t i = 0; i < n_; ++i) {
            diagonal_[i] += right_[i] + down_[i];
            if (i % w_ + 1 < w_)
                diagonal_[i + 1] += right_[i];
            if (i + w_ < n_)
                diagonal_[i + w_] += down_[i];
        }
    }
    void setRightSide() {
        for (std::size_t i = 0; i < n_ && !p_.prior.empty(); ++i) {
            diagonal_[i] += p_.priorWeight[i];
            b_[i] = p_.priorWeight[i] * p_.prior[i];
        }
        for (float& d : diagonal_)
            d = std::max(d, 1e-12F); // a grid of one cell
    }
    // out = A x on the free cells, 0 on the seeds. A search direction is 0 on the seeds; a solution carries
    // their values.
    void apply(const std::vector<float>& x, std::vector<float>& out) const {
        for (std::size_t i = 0; i < n_; ++i)
            out[i] = diagonal_[i] * x[i];
        for (std::size_t i = 0; i + 1 < n_; ++i) { // right_ is 0 at a row's end
            out[i] -= right_[i] * x[i + 1];
            out[i + 1] -= right_[i] * x[i];
        }
        for (std::size_t i = 0; i + w_ < n_; ++i) {
            out[i] -= down_[i] * x[i + w_];
            out[i + w_] -= down_[i] * x[i];
        }
        for (std::size_t i = 0; i < n_ && !p_.seeds.empty(); ++i)
            if (p_.seeds[i])
                out[i] = 0;
    }

    const RandomWalkerProblem& p_;
    std::size_t w_, n_;
    std::vector<float> right_, down_, diagonal_, b_;
};

bool anythingGiven(const RandomWalkerProblem& p) {
    const auto positive = [](auto v) { return v > 0; };
    return std::any_of(p.seeds.begin(), p.seeds.end(), positive) ||
           std::any_of(p.priorWeight.begin(), p.priorWeight.end(), positive);
}

} // namespace

std::vector<float> randomWalker(const RandomWalkerProblem& p, double tolerance, int iterations) {
    std::vector<float> x(p.grey.size(), 0.5F);
    if (!anythingGiven(p))
        return x;
    if (!p.prior.empty())
        x.assign(p.prior.begin(), p.prior.end());
    for (std::size_t i = 0; i < p.seeds.size(); ++i)
        if (p.seeds[i])
            x[i] = p.seeds[i] == 1 ? 1.0F : 0.0F;
    System(p).solve(x, tolerance, iterations);
    for (float& v : x)
        v = std::clamp(v, 0.0F, 1.0F);
    return x;
}

} // namespace tandem
