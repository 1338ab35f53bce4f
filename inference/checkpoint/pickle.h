#pragma once

#include "core/files/safetensors.h"
#include "core/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tandem::checkpoint {

/// The data inside one pickle, as far as state dicts need it. Values are nodes of one pool and refer to each
/// other by number, so that neither depth nor cycles can hurt.
class Pickle {
public:
    using Id = std::uint32_t;
    enum class Kind {
        None,
        Boolean,
        Integer,
        Float,
        Text,
        Bytes,
        List,
        Tuple,
        Dict,
        Global,
        Storage,
        Tensor
    };
    struct Node {
        Kind kind = Kind::None;
        std::int64_t integer =
            0; ///< Integer, Boolean; Tensor: offset in its storage; Storage: number of elements
        double number = 0;
        std::string text;      ///< Text, Bytes; Global: "module name"; Storage: its key
        std::vector<Id> items; ///< List, Tuple; Dict: key, value, key, value...; Tensor: its storage
        std::vector<std::int64_t> sizes, strides; ///< Tensor
        DType dtype = DType::F32;                 ///< Storage
    };

    /// Reads the pickle at the start of `bytes`. It builds plain data, OrderedDict, torch.Size and references
    /// to tensors; every other class or function is refused by name, and nothing is ever called.
    /// @param consumed  if given: how many bytes the pickle took
    /// Errors: FormatInvalid (damaged), FormatUnsupported (an instruction or name that weights do not need).
    static Result<Pickle> parse(std::span<const std::byte> bytes, const std::string& file,
                                std::size_t* consumed = nullptr);

    const Node& root() const { return nodes_[root_]; }
    const Node& node(Id id) const { return nodes_[id]; }
    Id nodeCount() const { return static_cast<Id>(nodes_.size()); }
    /// A dict's value by text key, or nullptr.
    const Node* find(const Node& dict, std::string_view key) const;

private:
    friend class Unpickler;
    std::vector<Node> nodes_;
    Id root_ = 0;
};

} // namespace tandem::checkpoint
