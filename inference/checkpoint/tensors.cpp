#include "inference/checkpoint/tensors.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

namespace tandem::checkpoint {
namespace {

constexpr std::array<std::pair<DType, at::ScalarType>, 10> kTypes{{{DType::Bool, at::kBool},
                                                                   {DType::U8, at::kByte},
                                                                   {DType::I8, at::kChar},
                                                                   {DType::I16, at::kShort},
                                                                   {DType::F16, at::kHalf},
                                                                   {DType::BF16, at::kBFloat16},
                                                                   {DType::I32, at::kInt},
                                                                   {DType::F32, at::kFloat},
                                                                   {DType::I64, at::kLong},
                                                                   {DType::F64, at::kDouble}}};

} // namespace

std::optional<at::ScalarType> scalarType(DType dtype) {
    for (const auto& [ours, theirs] : kTypes)
        if (ours == dtype)
            return theirs;
    return std::nullopt;
}

Result<DType> dtypeOf(const at::Tensor& tensor) {
    for (const auto& [ours, theirs] : kTypes)
        if (theirs == tensor.scalar_type())
            return ours;
    return Error{ErrorCode::FormatUnsupported, "This kind of tensor cannot be written to a file."};
}

Result<at::Tensor> toTensor(const TensorView& view, const std::shared_ptr<const void>& owner) {
    const auto type = scalarType(view.dtype);
    if (!type)
        return Error{ErrorCode::FormatUnsupported, "The tensor '" + view.name + "' has the element type " +
                                                       std::string(dtypeName(view.dtype)) +
                                                       ", which a model cannot have."};
    const auto address = reinterpret_cast<std::uintptr_t>(view.bytes.data());
    try {
        if (owner && !view.bytes.empty() && address % dtypeSize(view.dtype) == 0)
            return at::from_blob(
                const_cast<std::byte*>(view.bytes.data()), view.shape, [owner](void*) {},
                at::TensorOptions().dtype(*type));
        at::Tensor tensor = at::empty(view.shape, at::TensorOptions().dtype(*type));
        if (!view.bytes.empty())
            std::memcpy(tensor.data_ptr(), view.bytes.data(), view.bytes.size());
        return tensor;
    } catch (const std::exception&) {
        return Error{ErrorCode::OutOfMemory,
                     "There is not enough memory for the tensor '" + view.name + "'."};
    }
}

Result<TensorView> viewOf(const std::string& name, const at::Tensor& tensor) {
    const auto dtype = dtypeOf(tensor);
    if (!dtype)
        return dtype.error();
    if (!tensor.is_contiguous() || tensor.is_cuda())
        return Error{ErrorCode::Internal, "The tensor '" + name + "' is not laid out for a file."};
    const auto* data = static_cast<const std::byte*>(tensor.data_ptr());
    return TensorView{name, *dtype, tensor.sizes().vec(), {data, static_cast<std::size_t>(tensor.nbytes())}};
}

} // namespace tandem::checkpoint
