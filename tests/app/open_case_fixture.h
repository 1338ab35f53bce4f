#pragma once

#include "app/gui/document/document.h"
#include "core/phantom/phantom.h"
#include "database/project_file.h"
#include "tests/support/temporary_folder.h"

#include <QtTest/QTest>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace tandem::test {

inline constexpr SliceKey slice5{Plane::Axial, 5};

inline const std::vector<LabelInfo> twoLabels{{{1}, "liver", {255, 0, 0}, true, false},
                                              {{2}, "spleen", {0, 0, 255}, true, false}};

inline std::int64_t voxelsOf(const LabelMap& map, std::uint16_t label) {
    return map.count({label});
}

/// A project file in a temporary folder with one open case.
class OpenCase {
public:
    explicit OpenCase(std::shared_ptr<const Volume> volume, std::vector<LabelInfo> labels = {})
        : volume_(std::move(volume)) {
        store = createProject(folder_ / "test.tandem", "Test").value();
        for (const LabelInfo& label : labels)
            EXPECT_TRUE(store->putLabel(label).has_value());
        caseId = store->addCase("case", {folder_ / "image.nii.gz", {}, 0, "hash", volume_->geometry(), {}})
                     .value();
        reopen();
        QObject::connect(&document, &Document::failed, &document,
                         [this](const QString& s) { sentences << s; });
    }
    ~OpenCase() { document.close(); }

    CaseRecord record() { return store->caseOf(caseId).value(); }
    /// Opens the case in the document from what is on disk; through another store if one is given.
    void reopen(std::shared_ptr<ProjectStore> through = nullptr) {
        document.close();
        document.open(record(), volume_, store->loadLayer(record().layer).value(), through ? through : store);
    }
    const LabelMap& shown() const { return document.edits()->labels(); }
    LabelMap onDisk() { return store->loadLayer(record().layer).value().labels; }
    /// Lets the program run until nothing is on its way to the disk.
    bool waitSaved() {
        return QTest::qWaitFor([this] { return !document.saving() && !document.strokeInHand(); }, 5000);
    }
    void stroke(SliceKey slice, Point<SlicePx> from, Point<SlicePx> to, bool erase = false,
                bool any = false) {
        if (!document.beginStroke(slice, from, erase, any))
            return;
        document.extendStroke(to);
        document.endStroke();
    }

    std::shared_ptr<ProjectStore> store;
    CaseId caseId;
    Document document;
    QStringList sentences;

private:
    TemporaryFolder folder_;
    std::shared_ptr<const Volume> volume_;
};

inline std::shared_ptr<const Volume> plainVolume(Size3 size = {24, 20, 16},
                                                 std::array<double, 3> mm = {1, 1, 2}) {
    const Geometry g = Geometry::axisAligned(size, mm);
    std::vector<std::int16_t> values(static_cast<std::size_t>(g.voxelCount()));
    for (std::size_t n = 0; n < values.size(); ++n)
        values[n] = static_cast<std::int16_t>(n % 251);
    return std::make_shared<const Volume>(Volume::make(g, values).value());
}

} // namespace tandem::test
