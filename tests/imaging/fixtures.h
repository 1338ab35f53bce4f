#pragma once

#include "core/imaging/imaging.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace tandem::test {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

inline fs::path fixture(const std::string& name) {
    return fs::path(TANDEM_TEST_DATA) / "images" / name;
}

/// A folder of its own for one test, gone afterwards.
class Folder {
public:
    Folder() {
        static std::atomic<int> counter{0};
        path_ = fs::temp_directory_path() /
                ("tandem-imaging-" + std::to_string(getpid()) + "-" + std::to_string(counter++));
        fs::create_directories(path_);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    fs::path operator/(const std::string& name) const { return path_ / name; }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

inline Bytes readBytes(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void writeBytes(const fs::path& path, const Bytes& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

/// A grid that is turned about two axes, with unequal spacing, away from the origin.
inline Geometry obliqueGrid(Size3 size) {
    Affine<Patient, Voxel> a;
    const double c1 = std::cos(0.3), s1 = std::sin(0.3), c2 = std::cos(-0.2), s2 = std::sin(-0.2);
    const std::array<std::array<double, 3>, 3> turn{
        {{c1, -s1 * c2, s1 * s2}, {s1, c1 * c2, -c1 * s2}, {0, s2, c2}}};
    const std::array<double, 3> spacing{0.7, 0.8, 2.5};
    for (std::size_t r = 0; r < 3; ++r)
        for (std::size_t c = 0; c < 3; ++c)
            a.linear[r][c] = turn[r][c] * spacing[c];
    a.offset = {-80.25, 41.5, -300.125};
    return *Geometry::make(size, a);
}

inline Geometry shearedGrid(Size3 size) {
    Affine<Patient, Voxel> a = obliqueGrid(size).patientFromVoxel();
    for (std::size_t r = 0; r < 3; ++r)
        a.linear[r][2] += 0.4 * a.linear[r][1];
    return *Geometry::make(size, a);
}

inline double affineDifference(const Geometry& a, const Geometry& b) {
    double worst = 0;
    for (std::size_t r = 0; r < 3; ++r) {
        worst = std::max(worst, std::abs(a.patientFromVoxel().offset[r] - b.patientFromVoxel().offset[r]));
        for (std::size_t c = 0; c < 3; ++c)
            worst = std::max(worst,
                             std::abs(a.patientFromVoxel().linear[r][c] - b.patientFromVoxel().linear[r][c]));
    }
    return worst;
}

} // namespace tandem::test
