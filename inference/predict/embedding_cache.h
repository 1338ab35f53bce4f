#pragma once
// Private to inference/: holds LibTorch's tensors.

#include <ATen/ATen.h>

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace tandem::predict {

/// Embeddings by key; the least recently used ones go when the bytes exceed the budget. Thread: one.
class EmbeddingCache {
public:
    explicit EmbeddingCache(std::int64_t budgetBytes) : budget_(budgetBytes) {}

    /// The embedding, or an undefined tensor. Makes it the most recently used one.
    at::Tensor find(const std::string& key) {
        const auto found = index_.find(key);
        if (found == index_.end())
            return {};
        entries_.splice(entries_.begin(), entries_, found->second);
        return found->second->second;
    }

    /// Keeps an embedding; one that is larger than the whole budget is not kept.
    void insert(const std::string& key, const at::Tensor& embedding) {
        const auto bytes = static_cast<std::int64_t>(embedding.nbytes());
        if (bytes > budget_ || index_.contains(key))
            return;
        entries_.emplace_front(key, embedding);
        index_.emplace(key, entries_.begin());
        bytes_ += bytes;
        while (bytes_ > budget_)
            dropLast();
    }

    std::int64_t bytes() const { return bytes_; }

private:
    void dropLast() {
        bytes_ -= static_cast<std::int64_t>(entries_.back().second.nbytes());
        index_.erase(entries_.back().first);
        entries_.pop_back();
    }

    std::int64_t budget_, bytes_ = 0;
    std::list<std::pair<std::string, at::Tensor>> entries_;
    std::unordered_map<std::string, std::list<std::pair<std::string, at::Tensor>>::iterator> index_;
};

} // namespace tandem::predict
