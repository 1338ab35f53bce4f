#include "database/blob.h"

#include <zlib.h>

namespace tandem {

QByteArray deflated(const std::vector<std::uint8_t>& bytes) {
    uLongf size = compressBound(static_cast<uLong>(bytes.size()));
    QByteArray blob(static_cast<qsizetype>(size), Qt::Uninitialized);
    compress2(reinterpret_cast<Bytef*>(blob.data()), &size, bytes.data(), static_cast<uLong>(bytes.size()),
              Z_BEST_SPEED);
    blob.resize(static_cast<qsizetype>(size));
    return blob;
}

Result<std::vector<std::uint8_t>> inflated(const QByteArray& blob, std::int64_t bytes) {
    const Error damaged{ErrorCode::FormatInvalid, "A record of the project is damaged."};
    constexpr std::int64_t bestRatio = 1040; // zlib never packs tighter than 1032 : 1
    if (bytes < 0 || bytes / bestRatio > blob.size())
        return damaged;
    std::vector<std::uint8_t> out(static_cast<std::size_t>(bytes));
    uLongf size = static_cast<uLongf>(out.size());
    const int rc = uncompress(out.data(), &size, reinterpret_cast<const Bytef*>(blob.constData()),
                              static_cast<uLong>(blob.size()));
    if (rc != Z_OK || size != out.size())
        return damaged;
    return out;
}

} // namespace tandem
