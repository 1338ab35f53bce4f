#include "inference/predict/disk_cache.h"

#include <bit>
#include <cstring>
#ifdef TANDEM_ZSTD
#include <zstd.h>
#endif

namespace tandem::predict {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

using Bytes = std::span<const std::byte>;

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87, kPrime2 = 0xC2B2AE3D27D4EB4F,
                        kPrime3 = 0x165667B19E3779F9, kPrime4 = 0x85EBCA77C2B2AE63,
                        kPrime5 = 0x27D4EB2F165667C5;

template <class T>
T loaded(const std::byte* from) {
    T v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

std::uint64_t mixed(std::uint64_t lane, std::uint64_t input) {
    return std::rotl(lane + input * kPrime2, 31) * kPrime1;
}

// The eight, four and single bytes behind the last stripe, and the avalanche.
std::uint64_t finished(std::uint64_t h, Bytes rest) {
    for (; rest.size() >= 8; rest = rest.subspan(8))
        h = std::rotl(h ^ mixed(0, loaded<std::uint64_t>(rest.data())), 27) * kPrime1 + kPrime4;
    if (rest.size() >= 4) {
        h = std::rotl(h ^ loaded<std::uint32_t>(rest.data()) * kPrime1, 23) * kPrime2 + kPrime3;
        rest = rest.subspan(4);
    }
    for (const std::byte b : rest)
        h = std::rotl(h ^ static_cast<std::uint64_t>(b) * kPrime5, 11) * kPrime1;
    h = (h ^ h >> 33) * kPrime2;
    h = (h ^ h >> 29) * kPrime3;
    return h ^ h >> 32;
}

constexpr std::uint32_t kMagic = 0x31454454; // "TDE1"
constexpr std::uint32_t kRaw = 0, kZstd = 1;
constexpr std::uint64_t kMostValues = std::uint64_t{1} << 28;

struct Header {
    std::uint32_t magic = kMagic, coding = kRaw;
    std::uint64_t values = 0, stored = 0; ///< float16 numbers; bytes that they take in the file
    std::uint64_t key = 0;                ///< bytes of the key
};

// Low bytes first, then high bytes: signs and exponents repeat, the lower bits are noise.
std::vector<std::byte> planesOf(std::span<const std::uint16_t> halves) {
    std::vector<std::byte> planes(halves.size() * 2);
    for (std::size_t i = 0; i < halves.size(); ++i) {
        planes[i] = static_cast<std::byte>(halves[i]);
        planes[halves.size() + i] = static_cast<std::byte>(halves[i] >> 8);
    }
    return planes;
}

std::vector<std::uint16_t> halvesOf(Bytes planes) {
    std::vector<std::uint16_t> halves(planes.size() / 2);
    const std::byte *low = planes.data(), *high = low + halves.size();
    for (std::size_t i = 0; i < halves.size(); ++i)
        halves[i] =
            static_cast<std::uint16_t>(static_cast<unsigned>(low[i]) | static_cast<unsigned>(high[i]) << 8);
    return halves;
}

// Compressed if that is possible and makes it smaller; `coding` says which.
std::vector<std::byte> coded(std::vector<std::byte> planes, [[maybe_unused]] std::uint32_t& coding) {
#ifdef TANDEM_ZSTD
    std::vector<std::byte> small(ZSTD_compressBound(planes.size()));
    const std::size_t size = ZSTD_compress(small.data(), small.size(), planes.data(), planes.size(), 1);
    if (!ZSTD_isError(size) && size < planes.size()) {
        coding = kZstd;
        small.resize(size);
        return small;
    }
#endif
    return planes;
}

std::optional<std::vector<std::uint16_t>> decoded(const Header& h, Bytes stored) {
    const std::size_t size = h.values * 2;
    if (h.coding == kRaw)
        return stored.size() == size ? std::optional(halvesOf(stored)) : std::nullopt;
#ifdef TANDEM_ZSTD
    if (h.coding == kZstd && ZSTD_getFrameContentSize(stored.data(), stored.size()) == size) {
        std::vector<std::byte> planes(size);
        if (ZSTD_decompress(planes.data(), size, stored.data(), stored.size()) == size)
            return halvesOf(planes);
    }
#endif
    return std::nullopt; // written by a program that has another compression: made anew
}

void append(std::string& to, const void* data, std::size_t size) {
    to.append(static_cast<const char*>(data), size);
}

} // namespace

std::uint64_t xxHash64(Bytes bytes) {
    const std::uint64_t size = bytes.size();
    if (size < 32)
        return finished(kPrime5 + size, bytes);
    std::uint64_t lanes[4] = {kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1};
    for (; bytes.size() >= 32; bytes = bytes.subspan(32))
        for (std::size_t l = 0; l < 4; ++l)
            lanes[l] = mixed(lanes[l], loaded<std::uint64_t>(bytes.data() + 8 * l));
    std::uint64_t h =
        std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
    for (const std::uint64_t lane : lanes)
        h = (h ^ mixed(0, lane)) * kPrime1 + kPrime4;
    return finished(h + size, bytes);
}

std::string packEntry(std::string_view key, std::span<const std::uint16_t> halves) {
    Header header;
    header.values = halves.size();
    header.key = key.size();
    const std::vector<std::byte> content = coded(planesOf(halves), header.coding);
    header.stored = content.size();
    std::string file;
    file.reserve(sizeof header + key.size() + content.size() + 8);
    append(file, &header, sizeof header);
    file += key;
    append(file, content.data(), content.size());
    const std::uint64_t check = xxHash64(std::as_bytes(std::span(file)));
    append(file, &check, sizeof check);
    return file;
}

std::optional<std::vector<std::uint16_t>> unpackEntry(Bytes file, std::string_view key) {
    if (file.size() < sizeof(Header) + sizeof(std::uint64_t))
        return std::nullopt;
    const auto header = loaded<Header>(file.data());
    const Bytes body = file.first(file.size() - 8);
    const std::uint64_t room = body.size() - sizeof header;
    if (header.magic != kMagic || header.values > kMostValues || header.key != key.size() ||
        header.key > room || header.stored != room - header.key)
        return std::nullopt;
    const Bytes name = body.subspan(sizeof header, key.size());
    if (std::memcmp(name.data(), key.data(), key.size()) != 0 ||
        xxHash64(body) != loaded<std::uint64_t>(file.data() + body.size()))
        return std::nullopt;
    return decoded(header, body.subspan(sizeof header + key.size()));
}

} // namespace tandem::predict
