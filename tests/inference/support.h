#pragma once

#include "core/files/safetensors.h"
#include "core/usecases/segmenter.h"
#include "inference/checkpoint/tensors.h"

#include <filesystem>
#include <memory>
#include <string>

namespace tandem::test {

inline const std::filesystem::path kGolden = std::filesystem::path(TANDEM_TEST_DATA) / "golden";

inline at::Tensor goldenTensor(const std::string& file, const std::string& name) {
    return *checkpoint::toTensor(*SafetensorsFile::open(kGolden / file)->find(name));
}

/// A colour picture from a tensor of uint8: rows, columns, 3.
inline std::shared_ptr<const Volume> pictureFrom(const at::Tensor& image) {
    const at::Tensor c = image.contiguous();
    const auto* data = c.data_ptr<std::uint8_t>();
    const auto g = Geometry::axisAligned({c.size(1), c.size(0), 1}, {1, 1, 1});
    return std::make_shared<const Volume>(
        *Volume::make(g, std::vector<std::uint8_t>(data, data + c.numel()), 3));
}

/// A grey volume with a bright ellipsoid in its middle.
inline std::shared_ptr<const Volume> greyVolume(std::int64_t nx, std::int64_t ny, std::int64_t nz) {
    const auto g = Geometry::axisAligned({nx, ny, nz}, {1, 1, 1});
    std::vector<std::int16_t> values;
    for (std::int64_t k = 0; k < nz; ++k)
        for (std::int64_t j = 0; j < ny; ++j)
            for (std::int64_t i = 0; i < nx; ++i) {
                const double x = 3.0 * i / nx - 1.5, y = 3.0 * j / ny - 1.5;
                values.push_back(static_cast<std::int16_t>((x * x + y * y < 0.5 ? 120 : -80) +
                                                           (i * 7 + j * 13 + k * 3) % 11));
            }
    return std::make_shared<const Volume>(*Volume::make(g, std::move(values), 1, Intensity::Hounsfield));
}

} // namespace tandem::test
