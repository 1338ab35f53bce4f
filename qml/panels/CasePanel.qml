import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// The project's cases, and what can be done with the open one.
Rectangle {
    id: panel

    required property Session session
    required property ShellActions actions

    implicitWidth: Theme.panelWidth
    color: Theme.surface

    ColumnLayout {
        anchors.fill: parent
        spacing: 0

        UiText {
            text: panel.session.projectIsScratch ? qsTr("Scratch project") : panel.session.projectName
            font.bold: true
            elide: Text.ElideMiddle
            wrapMode: Text.NoWrap
            Layout.fillWidth: true
            Layout.margins: Theme.spacing
            Layout.leftMargin: Theme.spacing + Theme.spacingSmall
        }
        QueueTabs {
            cases: panel.session.cases
            Layout.fillWidth: true
            Layout.leftMargin: Theme.spacingSmall
            Layout.rightMargin: Theme.spacingSmall
            Layout.bottomMargin: Theme.spacingSmall
        }
        Rectangle {
            color: Theme.border
            implicitHeight: Theme.lineWidth
            Layout.fillWidth: true
        }
        ListView {
            id: list

            objectName: "caseList"
            model: panel.session.cases
            clip: true
            activeFocusOnTab: true
            currentIndex: panel.session.cases.currentRow
            boundsBehavior: Flickable.StopAtBounds
            Layout.fillWidth: true
            Layout.fillHeight: true
            Accessible.role: Accessible.List
            Accessible.name: qsTr("Cases")
            ScrollBar.vertical: ScrollBar {}

            delegate: CaseRow {
                width: ListView.view.width
                onClicked: panel.session.openCase(caseId)
            }
        }
        UiText {
            text: panel.session.cases.queue === CaseList.Mine ? qsTr("No case waits for you.") : panel.session.cases.queue === CaseList.ToReview ? qsTr("No case waits for a review.") : qsTr("This project has no cases yet. Drop images or folders here.")
            visible: list.count === 0
            dim: true
            horizontalAlignment: Text.AlignHCenter
            Layout.fillWidth: true
            Layout.margins: Theme.spacingLarge
        }
        VerdictBar {
            session: panel.session
            actions: panel.actions
            visible: panel.session.caseOpen
            Layout.fillWidth: true
        }
    }
    Rectangle {
        anchors.right: parent.right
        width: Theme.lineWidth
        height: parent.height
        color: Theme.border
    }
}
