#pragma once

#include "core/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tandem {

/// One JSON value. Objects keep the order of their keys; whole numbers that fit stay exact 64-bit integers.
/// Plain data: copied by value, read from any thread.
class JsonValue {
public:
    using Array = std::vector<JsonValue>;
    using Member = std::pair<std::string, JsonValue>;
    using Object = std::vector<Member>;

    JsonValue() = default; ///< null
    JsonValue(bool v) : content_(v) {}
    JsonValue(int v) : content_(std::int64_t{v}) {}
    JsonValue(std::int64_t v) : content_(v) {}
    JsonValue(double v) : content_(v) {}
    JsonValue(const char* v) : content_(std::string(v)) {}
    JsonValue(std::string_view v) : content_(std::string(v)) {}
    JsonValue(std::string v) : content_(std::move(v)) {}
    JsonValue(Array v) : content_(std::move(v)) {}
    JsonValue(Object v) : content_(std::move(v)) {}

    bool isNull() const { return content_.index() == 0; }
    bool isBool() const { return std::holds_alternative<bool>(content_); }
    bool isInteger() const { return std::holds_alternative<std::int64_t>(content_); }
    bool isNumber() const { return isInteger() || std::holds_alternative<double>(content_); }
    bool isString() const { return std::holds_alternative<std::string>(content_); }
    bool isArray() const { return std::holds_alternative<Array>(content_); }
    bool isObject() const { return std::holds_alternative<Object>(content_); }

    /// The content, or the given value when it is of another kind. A number with a fraction is no integer.
    bool boolOr(bool other) const { return isBool() ? std::get<bool>(content_) : other; }
    std::int64_t integerOr(std::int64_t other) const;
    double numberOr(double other) const;
    std::string stringOr(std::string_view other) const;

    /// The elements or members; empty for other kinds.
    const Array& items() const;
    const Object& members() const;
    /// An object's value by key, or nullptr (also when this is no object).
    const JsonValue* find(std::string_view key) const;
    /// Sets a key of an object (a null becomes an object first); an existing key keeps its place.
    void set(std::string_view key, JsonValue value);
    /// Appends to an array (a null becomes an array first).
    void append(JsonValue value);

    friend bool operator==(const JsonValue&, const JsonValue&) = default;

private:
    std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> content_;
};

/// What a text may cost before it is refused.
struct JsonLimits {
    std::size_t bytes = std::size_t{64} << 20;
    int depth = 64;
};

/// Parses one JSON text (RFC 8259, strict: no comments, no trailing commas, UTF-8, no key twice in an
/// object). Error: FormatInvalid with the byte at which it went wrong; FormatUnsupported beyond the limits.
/// Pure.
Result<JsonValue> parseJson(std::string_view text, const JsonLimits& = {});

/// Writes JSON that parseJson reads back to an equal value (numbers in shortest exact form; not-a-number as
/// null).
/// @param indent  spaces a level; negative: one line without spaces
std::string writeJson(const JsonValue&, int indent = -1);

} // namespace tandem
