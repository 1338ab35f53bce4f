#pragma once

#include "core/result.h"

#include <QByteArray>
#include <cstdint>
#include <vector>

namespace tandem {

/// Bytes as they lie in the project file: deflated by zlib, whose checksum finds damage. Thread: any; pure.
QByteArray deflated(const std::vector<std::uint8_t>& bytes);

/// The way back. `bytes` is the size that was noted when it was written.
/// Error: FormatInvalid if the blob is damaged, or claims a size that zlib cannot have reached.
Result<std::vector<std::uint8_t>> inflated(const QByteArray& blob, std::int64_t bytes);

} // namespace tandem
