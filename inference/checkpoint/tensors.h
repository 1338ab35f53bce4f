#pragma once
// Private to inference/: tensors of files as LibTorch's.

#include "core/files/safetensors.h"

#include <ATen/ATen.h>

#include <memory>
#include <optional>

namespace tandem::checkpoint {

/// The element type of LibTorch, or nothing for those it lacks (U16, U32, U64).
std::optional<at::ScalarType> scalarType(DType);
/// The element type of a file for a tensor. Error: FormatUnsupported.
Result<DType> dtypeOf(const at::Tensor&);

/// A file's tensor on the CPU, same type: a copy, or, given what keeps the bytes alive, the bytes themselves
/// (if they lie as their type must; large weights then take no memory of their own).
/// @param owner  held as long as the tensor; the bytes must be writable without harm (MappedFile's are)
/// Error: FormatUnsupported, OutOfMemory.
Result<at::Tensor> toTensor(const TensorView&, const std::shared_ptr<const void>& owner = {});
/// A view of a contiguous CPU tensor's bytes, valid while the tensor lives.
Result<TensorView> viewOf(const std::string& name, const at::Tensor&);

} // namespace tandem::checkpoint
