#pragma once
// Private to inference/: holds LibTorch's tensors.

#include "inference/predict/disk_cache.h"
#include "inference/predict/embedding_budget.h"
#include "inference/predict/embedding_cache.h"

#include <deque>
#include <optional>

namespace tandem::predict {

/// Embeddings of all models of a service: in memory as they are, and of slow models on disk as float16. Keys
/// name everything that an embedding depends on, the model included. Thread: any; writing to disk is left to
/// writeWaiting, so that nobody who waits for an answer waits for the disk.
class EmbeddingStore {
public:
    explicit EmbeddingStore(const EmbeddingBudget&);

    /// The embedding, from memory or from disk (rounded to float16 then); undefined if there is none.
    /// @param shape  of the embedding; a file with another number of values is not used
    at::Tensor find(const std::string& key, at::IntArrayRef shape);
    /// Whether find would very likely have one; looks at no content.
    bool contains(const std::string& key) const;
    /// @param encodeMs  what it took to make
    void insert(const std::string& key, const at::Tensor& embedding, double encodeMs);
    /// Writes one embedding that waits for the disk; false if none does.
    bool writeWaiting();

private:
    struct Waiting {
        std::string key;
        at::Tensor embedding;
    };
    static constexpr std::size_t kMostWaiting = 16;

    EmbeddingCache memory_;
    std::optional<DiskCache> disk_;
    double diskFromMs_;
    std::mutex mutex_; ///< of waiting_
    std::deque<Waiting> waiting_;
};

} // namespace tandem::predict
