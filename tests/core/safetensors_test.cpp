#include "core/files/json.h"
#include "core/files/safetensors.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <string>

using namespace tandem;

namespace {

template <class T, std::size_t N>
TensorView view(const char* name, DType dtype, std::vector<std::int64_t> shape,
                const std::array<T, N>& values) {
    return {name, dtype, std::move(shape), std::as_bytes(std::span(values))};
}

std::string fileWith(const std::string& header, const std::string& data) {
    std::string bytes;
    for (std::size_t i = 0; i < 8; ++i)
        bytes.push_back(static_cast<char>(header.size() >> (8 * i)));
    return bytes + header + data;
}

Result<SafetensorsFile> parsed(const std::string& bytes) {
    return SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "test");
}

const std::string kGoodHeader = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
const std::array<float, 6> kFloats{1, 2, 3, 4, 5, 6};
const std::array<std::uint8_t, 3> kBytes{7, 8, 9};
const std::array<std::int64_t, 1> kScalar{42};

Result<void> writeSample(const std::filesystem::path& path) {
    const std::array tensors{
        view("bytes", DType::U8, {3}, kBytes), view("floats", DType::F32, {2, 3}, kFloats),
        view("scalar", DType::I64, {}, kScalar), TensorView{"none", DType::F16, {0, 4}, {}}};
    return writeSafetensors(path, tensors, {{"tandem.card", "a \"card\""}});
}

} // namespace

TEST(Safetensors, WhatIsWritten_ReadsBackEqual) {
    const test::TemporaryFolder folder;
    ASSERT_TRUE(writeSample(folder / "a.safetensors").has_value());
    const auto file = SafetensorsFile::open(folder / "a.safetensors");
    ASSERT_TRUE(file.has_value());
    ASSERT_EQ(file->tensors().size(), 4u);
    EXPECT_EQ(file->tensors()[0].name, "bytes");
    EXPECT_EQ(file->metadataValue("tandem.card").value(), "a \"card\"");
    const TensorView* floats = file->find("floats");
    ASSERT_TRUE(floats != nullptr);
    EXPECT_TRUE((floats->shape == std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(std::memcmp(floats->bytes.data(), kFloats.data(), sizeof kFloats), 0);
    EXPECT_EQ(file->find("scalar")->elementCount(), 1);
    EXPECT_EQ(file->find("none")->elementCount(), 0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(floats->bytes.data()) % sizeof(float), 0u);
    EXPECT_TRUE(file->find("nothing") == nullptr);
}

TEST(Safetensors, EveryTruncation_IsAnErrorAndNothingElse) {
    const test::TemporaryFolder folder;
    ASSERT_TRUE(writeSample(folder / "a.safetensors").has_value());
    const std::string whole = readFile(folder / "a.safetensors").value();
    ASSERT_TRUE(parsed(whole).has_value());
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const std::string piece =
            whole.substr(0, n); // an allocation of its own: reading beyond it is seen by ASan
        const auto file = parsed(piece);
        EXPECT_FALSE(file.has_value()) << n;
        EXPECT_TRUE(file || file.error().code == ErrorCode::FormatInvalid) << n;
    }
    EXPECT_FALSE(parsed(whole + "x").has_value());
}

TEST(Safetensors, EveryChangedByte_IsReadOrRefusedWithoutHarm) {
    const test::TemporaryFolder folder;
    ASSERT_TRUE(writeSample(folder / "a.safetensors").has_value());
    const std::string whole = readFile(folder / "a.safetensors").value();
    std::int64_t sum = 0;
    for (std::size_t n = 0; n < whole.size(); ++n)
        for (const char c : {'\0', '\xFF', '9', '"', '-', '['}) {
            std::string changed = whole;
            changed[n] = c;
            const auto file = parsed(changed);
            if (file)
                for (const TensorView& t : file->tensors())
                    for (const std::byte b : t.bytes)
                        sum += std::to_integer<int>(b);
        }
    EXPECT_GT(sum, 0);
}

TEST(Safetensors, HostileHeaders_AreRefused) {
    const std::string data(8, '\0');
    ASSERT_TRUE(parsed(fileWith(kGoodHeader, data)).has_value());
    for (
        const char* header :
        {R"([])", R"({"a":1})", R"({"a":{}})", R"({"a":{"dtype":"F32","shape":[2]}})",
         R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})",
         R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})",
         R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})",
         R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}})",
         R"({"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807],"data_offsets":[0,8]}})",
         R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
         R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})",
         R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})",
         R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}})",
         R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
         R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
         R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
         R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
         R"({"__metadata__":{"a":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
         R"({"__metadata__":[],"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"})
        EXPECT_FALSE(parsed(fileWith(header, data)).has_value()) << header;
    const auto unknown =
        parsed(fileWith(R"({"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", data));
    ASSERT_FALSE(unknown.has_value());
    EXPECT_TRUE(unknown.error().code == ErrorCode::FormatUnsupported);
}

TEST(Safetensors, AHeaderLengthOfAnySize_IsRefused) {
    for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{100'000'001}, ~std::uint64_t{0}}) {
        std::string bytes(8, '\0');
        std::memcpy(bytes.data(), &n, 8);
        EXPECT_FALSE(parsed(bytes).has_value());
    }
}

TEST(Safetensors, WrongRequestsToWrite_AreRefused) {
    const test::TemporaryFolder folder;
    const auto good = view("a", DType::F32, {6}, kFloats);
    const std::array twice{good, good};
    EXPECT_FALSE(writeSafetensors(folder / "x", twice).has_value());
    const std::array misfit{view("a", DType::F32, {7}, kFloats)};
    EXPECT_FALSE(writeSafetensors(folder / "x", misfit).has_value());
    EXPECT_FALSE(std::filesystem::exists(folder / "x"));
}

// Truth from elsewhere: the goldens were written by the reference's own Python writer.
TEST(Safetensors, AFileOfThePythonReference_IsRead) {
    const auto file = SafetensorsFile::open(std::filesystem::path(TANDEM_TEST_DATA) /
                                            "golden/preprocess/metrics.safetensors");
    ASSERT_TRUE(file.has_value());
    const TensorView* areas = file->find("corner_areas");
    ASSERT_TRUE(areas != nullptr);
    EXPECT_TRUE(areas->dtype == DType::F64);
    ASSERT_EQ(areas->elementCount(), 256);
    double first = -1, second = -1;
    std::memcpy(&first, areas->bytes.data(), 8);
    std::memcpy(&second, areas->bytes.data() + 8, 8);
    EXPECT_EQ(first, 0.0);
    EXPECT_NEAR(second, std::sqrt(3.0) / 8, 1e-15);
}
