#pragma once

#include <cstdint>
#include <filesystem>

namespace tandem::predict {

/// What embeddings may take.
struct EmbeddingBudget {
    std::int64_t memoryBytes = std::int64_t{512} << 20;
    std::filesystem::path diskFolder = {}; ///< empty: nothing is kept on disk
    std::int64_t diskBytes = std::int64_t{4} << 30;
    double diskFromMs = 150; ///< encodes quicker than this are not worth a file
};

} // namespace tandem::predict
