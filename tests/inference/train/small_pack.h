#pragma once
// A pack of drawn slices, for tests of the trainer.

#include "core/usecases/pack_file.h"

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

namespace tandem::test {

/// One slice of 64 x 48 with a bright disc (label 1) on a dark ground, drawn a little differently for each
/// `n`.
struct DrawnSlice {
    std::string caseName, source;
    PackSplit split = PackSplit::Train;
    bool mayTrain = true;
};

inline void writeSmallPack(const std::filesystem::path& folder, const std::vector<DrawnSlice>& slices,
                           bool labelled = true) {
    constexpr std::int64_t width = 64, height = 48;
    std::filesystem::create_directories(folder);
    std::vector<std::vector<std::int16_t>> images;
    std::vector<std::vector<std::uint8_t>> masks;
    std::vector<TensorView> views;
    JsonValue list{JsonValue::Array{}};
    for (std::size_t n = 0; n < slices.size(); ++n) {
        std::vector<std::int16_t> image;
        std::vector<std::uint8_t> mask;
        const double cx = 20.0 + 3.0 * static_cast<double>(n % 8), cy = 24,
                     r = 8.0 + static_cast<double>(n % 4);
        for (std::int64_t y = 0; y < height; ++y)
            for (std::int64_t x = 0; x < width; ++x) {
                const double dx = static_cast<double>(x) - cx, dy = static_cast<double>(y) - cy;
                mask.push_back(dx * dx + dy * dy < r * r);
                image.push_back(
                    static_cast<std::int16_t>((mask.back() ? 3000 : 800) + (x * 37 + y * 91) % 150));
            }
        images.push_back(std::move(image));
        masks.push_back(std::move(mask));
        PackSlice s;
        s.id = std::to_string(n);
        s.caseName = s.patient = slices[n].caseName;
        s.source = slices[n].source;
        s.modality = "CT";
        s.licence = "own drawing";
        s.mayTrain = slices[n].mayTrain;
        s.split = slices[n].split;
        s.pictureSide = width;
        if (labelled)
            s.labels = {{1, "disc"}};
        s.shard = "slices-000.safetensors";
        list.append(packSliceToJson(s));
    }
    for (std::size_t n = 0; n < slices.size(); ++n) {
        views.push_back(
            {std::to_string(n) + ".image", DType::I16, {height, width}, std::as_bytes(std::span(images[n]))});
        views.push_back({std::to_string(n) + ".layers",
                         DType::U8,
                         {1, height, width},
                         std::as_bytes(std::span(masks[n]))});
    }
    JsonValue json;
    json.set("format", "tandem pack 1");
    json.set("slices", list);
    (void)writeSafetensors(folder / "slices-000.safetensors", views);
    (void)writeFileAtomically(folder / "pack.json", writeJson(json));
}

} // namespace tandem::test
