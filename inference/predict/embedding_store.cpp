#include "inference/predict/embedding_store.h"

#include <cstring>
#include <span>

namespace tandem::predict {

EmbeddingStore::EmbeddingStore(const EmbeddingBudget& budget)
    : memory_(budget.memoryBytes), diskFromMs_(budget.diskFromMs) {
    if (!budget.diskFolder.empty())
        disk_.emplace(budget.diskFolder, budget.diskBytes);
}

at::Tensor EmbeddingStore::find(const std::string& key, at::IntArrayRef shape) {
    if (at::Tensor known = memory_.find(key); known.defined() || !disk_)
        return known;
    const auto halves = disk_->find(key);
    at::Tensor read = at::empty(shape, at::kHalf);
    if (!halves || static_cast<std::int64_t>(halves->size()) != read.numel())
        return {};
    std::memcpy(read.data_ptr(), halves->data(), read.nbytes());
    const at::Tensor embedding = read.to(at::kFloat);
    memory_.insert(key, embedding);
    return embedding;
}

bool EmbeddingStore::contains(const std::string& key) const {
    return memory_.contains(key) || (disk_ && disk_->contains(key));
}

void EmbeddingStore::insert(const std::string& key, const at::Tensor& embedding, double encodeMs) {
    memory_.insert(key, embedding);
    if (!disk_ || encodeMs < diskFromMs_)
        return;
    const std::lock_guard lock(mutex_);
    waiting_.push_back({key, embedding});
    if (waiting_.size() > kMostWaiting)
        waiting_.pop_front();
}

bool EmbeddingStore::writeWaiting() {
    Waiting next;
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.empty())
            return false;
        next = std::move(waiting_.front());
        waiting_.pop_front();
    }
    const at::Tensor halves = next.embedding.to(at::kHalf).contiguous();
    if (at::isfinite(halves).all().item<bool>()) // beyond float16 it would come back as something else
        disk_->insert(next.key, {static_cast<const std::uint16_t*>(halves.data_ptr()),
                                 static_cast<std::size_t>(halves.numel())});
    return true;
}

} // namespace tandem::predict
