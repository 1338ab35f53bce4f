#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tandem {

/// What kind of thing went wrong; the sentence in Error says the rest.
enum class ErrorCode {
    Cancelled,         ///< asked to stop; never shown as a failure
    FileNotFound,      ///< no such file or folder
    FileUnreadable,    ///< exists, but cannot be opened or read
    FileUnwritable,    ///< cannot be created, written or renamed
    FormatInvalid,     ///< not what it claims to be, truncated or damaged
    FormatUnsupported, ///< well-formed, but a kind that Tandem does not read or write
    GridMismatch,      ///< two images do not share one grid
    ModelInvalid,      ///< a checkpoint with missing, unexpected or wrongly shaped weights
    InvalidArgument,   ///< a request that makes no sense
    OutOfMemory,
    Locked,      ///< the label is locked, or the file is in use by another program
    StoreFailed, ///< the project file refused
    Unavailable, ///< a part of the program or of the machine that is missing
    Internal     ///< our own mistake
};

/// A failure that a person can meet: a code for the program, a sentence for the person that says what
/// happened, to which file, and what to do about it.
struct Error {
    ErrorCode code = ErrorCode::Internal;
    std::string sentence;
};

/// A value or an Error; member names are those of std::expected.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

    bool has_value() const { return content_.index() == 0; }
    explicit operator bool() const { return has_value(); }
    T& value() & { return std::get<0>(content_); }
    const T& value() const& { return std::get<0>(content_); }
    T&& value() && { return std::get<0>(std::move(content_)); }
    const Error& error() const { return std::get<1>(content_); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    T value_or(T other) const& { return has_value() ? value() : std::move(other); }

private:
    std::variant<T, Error> content_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool has_value() const { return !error_.has_value(); }
    explicit operator bool() const { return has_value(); }
    const Error& error() const { return *error_; }

private:
    std::optional<Error> error_;
};

} // namespace tandem
