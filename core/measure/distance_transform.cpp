#include "core/measure/distance_transform.h"

#include <algorithm>
#include <limits>

namespace tandem {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

// Lower envelope of the parabolas f[i] + (step (x - i))^2 along one line.
class LineTransform {
public:
    explicit LineTransform(std::size_t longest) : value_(longest), apex_(longest), from_(longest + 1) {}

    // Transforms n cells that lie `stride` apart, in place.
    void run(double* line, std::size_t n, std::size_t stride, double step) {
        const double s2 = step * step;
        std::size_t parabolas = 0;
        for (std::size_t i = 0; i < n; ++i) {
            value_[i] = line[i * stride];
            if (value_[i] != infinite)
                parabolas = add(parabolas, i, s2);
        }
        if (parabolas == 0)
            return;
        std::size_t k = 0;
        for (std::size_t i = 0; i < n; ++i) {
            while (k + 1 < parabolas && from_[k + 1] < static_cast<double>(i))
                ++k;
            const double d = static_cast<double>(i) - static_cast<double>(apex_[k]);
            line[i * stride] = s2 * d * d + value_[apex_[k]];
        }
    }

private:
    std::size_t add(std::size_t count, std::size_t i, double s2) {
        double crossing = -infinite;
        while (count > 0) {
            crossing = meet(apex_[count - 1], i, s2);
            if (crossing > from_[count - 1])
                break;
            --count;
            crossing = -infinite;
        }
        apex_[count] = i;
        from_[count] = crossing;
        return count + 1;
    }
    // Where the parabola of q begins to lie under that of p (p < q).
    double meet(std::size_t p, std::size_t q, double s2) const {
        const auto dp = static_cast<double>(p), dq = static_cast<double>(q);
        return ((value_[q] + s2 * dq * dq) - (value_[p] + s2 * dp * dp)) / (2 * s2 * (dq - dp));
    }

    std::vector<double> value_;
    std::vector<std::size_t> apex_;
    std::vector<double> from_;
};

} // namespace

std::vector<double> squaredDistance(std::span<const std::uint8_t> feature, std::array<std::int64_t, 3> size,
                                    std::array<double, 3> spacing) {
    std::vector<double> d(feature.size());
    for (std::size_t i = 0; i < d.size(); ++i)
        d[i] = feature[i] ? 0.0 : infinite;
    const auto nx = static_cast<std::size_t>(size[0]), ny = static_cast<std::size_t>(size[1]),
               nz = static_cast<std::size_t>(size[2]);
    LineTransform line(std::max({nx, ny, nz, std::size_t{1}}));
    for (std::size_t row = 0; row < ny * nz; ++row)
        line.run(d.data() + row * nx, nx, 1, spacing[0]);
    for (std::size_t z = 0; z < nz; ++z)
        for (std::size_t x = 0; x < nx; ++x)
            line.run(d.data() + z * nx * ny + x, ny, nx, spacing[1]);
    for (std::size_t xy = 0; xy < nx * ny && nz > 1; ++xy)
        line.run(d.data() + xy, nz, nx * ny, spacing[2]);
    return d;
}

} // namespace tandem
