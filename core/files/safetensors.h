#pragma once

#include "core/files/files.h"
#include "core/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tandem {

/// Element types of a safetensors file.
enum class DType { Bool, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64 };

std::size_t dtypeSize(DType);      ///< bytes of one element
std::string_view dtypeName(DType); ///< "F32", ...
std::optional<DType> dtypeFromName(std::string_view);

/// One tensor: row-major, little-endian. In a file that was read the bytes are the mapped ones and need not
/// be aligned.
struct TensorView {
    std::string name;
    DType dtype = DType::F32;
    std::vector<std::int64_t> shape; ///< empty: a scalar
    std::span<const std::byte> bytes;

    std::int64_t elementCount() const;
};

using SafetensorsMetadata = std::vector<std::pair<std::string, std::string>>;

/// A safetensors file, mapped read-only. Every offset, size and shape has been checked against the file.
/// Thread: any, immutable; copies share the mapping.
/// Source of the format: huggingface/safetensors, "Format": u64 header length, JSON header, data without
/// holes.
class SafetensorsFile {
public:
    /// Errors: FileNotFound, FileUnreadable, FormatInvalid (says what is wrong), FormatUnsupported (element
    /// type).
    static Result<SafetensorsFile> open(const std::filesystem::path&);
    /// The same from bytes that the caller keeps alive; `name` is for sentences.
    static Result<SafetensorsFile> parse(std::span<const std::byte>, const std::string& name);

    const std::vector<TensorView>& tensors() const { return tensors_; } ///< in the header's order
    const TensorView* find(std::string_view name) const;
    const SafetensorsMetadata& metadata() const { return metadata_; }
    std::optional<std::string> metadataValue(std::string_view key) const;

private:
    std::shared_ptr<const MappedFile> mapping_;
    std::vector<TensorView> tensors_;
    std::unordered_map<std::string, std::size_t> index_;
    SafetensorsMetadata metadata_;
};

/// Writes a file that appears complete or not at all. The header keeps the order given; the data lie with the
/// widest elements first, so that every tensor is aligned to its elements. Errors: InvalidArgument (a name
/// twice, bytes that do not fit the shape), FileUnwritable. Thread: any.
Result<void> writeSafetensors(const std::filesystem::path&, std::span<const TensorView>,
                              const SafetensorsMetadata& = {});

} // namespace tandem
