import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// Which cases the list shows: all, mine, those to review; each with its number.
RowLayout {
    id: tabs

    required property CaseList cases

    spacing: Theme.spacingTiny
    Accessible.role: Accessible.PageTabList

    component Tab: UiButton {
        required property int queue

        kind: UiButton.Quiet
        checked: tabs.cases.queue === queue
        leftPadding: Theme.spacing
        font.pixelSize: Theme.fontSmall
        Layout.fillWidth: true
        Accessible.role: Accessible.PageTab
        onClicked: tabs.cases.queue = queue
    }

    Tab {
        objectName: "queueAll"
        queue: CaseList.All
        text: qsTr("All %1").arg(tabs.cases.allCount)
    }
    Tab {
        objectName: "queueMine"
        queue: CaseList.Mine
        text: qsTr("Mine %1").arg(tabs.cases.mineCount)
        tip: qsTr("Assigned to you and not yet handed over")
    }
    Tab {
        objectName: "queueToReview"
        queue: CaseList.ToReview
        text: qsTr("To review %1").arg(tabs.cases.toReviewCount)
        tip: qsTr("Submitted, waiting for a verdict")
    }
}
