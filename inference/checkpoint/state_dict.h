#pragma once
// Private to inference/: the weights of a file as LibTorch's tensors.

#include "core/files/safetensors.h"
#include "core/result.h"

#include <ATen/ATen.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tandem::checkpoint {

/// The tensors of one file by key, in the file's order, `module.` prefixes taken off and aliases resolved.
struct StateDict {
    std::vector<std::pair<std::string, at::Tensor>> tensors; ///< CPU, types as stored
    SafetensorsMetadata metadata;                            ///< of a safetensors file
    std::string
        wrapper; ///< the key of the dict they lay under in a .pth ("net", "model", "state_dict"), or empty
};

/// Reads .safetensors and PyTorch's .pth / .pt (recognised by content, not by name). Nothing in the file is
/// executed. The tensors refer to the mapped file, which stays mapped as long as one of them lives: copy what
/// is kept for long, since a file that someone shortens meanwhile cannot be read any more. Errors:
/// FileNotFound, FileUnreadable, FormatInvalid, FormatUnsupported, OutOfMemory. Thread: any.
Result<StateDict> readStateDict(const std::filesystem::path&);

/// The same from bytes that are already in memory; `name` is for sentences.
/// @param owner  keeps the bytes alive: tensors then refer to them (see toTensor); none: tensors are copies
Result<StateDict> parseStateDict(std::span<const std::byte>, const std::string& name,
                                 const std::shared_ptr<const void>& owner = {});

} // namespace tandem::checkpoint
