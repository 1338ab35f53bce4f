#include "core/files/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace tandem {
namespace {

constexpr bool isDigit(char c) {
    return c >= '0' && c <= '9';
}

// Length of the well-formed UTF-8 sequence at the start of the text, 0 if there is none.
std::size_t utf8Length(std::string_view s) {
    const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
    const unsigned b = byte(0);
    if (b < 0x80)
        return 1;
    if (b >= 0xC2 && b <= 0xDF)
        return tail(1) ? 2 : 0;
    if (b >= 0xE0 && b <= 0xEF) {
        const bool overlong = b == 0xE0 && byte(1) < 0xA0;
        const bool surrogate = b == 0xED && byte(1) > 0x9F;
        return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (b >= 0xF0 && b <= 0xF4) {
        const bool outside = (b == 0xF0 && byte(1) < 0x90) || (b == 0xF4 && byte(1) > 0x8F);
        return tail(1) && tail(2) && tail(3) && !outside ? 4 : 0;
    }
    return 0;
}

void appendUtf8(std::string& out, std::uint32_t c) {
    const auto put = [&](std::uint32_t b) { out.push_back(static_cast<char>(b)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | (c >> 6));
        put(0x80 | (c & 63));
    } else if (c < 0x10000) {
        put(0xE0 | (c >> 12));
        put(0x80 | ((c >> 6) & 63));
        put(0x80 | (c & 63));
    } else {
        put(0xF0 | (c >> 18));
        put(0x80 | ((c >> 12) & 63));
        put(0x80 | ((c >> 6) & 63));
        put(0x80 | (c & 63));
    }
}

bool hasTwins(const JsonValue::Object& members) {
    std::vector<std::string_view> keys;
    keys.reserve(members.size());
    for (const auto& m : members)
        keys.push_back(m.first);
    std::sort(keys.begin(), keys.end());
    return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

// Recursive descent; every parse function returns false after setting problem_.
class Parser {
public:
    Parser(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

    Result<JsonValue> run() {
        JsonValue value;
        if (text_.size() > limits_.bytes)
            return Error{ErrorCode::FormatUnsupported,
                         "The JSON text is longer than " + std::to_string(limits_.bytes) + " bytes."};
        if (parseValue(value, 0) && skipSpace() < text_.size())
            fail("unexpected text after the value");
        if (!problem_.empty())
            return Error{tooDeep_ ? ErrorCode::FormatUnsupported : ErrorCode::FormatInvalid,
                         "The JSON is not valid at byte " + std::to_string(at_) + ": " + problem_ + "."};
        return value;
    }

private:
    bool fail(std::string words) {
        problem_ = std::move(words);
        return false;
    }
    std::size_t skipSpace() {
        while (at_ < text_.size() &&
               (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
            ++at_;
        return at_;
    }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c)
            return false;
        ++at_;
        return true;
    }

    bool parseValue(JsonValue& out, int depth) {
        skipSpace();
        if (at_ >= text_.size())
            return fail("the text ends too early");
        switch (text_[at_]) {
        case '{':
            return parseObject(out, depth);
        case '[':
            return parseArray(out, depth);
        case '"': {
            std::string s;
            if (!parseString(s))
                return false;
            out = JsonValue(std::move(s));
            return true;
        }
        case 't':
            return parseWord("true", JsonValue(true), out);
        case 'f':
            return parseWord("false", JsonValue(false), out);
        case 'n':
            return parseWord("null", JsonValue(), out);
        default:
            return parseNumber(out);
        }
    }

    bool parseWord(std::string_view word, JsonValue value, JsonValue& out) {
        if (text_.substr(at_, word.size()) != word)
            return fail("not a value");
        at_ += word.size();
        out = std::move(value);
        return true;
    }

    bool enter(int depth) {
        ++at_;
        tooDeep_ = depth >= limits_.depth;
        return !tooDeep_ || fail("nested deeper than " + std::to_string(limits_.depth) + " levels");
    }

    bool parseArray(JsonValue& out, int depth) {
        if (!enter(depth))
            return false;
        JsonValue::Array items;
        if (skipSpace(); !take(']')) {
            do {
                if (!parseValue(items.emplace_back(), depth + 1))
                    return false;
                skipSpace();
            } while (take(','));
            if (!take(']'))
                return fail("expected ',' or ']'");
        }
        out = JsonValue(std::move(items));
        return true;
    }

    bool parseMember(JsonValue::Object& members, int depth) {
        skipSpace();
        JsonValue::Member& m = members.emplace_back();
        if (peek() != '"')
            return fail("expected a key in quotes");
        if (!parseString(m.first))
            return false;
        skipSpace();
        if (!take(':'))
            return fail("expected ':'");
        return parseValue(m.second, depth + 1);
    }

    bool parseObject(JsonValue& out, int depth) {
        if (!enter(depth))
            return false;
        JsonValue::Object members;
        if (skipSpace(); !take('}')) {
            do {
                if (!parseMember(members, depth))
                    return false;
                skipSpace();
            } while (take(','));
            if (!take('}'))
                return fail("expected ',' or '}'");
        }
        if (hasTwins(members))
            return fail("a key occurs twice in one object");
        out = JsonValue(std::move(members));
        return true;
    }

    bool parseString(std::string& out) {
        ++at_;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                return true;
            }
            if (static_cast<unsigned char>(c) < 0x20)
                return fail("a control character inside a string");
            if (c == '\\') {
                if (!parseEscape(out))
                    return false;
                continue;
            }
            const std::size_t length = utf8Length(text_.substr(at_, 4));
            if (length == 0)
                return fail("not UTF-8");
            out.append(text_.substr(at_, length));
            at_ += length;
        }
        return fail("a string without end");
    }

    bool parseEscape(std::string& out) {
        static constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
        ++at_;
        const char c = peek();
        if (c == 'u')
            return parseUnicode(out);
        const std::size_t which = from.find(c);
        if (at_ >= text_.size() || which == std::string_view::npos)
            return fail("an unknown escape");
        out.push_back(to[which]);
        ++at_;
        return true;
    }

    bool parseHex4(std::uint32_t& out) {
        const std::string_view digits = text_.substr(std::min(at_ + 1, text_.size()), 4);
        const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), out, 16);
        if (digits.size() != 4 || r.ec != std::errc{} || r.ptr != digits.data() + 4)
            return fail("\\u needs four hexadecimal digits");
        at_ += 5;
        return true;
    }

