#include "inference/checkpoint/zip.h"

#include <algorithm>

// Source: PKWARE APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14..16
// (ends), 4.5.3.
namespace tandem::checkpoint {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kLocator64 = 0x07064b50;
constexpr std::size_t kEndSize = 22, kLongestComment = 65535;

// Little-endian integer at a place; the caller has checked that it is there.
std::uint64_t get(Bytes b, std::size_t at, std::size_t size) {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < size; ++i)
        v |= std::to_integer<std::uint64_t>(b[at + i]) << (8 * i);
    return v;
}
bool within(Bytes b, std::uint64_t at, std::uint64_t size) {
    return at <= b.size() && size <= b.size() - at;
}

struct Directory {
    std::uint64_t offset = 0, size = 0, count = 0;
};

// Finds the end record from the back and, where it says so, the 64-bit one.
bool findDirectory(Bytes b, Directory& d) {
    if (b.size() < kEndSize)
        return false;
    const std::size_t lowest = b.size() - std::min(b.size(), kEndSize + kLongestComment);
    for (std::size_t at = b.size() - kEndSize + 1; at-- > lowest;) {
        if (get(b, at, 4) != kEnd)
            continue;
        d = {get(b, at + 16, 4), get(b, at + 12, 4), get(b, at + 10, 2)};
        if (at >= 20 && get(b, at - 20, 4) == kLocator64) {
            const std::uint64_t end64 = get(b, at - 12, 8);
            if (!within(b, end64, 56) || get(b, static_cast<std::size_t>(end64), 4) != kEnd64)
                return false;
            const auto e = static_cast<std::size_t>(end64);
            d = {get(b, e + 48, 8), get(b, e + 40, 8), get(b, e + 32, 8)};
        }
        return within(b, d.offset, d.size);
    }
    return false;
}

struct Entry {
    std::uint64_t flags = 0, method = 0, packed = 0, size = 0, local = 0;
    std::string name;
};

// Values that did not fit 32 bits stand in the extra field, in this order.
bool readExtra64(Bytes extra, Entry& e) {
    for (std::size_t at = 0; at + 4 <= extra.size();) {
        const std::size_t id = get(extra, at, 2), size = get(extra, at + 2, 2);
        at += 4;
        if (size > extra.size() - at)
            return false;
        if (id == 1) {
            std::size_t from = at;
            for (std::uint64_t* value : {&e.size, &e.packed, &e.local}) {
                if (*value != 0xffffffff)
                    continue;
                if (from + 8 > at + size)
                    return false;
                *value = get(extra, from, 8);
                from += 8;
            }
        }
        at += size;
    }
    return true;
}

// Reads one entry of the central directory and moves on; false if it does not fit.
bool readEntry(Bytes directory, std::size_t& at, Entry& e) {
    if (!within(directory, at, 46) || get(directory, at, 4) != kCentral)
        return false;
    const std::size_t nameSize = get(directory, at + 28, 2), extraSize = get(directory, at + 30, 2),
                      commentSize = get(directory, at + 32, 2);
    if (!within(directory, at + 46, nameSize + extraSize + commentSize))
        return false;
    e = {get(directory, at + 8, 2),  get(directory, at + 10, 2), get(directory, at + 20, 4),
         get(directory, at + 24, 4), get(directory, at + 42, 4), {}};
    const auto name = directory.subspan(at + 46, nameSize);
    e.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
    const Bytes extra = directory.subspan(at + 46 + nameSize, extraSize);
    at += 46 + nameSize + extraSize + commentSize;
    return readExtra64(extra, e);
}

bool locate(Bytes file, const Entry& e, Bytes& out) {
    if (!within(file, e.local, 30) || get(file, static_cast<std::size_t>(e.local), 4) != kLocal)
        return false;
    const auto local = static_cast<std::size_t>(e.local);
    const std::uint64_t start = e.local + 30 + get(file, local + 26, 2) + get(file, local + 28, 2);
    if (!within(file, start, e.size))
        return false;
    out = file.subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(e.size));
    return true;
}

} // namespace

Result<ZipArchive> ZipArchive::parse(Bytes file, const std::string& name) {
    const Error damaged{
        ErrorCode::FormatInvalid,
        name + " is damaged or truncated: its list of contents cannot be read. Copy or download it again."};
    Directory d;
    if (!findDirectory(file, d))
        return damaged;
    const Bytes directory =
        file.subspan(static_cast<std::size_t>(d.offset), static_cast<std::size_t>(d.size));
    ZipArchive archive;
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < d.count; ++i) {
        Entry e;
        Member m;
        if (!readEntry(directory, at, e))
            return damaged;
        if (e.method != 0 || e.packed != e.size || (e.flags & 1) != 0)
            return Error{ErrorCode::FormatUnsupported,
                         name + " is a compressed archive; Tandem reads checkpoints as PyTorch saves them, "
                                "uncompressed."};
        if (!locate(file, e, m.bytes))
            return damaged;
        m.name = std::move(e.name);
        archive.members_.push_back(std::move(m));
    }
    return archive;
}

const ZipArchive::Member* ZipArchive::findEnding(std::string_view ending) const {
    for (const Member& m : members_)
        if (m.name.ends_with(ending))
            return &m;
    return nullptr;
}

} // namespace tandem::checkpoint
