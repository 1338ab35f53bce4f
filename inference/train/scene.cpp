#include "inference/train/scene.h"

#include "inference/train/scene_paint.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tandem {
namespace {

constexpr double pi = std::numbers::pi;

class Painter {
public:
    Painter(std::int64_t side, Random& random) : random_(random), side_(side), mask_(side, side) {}

    SliceMask blobs(int count, double radius, double spread, double waviness) {
        const double cx = place(), cy = place();
        for (int n = 0; n < count; ++n)
            fillBlob(mask_,
                     WavyBlob(cx + spread * random_.normal(), cy + spread * random_.normal(), radius,
                              waviness, random_),
                     0);
        return std::move(mask_);
    }
    SliceMask shell(double radius, double inner) {
        fillBlob(mask_, WavyBlob(place(), place(), radius, 0.12, random_), inner);
        return std::move(mask_);
    }
    SliceMask tube(double length, double thickness) {
        double x = place(), y = place(), angle = random_.uniform(0, 2 * pi), bend = 0;
        for (double done = 0; done < length; done += 1) {
            fillDisc(mask_, x, y, thickness * (1 + 0.2 * std::sin(done / 7)));
            bend = 0.9 * bend + 0.05 * random_.normal();
            angle += bend;
            x += std::cos(angle);
            y += std::sin(angle);
        }
        return std::move(mask_);
    }

private:
    double place() { return static_cast<double>(side_) * random_.uniform(0.15, 0.85); }
    Random& random_;
    std::int64_t side_;
    SliceMask mask_;
};

SliceMask paintObject(std::int64_t side, Random& r) {
    Painter painter(side, r);
    const double s = static_cast<double>(side), kind = r.uniform();
    if (kind < 0.5)
        return painter.blobs(1, s * r.logUniform(0.05, 0.3), 0, r.uniform(0, 0.3));
    if (kind < 0.65)
        return painter.tube(s * r.uniform(0.2, 1.2), r.logUniform(1.2, 0.06 * s));
    if (kind < 0.85)
        return painter.shell(s * r.logUniform(0.1, 0.32), r.uniform(0.45, 0.9));
    return painter.blobs(r.integer(2, 7), s * r.logUniform(0.02, 0.07), s * r.uniform(0.04, 0.1), 0.25);
}

// The objects as they are seen: later ones cover earlier ones, unless nested inside.
std::vector<SliceMask> paintObjects(SliceImage& image, Random& r) {
    std::vector<SliceMask> seen;
    const int count = r.integer(2, 8);
    for (int n = 0; n < count; ++n) {
        SliceMask mask = paintObject(image.width, r);
        shadeObject(image, mask, r);
        for (SliceMask& earlier : seen)
            if (r.chance(0.85))
                for (std::size_t i = 0; i < mask.inside.size(); ++i)
                    earlier.inside[i] &= static_cast<std::uint8_t>(!mask.inside[i]);
        seen.push_back(std::move(mask));
    }
    return seen;
}

} // namespace

TrainingTask makeScene(Random& r) {
    for (;;) {
        const std::int64_t side = r.integer(96, 160);
        SliceImage image = paintGround(side, r);
        std::vector<SliceMask> objects = paintObjects(image, r);
        SliceMask& chosen =
            objects[static_cast<std::size_t>(r.below(static_cast<std::int64_t>(objects.size())))];
        const auto area = std::count(chosen.inside.begin(), chosen.inside.end(), 1);
        if (area < 30 || area * 3 > side * side)
            continue;
        finishScene(image, r);
        return {std::move(image), std::move(chosen), static_cast<double>(side) * r.uniform(1, 3), "scene"};
    }
}

} // namespace tandem
