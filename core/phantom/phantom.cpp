#include "core/phantom/phantom.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <random>
#include <string>

namespace tandem {
namespace {

using Mm = std::array<double, 3>; // LPS

// An ellipsoid whose surface bulges by a few low harmonics; level() < 1 inside.
struct Lump {
    Mm centre;
    Mm radius;
    double turn = 0;  // about the feet-head axis, radians
    double bulge = 0; // relative height of the harmonics
    double phase = 0;

    double level(const Mm& p) const {
        const double c = std::cos(turn), s = std::sin(turn);
        const double dx = p[0] - centre[0], dy = p[1] - centre[1];
        const double x = (c * dx + s * dy) / radius[0];
        const double y = (-s * dx + c * dy) / radius[1];
        const double z = (p[2] - centre[2]) / radius[2];
        const double r = std::sqrt(x * x + y * y + z * z);
        if (bulge == 0 || r > 1 + 2.2 * bulge) // the harmonics cannot bring it in
            return r;
        const double azimuth = std::atan2(y, x);
        const double wave = std::sin(2 * azimuth + phase) + 0.6 * std::sin(3 * azimuth - 2 * z + 2 * phase) +
                            0.5 * std::cos(3 * z + phase);
        return r / (1 + bulge * wave);
    }
};

// What a place of the patient is made of.
struct Tissue {
    LabelId label;
    double hounsfield;
};

class Abdomen {
public:
    explicit Abdomen(std::uint64_t seed) {
        std::mt19937_64 random(seed);
        const auto vary = [&random](double by) {
            return by * (2.0 * static_cast<double>(random() >> 11) * 0x1p-53 - 1.0);
        };
        for (Lump* lump : {&liver_, &spleen_, &rightKidney_, &leftKidney_, &stomach_, &lesion_}) {
            for (std::size_t a = 0; a < 3; ++a)
                lump->radius[a] *= 1 + vary(0.05);
            lump->phase += vary(0.6);
        }
        lesion_.centre[2] += vary(12);
    }

    Tissue at(const Mm& p) const {
        const double skin = body_.level(p);
        if (skin > 1)
            return {{}, -1000};
        if (skin > 0.94)
            return {{}, -100}; // subcutaneous fat
        if (const auto bone = spine(p))
            return *bone;
        if (std::hypot(p[0] - 12, p[1] - 38) < 10)
            return {phantom_label::aorta, 155};
        if (std::hypot(p[0] + 16, p[1] - 36) < 11 + 2 * std::sin(p[2] / 30))
            return {{}, 120}; // vena cava
        if (lesion_.level(p) < 1)
            return {phantom_label::lesion, 62};
        if (gallBladder_.level(p) < 1)
            return {{}, 12};
        if (liver_.level(p) < 1 && !(p[0] > 15 && p[1] > -5))
            return {phantom_label::liver, 112 + vessels(p)};
        if (spleen_.level(p) < 1)
            return {phantom_label::spleen, 124};
        if (const auto k = kidney(rightKidney_, p, phantom_label::rightKidney, -1))
            return *k;
        if (const auto k = kidney(leftKidney_, p, phantom_label::leftKidney, 1))
            return *k;
        if (stomach_.level(p) < 1)
            return {phantom_label::stomach,
                    p[1] < stomach_.centre[1] - 14 ? -850.0 : 28.0}; // air lies in front
        return surroundings(p, skin);
    }

private:
    static double vessels(const Mm& p) {
        const double branch =
            std::sin(p[0] / 9 + 2 * std::sin(p[2] / 17)) * std::sin(p[1] / 8 + std::cos(p[0] / 21));
        return branch > 0.92 ? 34.0 : 0.0;
    }

