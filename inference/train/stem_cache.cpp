#include "inference/train/stem_cache.h"

namespace tandem::train {

at::Tensor StemCache::of(const std::string& key, const at::Tensor& image, const net::Weights& weights,
                         const net::NetworkConfig& config) {
    if (const auto found = index_.find(key); found != index_.end()) {
        entries_.splice(entries_.begin(), entries_, found->second);
        return found->second->stem;
    }
    const at::NoGradGuard noGradients;
    const at::Tensor stem = net::encodeStem(weights, config, image);
    ++computed_;
    const auto bytes = static_cast<std::int64_t>(stem.nbytes());
    if (key.empty() || bytes > budget_)
        return stem;
    while (used_ + bytes > budget_) {
        used_ -= static_cast<std::int64_t>(entries_.back().stem.nbytes());
        index_.erase(entries_.back().key);
        entries_.pop_back();
    }
    used_ += bytes;
    entries_.push_front({key, stem});
    index_[key] = entries_.begin();
    return stem;
}

} // namespace tandem::train
