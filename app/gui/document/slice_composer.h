#pragma once

#include "app/gui/document/view_transform.h"
#include "core/image/label_map.h"
#include "core/image/volume.h"

#include <cstdint>
#include <vector>

namespace tandem {

/// A slice turned to the screen's axes: u to the right, v down, both counting voxels.
template <class Value>
struct ScreenSlice {
    std::int64_t width = 0, height = 0; ///< voxels along u and v
    int components = 1;
    std::vector<Value> values; ///< height * width * components

    const Value* row(std::int64_t v) const { return values.data() + v * width * components; }
    bool empty() const { return values.empty(); }
};

/// Where a slice's voxel (x, y) stands on the turned slice.
class ScreenTurn {
public:
    ScreenTurn(const ScreenOrientation& o, std::int64_t width, std::int64_t height)
        : o_(o), width_(width), height_(height) {}
    std::int64_t screenWidth() const { return o_.transpose ? height_ : width_; }
    std::int64_t screenHeight() const { return o_.transpose ? width_ : height_; }
    std::int64_t u(std::int64_t x, std::int64_t y) const {
        const std::int64_t a = o_.transpose ? y : x;
        return o_.flipHorizontal ? screenWidth() - 1 - a : a;
    }
    std::int64_t v(std::int64_t x, std::int64_t y) const {
        const std::int64_t b = o_.transpose ? x : y;
        return o_.flipVertical ? screenHeight() - 1 - b : b;
    }
    /// Turns a slice's array of `width * height * components` values.
    template <class Value>
    ScreenSlice<Value> turned(const std::vector<Value>& slice, int components = 1) const {
        ScreenSlice<Value> out{screenWidth(), screenHeight(), components, std::vector<Value>(slice.size())};
        const Value* in = slice.data();
        for (std::int64_t y = 0; y < height_; ++y)
            for (std::int64_t x = 0; x < width_; ++x)
                for (int c = 0; c < components; ++c)
                    out.values[static_cast<std::size_t>((v(x, y) * out.width + u(x, y)) * components + c)] =
                        *in++;
        return out;
    }

private:
    ScreenOrientation o_;
    std::int64_t width_, height_;
};

/// What to draw for one view. Borrowed parts must outlive the call.
struct SlicePicture {
    const ScreenSlice<float>* grey = nullptr;
    const ScreenSlice<std::uint16_t>* labels = nullptr;  ///< null: no masks
    const ScreenSlice<std::uint8_t>* proposal = nullptr; ///< null: none
    const std::uint32_t* labelColours = nullptr; ///< 0xffRRGGBB for each of the 65,536 labels; 0 = hidden
    std::uint32_t proposalColour = 0xffffffff;
    bool proposalIsSketch = false; ///< hatched inside, its outline with gaps
    GreyWindow window;
    double fillOpacity = 0.35; ///< of a mask's inside; its outline is opaque
    std::uint32_t background = 0xff000000;
    double devicePixelRatio = 1; ///< device pixels per ViewPx
    double u0 = 0, v0 = 0; ///< turned-slice coordinates (voxel centres at integers) of the picture's corner
    double voxelsPerPixelU = 1, voxelsPerPixelV = 1; ///< along one device pixel
};

/// Sets corner and scale of a picture from a view's transform.
void placePicture(SlicePicture&, const ViewTransform&, const ScreenTurn&);

/// Draws a slice into `width` x `height` device pixels of 0xffRRGGBB: grey values interpolated linearly
/// (averaged where the picture is smaller than the slice) and then windowed; masks voxel-exact with an
/// outline that is as thin at every zoom; a proposal with a dashed outline. Values that are not finite count
/// as the window's lower end. Thread: any; pure.
void composeSlice(const SlicePicture&, std::uint32_t* pixels, int width, int height);

} // namespace tandem
