#pragma once

#include "core/image/label_map.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// A small picture to draw on, for the trainer's curves and sheets. Everything outside is cut off. Thread:
/// one.
class Canvas {
public:
    Canvas(int width, int height, Rgb ground);

    int width() const { return width_; }
    int height() const { return height_; }
    Rgb at(int x, int y) const;
    void set(int x, int y, Rgb);
    /// A straight line between two pixels, both included.
    void line(int x0, int y0, int x1, int y1, Rgb);
    void rectangle(int x0, int y0, int x1, int y1, Rgb);
    /// Letters of 5 x 7 pixels, 6 apart: digits, a-z (capitals are written small), space and . , - : % / ( ).
    /// @param x, y  upper left corner
    void text(int x, int y, std::string_view, Rgb);
    /// How many pixels a text is wide.
    static int widthOf(std::string_view words) { return 6 * static_cast<int>(words.size()); }

    /// The picture as a PNG file's bytes.
    std::string png() const;

private:
    int width_, height_;
    std::vector<std::uint8_t> pixels_;
};

} // namespace tandem