    static std::optional<Tissue> spine(const Mm& p) {
        const double x = p[0], y = p[1] - 68;
        const double inVertebra = std::fmod(std::abs(p[2] + 400), 34.0); // 27 mm of bone, 7 mm of disc
        if (std::hypot(x, y - 26) < 8)
            return Tissue{{}, 35}; // spinal canal
        const bool process = y > 31 && y < 52 && std::abs(x) < 6 - (y - 31) / 7;
        const bool wings = std::abs(x) < 38 && std::abs(y - 22 - std::abs(x) / 8) < 5.5 - std::abs(x) / 12 &&
                           inVertebra < 14;
        const double body = std::hypot(x / 23, y / 18);
        if (inVertebra < 27 && (body < 1 || process || wings))
            return Tissue{phantom_label::spine, body < 0.82 ? 210.0 : 520.0};
        if (body < 0.95)
            return Tissue{{}, 85}; // disc
        return std::nullopt;
    }

    static std::optional<Tissue> kidney(const Lump& lump, const Mm& p, LabelId label, double side) {
        const double level = lump.level(p);
        if (level >= 1)
            return std::nullopt;
        const Lump hilum{{lump.centre[0] - side * 0.95 * lump.radius[0], lump.centre[1] - 6, lump.centre[2]},
                         {15, 9, 20}};
        if (hilum.level(p) < 1)
            return std::nullopt;
        return Tissue{label, level > 0.72 ? 178.0 : 135.0}; // bright cortex, darker marrow
    }

    // Muscles beside and behind the spine.
    bool inMuscle(const Mm& p) const {
        const double x = std::abs(p[0]);
        return Lump{{33, 56, p[2]}, {15, 20, 1}, 0.3}.level({x, p[1], p[2]}) < 1 ||
               Lump{{34, 92, p[2]}, {32, 19, 1}, -0.12}.level({x, p[1], p[2]}) < 1;
    }

    Tissue surroundings(const Mm& p, double skin) const {
        if (skin > 0.87)
            return {{}, 52}; // muscle wall
        if (inMuscle(p))
            return {{}, 55};
        // Loops of bowel: a warped lattice of tubes, some with gas.
        const double u = p[0] / 12 + 1.7 * std::sin(p[2] / 21) + 0.9 * std::sin(p[1] / 17);
        const double w = p[1] / 13 + 1.1 * std::cos(p[0] / 25) + p[2] / 27;
        const double loop = std::sin(u) * std::cos(w);
        if (loop > 0.42 && p[1] < 34 && p[2] < 30)
            return {{}, loop > 0.94 && std::sin(u / 2 + w / 3) > 0.2 ? -620.0 : 36.0};
        return {{}, -98};
    }