    bool parseUnicode(std::string& out) {
        std::uint32_t high = 0, low = 0;
        if (!parseHex4(high))
            return false;
        if (high >= 0xDC00 && high <= 0xDFFF)
            return fail("half of a surrogate pair");
        if (high >= 0xD800 && high <= 0xDBFF) {
            if (!take('\\') || peek() != 'u' || !parseHex4(low) || low < 0xDC00 || low > 0xDFFF)
                return fail("half of a surrogate pair");
            high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        }
        appendUtf8(out, high);
        return true;
    }

    bool takeDigits() {
        const std::size_t start = at_;
        while (isDigit(peek()))
            ++at_;
        return at_ > start;
    }

    bool parseNumber(JsonValue& out) {
        const std::size_t start = at_;
        bool whole = true;
        take('-');
        if (!take('0') && !takeDigits())
            return fail("not a value");
        if (take('.')) {
            whole = false;
            if (!takeDigits())
                return fail("digits are missing after the point");
        }
        if (take('e') || take('E')) {
            whole = false;
            if (!take('+'))
                take('-');
            if (!takeDigits())
                return fail("digits are missing in the exponent");
        }
        const std::string_view digits = text_.substr(start, at_ - start);
        return convertNumber(digits, whole, out);
    }

    bool convertNumber(std::string_view digits, bool whole, JsonValue& out) {
        const char* end = digits.data() + digits.size();
        std::int64_t integer = 0;
        if (whole && std::from_chars(digits.data(), end, integer).ec == std::errc{}) {
            out = JsonValue(integer);
            return true;
        }
        double number = 0;
        if (std::from_chars(digits.data(), end, number).ec != std::errc{})
            return fail("a number out of range");
        out = JsonValue(number);
        return true;
    }

    std::string_view text_;
    JsonLimits limits_;
    std::size_t at_ = 0;
    std::string problem_;
    bool tooDeep_ = false;
};

