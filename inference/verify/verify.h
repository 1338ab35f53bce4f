#pragma once

#include "core/result.h"
#include "inference/library.h"

#include <filesystem>

namespace tandem::verify {

/// The largest difference that passes, relative to the expected tensor's largest magnitude.
inline constexpr double kTolerance = 3e-5;

/// Recomputes a folder: config.json, every model.* in it (each container for itself), and the expected
/// tensors in tensors.safetensors or expected.safetensors; step.safetensors and step_bn_batch.safetensors too
/// (loss, gradients and the parameters after one AdamW step). Errors: FileNotFound, FormatInvalid,
/// ModelInvalid. Thread: any.
Result<VerifyReport> verifyFolder(const std::filesystem::path&);

} // namespace tandem::verify
