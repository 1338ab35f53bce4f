#pragma once
// Private to inference/: holds LibTorch's tensors.

#include <ATen/ATen.h>

#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace tandem::predict {

/// Embeddings by key; the least recently used ones go when the bytes exceed the budget. Thread: any; the
/// tensors must not be written to.
class EmbeddingCache {
public:
    explicit EmbeddingCache(std::int64_t budgetBytes) : budget_(budgetBytes) {}

    /// The embedding, or an undefined tensor. Makes it the most recently used one.
    at::Tensor find(const std::string& key) {
        const std::lock_guard lock(mutex_);
        const auto found = index_.find(key);
        if (found == index_.end())
            return {};
        entries_.splice(entries_.begin(), entries_, found->second);
        return found->second->second;
    }
    /// Looking does not make it used.
    bool contains(const std::string& key) const {
        const std::lock_guard lock(mutex_);
        return index_.contains(key);
    }

    /// Keeps an embedding; one that is larger than the whole budget is not kept.
    void insert(const std::string& key, const at::Tensor& embedding) {
        const std::lock_guard lock(mutex_);
        const auto bytes = static_cast<std::int64_t>(embedding.nbytes());
        if (bytes > budget_ || index_.contains(key))
            return;
        entries_.emplace_front(key, embedding);
        index_.emplace(key, entries_.begin());
        bytes_ += bytes;
        while (bytes_ > budget_)
            dropLast();
    }

    std::int64_t bytes() const {
        const std::lock_guard lock(mutex_);
        return bytes_;
    }

private:
    void dropLast() {
        bytes_ -= static_cast<std::int64_t>(entries_.back().second.nbytes());
        index_.erase(entries_.back().first);
        entries_.pop_back();
    }

    mutable std::mutex mutex_;
    std::int64_t budget_, bytes_ = 0;
    std::list<std::pair<std::string, at::Tensor>> entries_;
    std::unordered_map<std::string, std::list<std::pair<std::string, at::Tensor>>::iterator> index_;
};

} // namespace tandem::predict
