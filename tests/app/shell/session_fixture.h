#pragma once

#include "app/gui/shell/session.h"
#include "core/imaging/imaging.h"
#include "core/phantom/phantom.h"
#include "database/project_file.h"
#include "tests/app/event_loop.h"
#include "tests/support/temporary_folder.h"

#include <QtCore/QCoreApplication>
#include <QtCore/QSettings>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

namespace tandem::test {

/// A Session over the real reader and the real store, with settings and data of its own in a temporary
/// folder.
class SessionTest : public ::testing::Test {
protected:
    SessionTest() {
        qputenv("XDG_CONFIG_HOME", (folder_.path() / "config").c_str());
        qputenv("XDG_DATA_HOME", (folder_.path() / "data").c_str());
        QCoreApplication::setOrganizationName("Tandem");
        QCoreApplication::setApplicationName("Tandem");
        QSettings::setPath(QSettings::NativeFormat, QSettings::UserScope,
                           QString::fromStdString((folder_.path() / "config").string()));
        parts_.reader = makeImageReader();
        parts_.createProject = [](const std::filesystem::path& p, const std::string& n) {
            return createProject(p, n);
        };
        parts_.openProject = [](const std::filesystem::path& p) { return openProject(p); };
        parts_.inference = [] {
            return Result<InferenceLibrary*>(Error{ErrorCode::Unavailable, "No network in this test."});
        };
        start();
    }

    /// Ends the program, as it were, and starts it again.
    void start() {
        session_.reset();
        session_ = std::make_unique<Session>(parts_);
    }

    /// A small phantom as NIfTI; each seed is another image.
    std::filesystem::path givenImage(const std::string& name, std::uint64_t seed) const {
        const Geometry grid = Geometry::axisAligned({24, 20, 9}, {14, 14, 30}, {-160, -130, -120});
        const std::filesystem::path file = folder_ / name;
        const auto written = writeNiftiVolume(file, makePhantom(grid, seed).image);
        EXPECT_TRUE(written.has_value());
        return file;
    }

    void open(const std::filesystem::path& path) {
        session_->openPaths({QString::fromStdString(path.string())});
        settle();
    }

    /// Until nothing is being opened and no job runs.
    void settle() {
        EXPECT_TRUE(waitFor([this] { return !session_->opening() && session_->jobs()->isIdle(); }));
    }
    bool waitForState(CaseList::State state) {
        return waitFor([&] { return session_->caseState() == state; });
    }

    /// A dab of the brush on the open case.
    void draw() {
        Document& document = *session_->document();
        const SliceKey slice{Plane::Axial, 4};
        ASSERT_TRUE(document.beginStroke(slice, {{10, 10}}, false, false));
        document.endStroke();
        ASSERT_TRUE(waitFor([&] { return document.canUndo() && !document.saving(); }));
    }

    QString notice() const { return session_->notices()->text(); }

    TemporaryFolder folder_;
    Parts parts_;
    std::unique_ptr<Session> session_;
};

} // namespace tandem::test
