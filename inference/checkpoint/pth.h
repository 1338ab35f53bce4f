#pragma once
// Private to inference/checkpoint/.

#include "inference/checkpoint/state_dict.h"

namespace tandem::checkpoint {

/// Whether the bytes start like a PyTorch file: a ZIP archive (since 1.6) or a bare pickle (before).
bool looksLikePth(std::span<const std::byte>);

/// The state dict of a PyTorch file, from {"net" | "model" | "state_dict" | "model_state_dict": dict} or
/// bare; `owner` as in parseStateDict. Strides and storage offsets are honoured; entries that are no tensors
/// are passed over. Errors: FormatInvalid, FormatUnsupported, OutOfMemory.
Result<StateDict> readPth(std::span<const std::byte>, const std::string& file,
                          const std::shared_ptr<const void>& owner = {});

} // namespace tandem::checkpoint
