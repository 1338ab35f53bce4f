#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace tandem {

/// Random numbers that are the same on every machine and whose state can be stored: xoshiro256**, seeded by
/// splitmix64. Source: Blackman and Vigna, Scrambled linear pseudorandom number generators, 2018. Thread: one
/// at a time.
class Random {
public:
    using State = std::array<std::uint64_t, 4>;

    explicit Random(std::uint64_t seed) {
        for (std::uint64_t& s : state_) {
            seed += 0x9e3779b97f4a7c15;
            std::uint64_t z = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
            z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
            s = z ^ (z >> 31);
        }
    }
    explicit Random(const State& state) : state_(state) {}
    const State& state() const { return state_; }

    std::uint64_t next() {
        const auto rotated = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
        const std::uint64_t result = rotated(state_[1] * 5, 7) * 9, t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = rotated(state_[3], 45);
        return result;
    }
    /// In [0, 1).
    double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    double uniform(double low, double high) { return low + (high - low) * uniform(); }
    /// Even on a logarithmic scale; both limits positive.
    double logUniform(double low, double high) { return low * std::pow(high / low, uniform()); }
    /// 0 .. n-1; 0 for n < 1.
    std::int64_t below(std::int64_t n) {
        return n < 1 ? 0 : static_cast<std::int64_t>(uniform() * static_cast<double>(n));
    }
    int integer(int low, int high) { return low + static_cast<int>(below(high - low + 1)); }
    bool chance(double p) { return uniform() < p; }
    /// Standard normal (Box-Muller, one of the pair).
    double normal() {
        return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(2 * std::numbers::pi * uniform());
    }

private:
    State state_{};
};

/// The random numbers of one step of a run: they depend on the seed, the step and what they are for alone.
inline Random randomOfStep(std::uint64_t seed, std::int64_t step, std::uint64_t purpose) {
    Random mixed(seed * 0xd1342543de82ef95 + static_cast<std::uint64_t>(step) * 0xda942042e4dd58b5 + purpose);
    return Random(mixed.next());
}

} // namespace tandem
