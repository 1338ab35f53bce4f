// One QGuiApplication for all tests of a program, without a display.
#include <QtGui/QGuiApplication>
#include <gtest/gtest.h>

namespace {

class GuiApplication : public ::testing::Environment {
public:
    void SetUp() override {
        qputenv("QT_QPA_PLATFORM", "offscreen");
        qputenv("QT_QUICK_BACKEND", "software");
        static int argc = 1;
        static char name[] = "viewer_test";
        static char* argv[] = {name, nullptr};
        app_ = std::make_unique<QGuiApplication>(argc, argv);
    }
    void TearDown() override { app_.reset(); }

private:
    std::unique_ptr<QGuiApplication> app_;
};

const auto* environment = ::testing::AddGlobalTestEnvironment(new GuiApplication);

} // namespace