    Lump body_{{0, 0, 0}, {165, 118, 2000}, 0, 0, 0};
    Lump liver_{{-68, -22, 48}, {76, 70, 82}, 0.25, 0.055, 0.4};
    Lump spleen_{{104, 30, 66}, {26, 44, 50}, -0.35, 0.07, 1.1};
    Lump rightKidney_{{-62, 52, -38}, {27, 25, 50}, 0.3, 0.04, 2.0};
    Lump leftKidney_{{64, 50, -10}, {30, 27, 58}, -0.3, 0.05, 0.7};
    Lump stomach_{{62, -38, 58}, {44, 36, 46}, 0.5, 0.08, 1.7};
    Lump gallBladder_{{-52, -62, -6}, {15, 13, 22}, 0.2, 0, 0};
    Lump lesion_{{-92, -18, 40}, {17, 15, 18}, 0, 0.10, 0.9};
};

// Averages eight places in the voxel, so that edges have partial volume as a scanner's have.
double averageHounsfield(const Abdomen& abdomen, const Affine<Patient, Voxel>& patientFromVoxel,
                         const Point<Voxel>& at) {
    double sum = 0;
    for (double dk : {-0.25, 0.25})
        for (double dj : {-0.25, 0.25})
            for (double di : {-0.25, 0.25})
                sum += abdomen.at(patientFromVoxel(Point<Voxel>{{at[0] + di, at[1] + dj, at[2] + dk}}).v)
                           .hounsfield;
    return sum / 8;
}

// Box-Muller on 53-bit uniforms: the same numbers with every standard library.
class Noise {
public:
    explicit Noise(std::uint64_t seed) : random_(seed) {}
    double next() {
        const double u = (static_cast<double>(random_() >> 11) + 0.5) * 0x1p-53;
        const double v = static_cast<double>(random_() >> 11) * 0x1p-53;
        return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
    }

private:
    std::mt19937_64 random_;
};

// Scanner noise is correlated within a slice: a 3-tap mean along both axes of the plane, rescaled to `sigma`.
std::vector<float> correlatedNoise(const Size3& n, std::uint64_t seed, double sigma) {
    Noise noise(seed ^ 0x9e3779b97f4a7c15ULL);
    std::vector<float> white(static_cast<std::size_t>(n[0] * n[1] * n[2]));
    for (float& x : white)
        x = static_cast<float>(noise.next());
    const auto smoothAlong = [&](std::int64_t step, std::int64_t length) {
        std::vector<float> out(white.size());
        for (std::size_t v = 0; v < white.size(); ++v) {
            const auto place = (static_cast<std::int64_t>(v) / step) % length;
            const auto s = static_cast<std::size_t>(step);
            out[v] = white[v] + (place > 0 ? 0.6F * white[v - s] : 0.0F) +
                     (place + 1 < length ? 0.6F * white[v + s] : 0.0F);
        }
        white = std::move(out);
    };
    smoothAlong(1, n[0]);
    smoothAlong(n[0], n[1]);
    const double gain = 1 + 2 * 0.6 * 0.6; // variance of one pass
    for (float& x : white)
        x = static_cast<float>(x * sigma / gain);
    return white;
}

} // namespace

std::vector<LabelInfo> phantomNames() {
    std::vector<LabelInfo> names;
    const char* const words[] = {"liver", "spleen", "right kidney", "left kidney",
                                 "spine", "aorta",  "stomach",      "liver lesion"};
    for (std::uint16_t n = 1; n <= 8; ++n)
        names.push_back({{n}, words[n - 1], labelColour({n})});
    return names;
}

Geometry phantomGrid(bool oblique) {
    const Size3 size{192, 160, 72};
    const Mm mm{1.8, 1.8, 4.0};
    const double tilt = oblique ? 12 * std::numbers::pi / 180 : 0,
                 turn = oblique ? 8 * std::numbers::pi / 180 : 0;
    const double ct = std::cos(tilt), st = std::sin(tilt), cz = std::cos(turn), sz = std::sin(turn);
    // R = Rz(turn) * Rx(tilt)
    const std::array<Mm, 3> r{{{cz, -sz * ct, sz * st}, {sz, cz * ct, -cz * st}, {0, st, ct}}};
    Affine<Patient, Voxel> affine;
    for (std::size_t row = 0; row < 3; ++row)
        for (std::size_t axis = 0; axis < 3; ++axis) {
            affine.linear[row][axis] = r[row][axis] * mm[axis];
            affine.offset[row] -= affine.linear[row][axis] * static_cast<double>(size[axis] - 1) / 2;
        }
    return Geometry::make(size, affine).value();
}

Phantom makePhantom(const Geometry& grid, std::uint64_t seed) {
    const Abdomen abdomen(seed);
    constexpr double noiseHounsfield = 14;
    const std::vector<float> noise = correlatedNoise(grid.size(), seed, noiseHounsfield);
    std::vector<std::int16_t> values(noise.size());
    std::vector<std::uint16_t> labels(noise.size());
    std::size_t v = 0;
    for (std::int64_t k = 0; k < grid.size()[2]; ++k)
        for (std::int64_t j = 0; j < grid.size()[1]; ++j)
            for (std::int64_t i = 0; i < grid.size()[0]; ++i, ++v) {
                const Point<Voxel> at = centreOf({i, j, k});
                labels[v] = abdomen.at(grid.patientFromVoxel()(at).v).label.value;
                const double hu =
                    averageHounsfield(abdomen, grid.patientFromVoxel(), at) + static_cast<double>(noise[v]);
                values[v] = static_cast<std::int16_t>(std::lround(std::clamp(hu, -1024.0, 3071.0)));
            }
    return {Volume::make(grid, std::move(values), 1, Intensity::Hounsfield).value(),
            LabelMap::make(grid, std::move(labels)).value(), phantomNames()};
}

} // namespace tandem
