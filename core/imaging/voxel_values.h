#pragma once

#include "core/image/volume.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

namespace tandem::imaging {

/// Which type of Volume holds what a file stores. Integers keep their values exactly: the type of the file
/// where Volume has it, else the smallest that holds every value, else double (exact up to 2^53).

/// Reverses the bytes of every value in place.
template <class T>
void swapBytes(std::vector<T>& values) {
    if constexpr (sizeof(T) > 1)
        for (T& v : values) {
            auto raw = std::bit_cast<std::array<std::uint8_t, sizeof(T)>>(v);
            std::reverse(raw.begin(), raw.end());
            v = std::bit_cast<T>(raw);
        }
}

template <class To, class From>
std::vector<To> castValues(const std::vector<From>& values) {
    std::vector<To> out(values.size());
    std::transform(values.begin(), values.end(), out.begin(), [](From v) { return static_cast<To>(v); });
    return out;
}

/// Values as they are stored.
template <class T>
Volume::Values plainValues(std::vector<T> values) {
    if constexpr (std::is_same_v<T, std::int8_t>)
        return castValues<std::int16_t>(values);
    else if constexpr (std::is_integral_v<T> && (sizeof(T) == 8 || std::is_same_v<T, std::uint32_t>)) {
        const auto [low, high] = std::minmax_element(values.begin(), values.end());
        const bool fits =
            values.empty() || (std::in_range<std::int32_t>(*low) && std::in_range<std::int32_t>(*high));
        return fits ? Volume::Values(castValues<std::int32_t>(values))
                    : Volume::Values(castValues<double>(values));
    } else
        return values;
}

/// Integers given as doubles, in the smallest integer type that holds low..high; double beyond 32 bits.
template <class From, class Scale>
Volume::Values scaledIntegers(const std::vector<From>& raw, double low, double high, Scale&& scale) {
    const auto make = [&]<class To>(To) {
        std::vector<To> out(raw.size());
        std::transform(raw.begin(), raw.end(), out.begin(),
                       [&](From v) { return static_cast<To>(scale(v)); });
        return Volume::Values(std::move(out));
    };
    const auto holds = [&]<class To>(To) {
        return low >= static_cast<double>(std::numeric_limits<To>::min()) &&
               high <= static_cast<double>(std::numeric_limits<To>::max());
    };
    if (holds(std::uint8_t{}))
        return make(std::uint8_t{});
    if (holds(std::int16_t{}))
        return make(std::int16_t{});
    if (holds(std::uint16_t{}))
        return make(std::uint16_t{});
    if (holds(std::int32_t{}))
        return make(std::int32_t{});
    return make(double{});
}

/// raw * slope + intercept. Whole numbers stay integers where slope and intercept are whole; otherwise float
/// where the file has at most 24 significant bits, double where it has more.
template <class T>
Volume::Values scaledValues(std::vector<T> raw, double slope, double intercept) {
    if (slope == 1 && intercept == 0)
        return plainValues(std::move(raw));
    const auto scale = [=](T v) { return static_cast<double>(v) * slope + intercept; };
    if constexpr (std::is_integral_v<T>)
        if (std::trunc(slope) == slope && std::trunc(intercept) == intercept && !raw.empty()) {
            const auto [low, high] = std::minmax_element(raw.begin(), raw.end());
            return scaledIntegers(raw, std::min(scale(*low), scale(*high)),
                                  std::max(scale(*low), scale(*high)), scale);
        }
    const auto make = [&]<class To>(To) {
        std::vector<To> out(raw.size());
        std::transform(raw.begin(), raw.end(), out.begin(), [&](T v) { return static_cast<To>(scale(v)); });
        return Volume::Values(std::move(out));
    };
    if constexpr (sizeof(T) <= 2 || std::is_same_v<T, float>)
        return make(float{});
    else
        return make(double{});
}

/// Whether a whole number is lost when it becomes a double.
template <class T>
bool beyondDouble(const std::vector<T>& values) {
    if constexpr (std::is_integral_v<T> && sizeof(T) == 8) {
        constexpr T most = T{1} << 53;
        return std::any_of(values.begin(), values.end(), [](T v) {
            if constexpr (std::is_signed_v<T>)
                return v > most || v < -most;
            else
                return v > most;
        });
    } else
        return false;
}

/// A guess for files that do not say what their values mean: signed values that reach air but not far below
/// it are taken for Hounsfield units (no MR or ultrasound has a floor between -3100 and -900).
Intensity guessIntensity(const Volume::Values&);

} // namespace tandem::imaging