void writeString(std::string& out, std::string_view s) {
    static constexpr std::string_view hex = "0123456789abcdef";
    out.push_back('"');
    for (const char c : s) {
        const auto b = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (b < 0x20) {
            out += "\\u00";
            out.push_back(hex[b >> 4]);
            out.push_back(hex[b & 15]);
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

void writeNumber(std::string& out, double v) {
    if (!std::isfinite(v)) {
        out += "null";
        return;
    }
    std::array<char, 40> digits{};
    const auto r = std::to_chars(digits.data(), digits.data() + digits.size(), v);
    const std::string_view text(digits.data(), static_cast<std::size_t>(r.ptr - digits.data()));
    out += text;
    if (text.find_first_of(".e") == std::string_view::npos)
        out += ".0"; // stays a number with a fraction when read back
}

class Writer {
public:
    explicit Writer(int indent) : indent_(indent) {}

    void value(const JsonValue& v, int depth) {
        if (v.isBool())
            out_ += v.boolOr(false) ? "true" : "false";
        else if (v.isInteger())
            out_ += std::to_string(v.integerOr(0));
        else if (v.isNumber())
            writeNumber(out_, v.numberOr(0));
        else if (v.isString())
            writeString(out_, v.stringOr({}));
        else if (v.isArray())
            array(v.items(), depth);
        else if (v.isObject())
            object(v.members(), depth);
        else
            out_ += "null";
    }
    std::string take() { return std::move(out_); }

private:
    void newLine(int depth) {
        if (indent_ < 0)
            return;
        out_.push_back('\n');
        out_.append(static_cast<std::size_t>(indent_ * depth), ' ');
    }
    void array(const JsonValue::Array& items, int depth) {
        out_.push_back('[');
        const bool flat = std::none_of(items.begin(), items.end(),
                                       [](const JsonValue& v) { return v.isArray() || v.isObject(); });
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (i > 0)
                out_ += flat && indent_ >= 0 ? ", " : ",";
            if (!flat)
                newLine(depth + 1);
            value(items[i], depth + 1);
        }
        if (!flat)
            newLine(depth);
        out_.push_back(']');
    }
    void object(const JsonValue::Object& members, int depth) {
        out_.push_back('{');
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (i > 0)
                out_.push_back(',');
            newLine(depth + 1);
            writeString(out_, members[i].first);
            out_ += indent_ < 0 ? ":" : ": ";
            value(members[i].second, depth + 1);
        }
        if (!members.empty())
            newLine(depth);
        out_.push_back('}');
    }

    int indent_;
    std::string out_;
};

} // namespace

std::int64_t JsonValue::integerOr(std::int64_t other) const {
    return isInteger() ? std::get<std::int64_t>(content_) : other;
}

double JsonValue::numberOr(double other) const {
    if (isInteger())
        return static_cast<double>(std::get<std::int64_t>(content_));
    return isNumber() ? std::get<double>(content_) : other;
}

std::string JsonValue::stringOr(std::string_view other) const {
    return isString() ? std::get<std::string>(content_) : std::string(other);
}

const JsonValue::Array& JsonValue::items() const {
    static const Array none;
    return isArray() ? std::get<Array>(content_) : none;
}

const JsonValue::Object& JsonValue::members() const {
    static const Object none;
    return isObject() ? std::get<Object>(content_) : none;
}

const JsonValue* JsonValue::find(std::string_view key) const {
    for (const Member& m : members())
        if (m.first == key)
            return &m.second;
    return nullptr;
}

void JsonValue::set(std::string_view key, JsonValue value) {
    if (!isObject())
        content_ = Object{};
    auto& object = std::get<Object>(content_);
    for (Member& m : object)
        if (m.first == key) {
            m.second = std::move(value);
            return;
        }
    object.emplace_back(std::string(key), std::move(value));
}

void JsonValue::append(JsonValue value) {
    if (!isArray())
        content_ = Array{};
    std::get<Array>(content_).push_back(std::move(value));
}

Result<JsonValue> parseJson(std::string_view text, const JsonLimits& limits) {
    return Parser(text, limits).run();
}

std::string writeJson(const JsonValue& value, int indent) {
    Writer writer(indent);
    writer.value(value, 0);
    return writer.take();
}

} // namespace tandem
