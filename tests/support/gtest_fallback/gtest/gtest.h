#pragma once
// The part of GoogleTest's interface that the tests of core and inference use, for machines that have nothing
// but a compiler and LibTorch. GoogleTest itself is used wherever it is installed.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace testing {

class Test {
public:
    virtual ~Test() = default;
    virtual void SetUp() {}
    virtual void TearDown() {}
    virtual void TestBody() = 0;
    static bool HasFailure() { return failed(); }
    static bool& failed() {
        static bool value = false;
        return value;
    }
    static bool& skipped() {
        static bool value = false;
        return value;
    }
};

struct Registered {
    std::string name;
    std::function<Test*()> make;
};
inline std::vector<Registered>& allTests() {
    static std::vector<Registered> tests;
    return tests;
}
inline bool registerTest(const char* suite, const char* name, std::function<Test*()> make) {
    allTests().push_back({std::string(suite) + "." + name, std::move(make)});
    return true;
}

template <class T>
std::string shown(const T& value) {
    if constexpr (requires(std::ostream & s) { s << value; }) {
        std::ostringstream s;
        s << value;
        return s.str();
    } else {
        return "(a value)";
    }
}

// Collects `<< "more words"` and reports when it goes out of scope.
class Report {
public:
    Report(const char* file, int line, std::string what, bool skip = false)
        : text_(std::string(file) + ":" + std::to_string(line) + ": " + what), skip_(skip) {}
    void operator=(const std::ostringstream&) {}
    template <class T>
    Report& operator<<(const T& value) {
        more_ << value;
        return *this;
    }
    ~Report() {
        (skip_ ? Test::skipped() : Test::failed()) = true;
        std::cerr << text_ << " " << more_.str() << "\n";
    }

private:
    std::string text_;
    std::ostringstream more_;
    bool skip_;
};
// Lets ASSERT_ return: `return Void() & Report(...) << ...`.
struct Void {
    void operator&(const Report&) const {}
};

template <class Exception, class Work>
bool throws(const Work& work) {
    try {
        work();
    } catch (const Exception&) {
        return true;
    } catch (...) { // another one: the caller says what was wanted
    }
    return false;
}

inline bool nearlySame(double a, double b) {
    return a == b || std::abs(a - b) <= 4 * 1.2e-7 * std::max(std::abs(a), std::abs(b));
}

inline int runAll() {
    int ran = 0, failed = 0, skipped = 0;
    for (const Registered& r : allTests()) {
        Test::failed() = Test::skipped() = false;
        std::cout << "[ RUN      ] " << r.name << std::endl;
        Test* t = r.make();
        t->SetUp();
        if (!Test::failed() && !Test::skipped())
            t->TestBody();
        t->TearDown();
        delete t;
        ++ran;
        failed += Test::failed();
        skipped += Test::skipped();
        std::cout << (Test::failed() ? "[  FAILED  ] " : "[       OK ] ") << r.name << std::endl;
    }
    std::cout << ran - failed - skipped << " passed, " << failed << " failed, " << skipped << " skipped"
              << std::endl;
    return failed ? 1 : 0;
}

} // namespace testing

#define TANDEM_TEST_(suite, name, base)                                                                      \
    class suite##_##name##_Test : public base {                                                              \
        void TestBody() override;                                                                            \
    };                                                                                                       \
    static const bool suite##_##name##_registered_ = ::testing::registerTest(                                \
        #suite, #name, []() -> ::testing::Test* { return new suite##_##name##_Test; });                      \
    void suite##_##name##_Test::TestBody()
#define TEST(suite, name) TANDEM_TEST_(suite, name, ::testing::Test)
#define TEST_F(fixture, name) TANDEM_TEST_(fixture, name, fixture)

#define TANDEM_EXPECT_(ok, what)                                                                             \
    if (ok) {                                                                                                \
    } else                                                                                                   \
        ::testing::Report(__FILE__, __LINE__, what)
#define TANDEM_ASSERT_(ok, what)                                                                             \
    if (ok) {                                                                                                \
    } else                                                                                                   \
        return ::testing::Void() & ::testing::Report(__FILE__, __LINE__, what)
#define TANDEM_WORDS_(a, op, b)                                                                              \
    (std::string(#a " " #op " " #b " does not hold: ") + ::testing::shown(a) + ", " + ::testing::shown(b))

#define EXPECT_TRUE(x) TANDEM_EXPECT_((x), #x " is false")
#define EXPECT_FALSE(x) TANDEM_EXPECT_(!(x), #x " is true")
#define ASSERT_TRUE(x) TANDEM_ASSERT_((x), #x " is false")
#define ASSERT_FALSE(x) TANDEM_ASSERT_(!(x), #x " is true")
#define EXPECT_EQ(a, b) TANDEM_EXPECT_((a) == (b), TANDEM_WORDS_(a, ==, b))
#define EXPECT_NE(a, b) TANDEM_EXPECT_((a) != (b), TANDEM_WORDS_(a, !=, b))
#define EXPECT_LT(a, b) TANDEM_EXPECT_((a) < (b), TANDEM_WORDS_(a, <, b))
#define EXPECT_LE(a, b) TANDEM_EXPECT_((a) <= (b), TANDEM_WORDS_(a, <=, b))
#define EXPECT_GT(a, b) TANDEM_EXPECT_((a) > (b), TANDEM_WORDS_(a, >, b))
#define EXPECT_GE(a, b) TANDEM_EXPECT_((a) >= (b), TANDEM_WORDS_(a, >=, b))
#define EXPECT_NEAR(a, b, t) TANDEM_EXPECT_(std::abs((a) - (b)) <= (t), TANDEM_WORDS_(a, ~, b))
#define EXPECT_THROW(statement, exception)                                                                   \
    TANDEM_EXPECT_((::testing::throws<exception>([&] { statement; })),                                       \
                   #statement " does not throw " #exception)
#define EXPECT_FLOAT_EQ(a, b) TANDEM_EXPECT_(::testing::nearlySame(a, b), TANDEM_WORDS_(a, ~, b))
#define ASSERT_EQ(a, b) TANDEM_ASSERT_((a) == (b), TANDEM_WORDS_(a, ==, b))
#define ASSERT_NE(a, b) TANDEM_ASSERT_((a) != (b), TANDEM_WORDS_(a, !=, b))
#define ASSERT_LT(a, b) TANDEM_ASSERT_((a) < (b), TANDEM_WORDS_(a, <, b))
#define ASSERT_LE(a, b) TANDEM_ASSERT_((a) <= (b), TANDEM_WORDS_(a, <=, b))
#define ASSERT_GT(a, b) TANDEM_ASSERT_((a) > (b), TANDEM_WORDS_(a, >, b))
#define ASSERT_GE(a, b) TANDEM_ASSERT_((a) >= (b), TANDEM_WORDS_(a, >=, b))
#define ASSERT_NEAR(a, b, t) TANDEM_ASSERT_(std::abs((a) - (b)) <= (t), TANDEM_WORDS_(a, ~, b))
#define ADD_FAILURE() ::testing::Report(__FILE__, __LINE__, "failed:")
#define FAIL() return ::testing::Void() & ::testing::Report(__FILE__, __LINE__, "failed:")
#define GTEST_SKIP() return ::testing::Void() & ::testing::Report(__FILE__, __LINE__, "skipped:", true)
#define SCOPED_TRACE(words) (void)0

#ifndef TANDEM_GTEST_NO_MAIN
__attribute__((weak)) int main() { // weak: a test program of several sources has one in each
    return ::testing::runAll();
}
#endif
