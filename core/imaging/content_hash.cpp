#include "core/imaging/content_hash.h"

#include <xxhash.h>

#include <array>
#include <cstdio>
#include <memory>

namespace tandem::imaging {
namespace {

struct FreeState {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

class Hasher {
public:
    Hasher() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }
    void add(const void* data, std::size_t bytes) { XXH3_128bits_update(state_.get(), data, bytes); }
    template <class T>
    void add(T value) {
        add(&value, sizeof value);
    }
    std::string hex() const {
        const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
        std::array<char, 33> text{};
        std::snprintf(text.data(), text.size(), "%016llx%016llx",
                      static_cast<unsigned long long>(hash.high64),
                      static_cast<unsigned long long>(hash.low64));
        return text.data();
    }

private:
    std::unique_ptr<XXH3_state_t, FreeState> state_;
};

} // namespace

std::string contentHash(const Volume& volume) {
    Hasher hasher;
    hasher.add(static_cast<std::int64_t>(volume.values().index()));
    hasher.add(static_cast<std::int64_t>(volume.components()));
    for (const std::int64_t n : volume.geometry().size())
        hasher.add(n);
    const auto& affine = volume.geometry().patientFromVoxel();
    for (std::size_t r = 0; r < 3; ++r) {
        for (const double x : affine.linear[r])
            hasher.add(x + 0.0); // -0 and 0 are one place
        hasher.add(affine.offset[r] + 0.0);
    }
    std::visit([&](const auto& v) { hasher.add(v.data(), v.size() * sizeof(v[0])); }, volume.values());
    return hasher.hex();
}

} // namespace tandem::imaging
