#pragma once
// Private to inference/: this header shows LibTorch's tensor.

#include "inference/network/network.h"

#include <list>
#include <string>
#include <unordered_map>

namespace tandem::train {

/// Remembers what the frozen beginning of an encoder gave for a slice, the least recently used first to go.
/// Thread: one at a time.
class StemCache {
public:
    explicit StemCache(std::int64_t bytes) : budget_(bytes) {}

    /// The stem of an image (1, in_chans, S, S), computed without gradients where it is not there yet.
    /// @param key  names the image; empty: not kept
    /// The same numbers whether it was remembered or not. Throws as net::encodeStem.
    at::Tensor of(const std::string& key, const at::Tensor& image, const net::Weights&,
                  const net::NetworkConfig&);

    std::int64_t computed() const { return computed_; } ///< how often it was not there

private:
    struct Entry {
        std::string key;
        at::Tensor stem;
    };
    std::int64_t budget_ = 0, used_ = 0, computed_ = 0;
    std::list<Entry> entries_; // most recently used first
    std::unordered_map<std::string, std::list<Entry>::iterator> index_;
};

} // namespace tandem::train
