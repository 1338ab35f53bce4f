#include "core/files/json.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

using namespace tandem;

namespace {

bool refuses(std::string_view text) {
    return !parseJson(text).has_value();
}

} // namespace

TEST(Json, EveryKindOfValue_IsReadAsWritten) {
    const auto v = parseJson(R"( {"a": [1, -2.5, 1e3, true, false, null], "b": {"c": "d"}, "": 0} )");
    ASSERT_TRUE(v.has_value());
    EXPECT_EQ(v->find("a")->items().size(), 6u);
    EXPECT_TRUE(v->find("a")->items()[0].isInteger());
    EXPECT_EQ(v->find("a")->items()[1].numberOr(0), -2.5);
    EXPECT_FALSE(v->find("a")->items()[2].isInteger());
    EXPECT_EQ(v->find("a")->items()[2].numberOr(0), 1000.0);
    EXPECT_EQ(v->find("b")->find("c")->stringOr(""), "d");
    EXPECT_EQ(v->members()[1].first, "b");
    EXPECT_TRUE(v->find("x") == nullptr);
}

TEST(Json, LargeIntegers_StayExact) {
    const auto v = parseJson("[9223372036854775807, -9223372036854775808, 9223372036854775808]");
    ASSERT_TRUE(v.has_value());
    EXPECT_EQ(v->items()[0].integerOr(0), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(v->items()[1].integerOr(0), std::numeric_limits<std::int64_t>::min());
    EXPECT_FALSE(v->items()[2].isInteger());
    EXPECT_EQ(v->items()[2].numberOr(0), 9223372036854775808.0);
}

TEST(Json, Strings_DecodeEscapesAndSurrogates) {
    const auto v = parseJson(R"("\u00e9\ud83d\ude00\n\"\\\/")");
    ASSERT_TRUE(v.has_value());
    EXPECT_EQ(v->stringOr(""), "\xC3\xA9\xF0\x9F\x98\x80\n\"\\/");
}

TEST(Json, WrongTexts_AreRefused) {
    for (const char* text : {"",
                             " ",
                             "{",
                             "[",
                             "\"",
                             "[1,]",
                             "{\"a\":1,}",
                             "{a:1}",
                             "[1 2]",
                             "01",
                             "-",
                             "1.",
                             ".5",
                             "1e",
                             "+1",
                             "tru",
                             "nul",
                             "NaN",
                             "[1]x",
                             "\"\t\"",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\ud800\"",
                             "\"\\udc00\"",
                             "\"\\ud800\\u0041\"",
                             "{\"a\":1,\"a\":2}",
                             "'a'",
                             "// c\n1",
                             "1e999",
                             "\"\xC0\x80\"",
                             "\"\xED\xA0\x80\"",
                             "\"\xF5\x80\x80\x80\"",
                             "\"\xE2\x82\"",
                             "\"\\"})
        EXPECT_TRUE(refuses(text)) << text;
}

TEST(Json, DeepNesting_IsRefusedWithoutHarm) {
    const std::string deep(1'000'000, '[');
    const auto v = parseJson(deep);
    ASSERT_FALSE(v.has_value());
    EXPECT_TRUE(v.error().code == ErrorCode::FormatUnsupported);
    EXPECT_TRUE(parseJson(std::string(64, '[') + std::string(64, ']')).has_value());
    EXPECT_TRUE(refuses(std::string(65, '[') + std::string(65, ']')));
}

TEST(Json, TooLongText_IsRefused) {
    EXPECT_FALSE(parseJson("[1, 2, 3]", JsonLimits{4, 8}).has_value());
}

TEST(Json, WhatIsWritten_ReadsBackEqual) {
    JsonValue v;
    v.set("text", "line\nbreak \"quoted\" \x01 \xC3\xA9");
    v.set("third", 1.0 / 3.0);
    v.set("tiny", 5e-324);
    v.set("whole", 2.0);
    v.set("count", std::int64_t{-7});
    v.set("list", JsonValue::Array{1, JsonValue(), true, JsonValue::Array{}, JsonValue::Object{}});
    for (const int indent : {-1, 0, 2}) {
        const auto back = parseJson(writeJson(v, indent));
        ASSERT_TRUE(back.has_value());
        EXPECT_TRUE(*back == v);
    }
}

TEST(Json, SetOfAnExistingKey_KeepsItsPlace) {
    JsonValue v = *parseJson(R"({"a":1,"b":2})");
    v.set("a", 3);
    EXPECT_EQ(writeJson(v), R"({"a":3,"b":2})");
}
