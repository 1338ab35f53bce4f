import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// The open case's state, why it came back, and the steps that it can take now.
ColumnLayout {
    id: bar

    required property Session session
    required property ShellActions actions

    spacing: Theme.spacing

    Rectangle {
        color: Theme.border
        implicitHeight: Theme.lineWidth
        Layout.fillWidth: true
    }
    RowLayout {
        spacing: Theme.spacing
        Layout.leftMargin: Theme.spacing + Theme.spacingSmall
        Layout.rightMargin: Theme.spacing

        UiText {
            text: bar.session.caseName
            elide: Text.ElideMiddle
            wrapMode: Text.NoWrap
            Layout.fillWidth: true
        }
        StateBadge {
            objectName: "caseStateBadge"
            caseState: bar.session.caseState
        }
    }
    UiText {
        text: qsTr("Came back: %1").arg(bar.session.caseComment)
        visible: bar.session.caseComment !== ""
        color: Theme.danger
        maximumLineCount: 4
        elide: Text.ElideRight
        Layout.fillWidth: true
        Layout.leftMargin: Theme.spacing + Theme.spacingSmall
        Layout.rightMargin: Theme.spacing
    }
    RowLayout {
        spacing: Theme.spacing
        Layout.fillWidth: true
        Layout.leftMargin: Theme.spacing
        Layout.rightMargin: Theme.spacing
        Layout.bottomMargin: Theme.spacing

        UiButton {
            objectName: "submitButton"
            visible: bar.session.caseState === CaseList.New || bar.session.caseState === CaseList.InProgress
            text: qsTr("Submit for review")
            icon.source: Theme.icon("submit")
            kind: UiButton.Primary
            enabled: bar.actions.submit.enabled
            tip: enabled ? qsTr("Ctrl+Return") : qsTr("Draw something first")
            Layout.fillWidth: true
            onClicked: bar.actions.submit.trigger()
        }
        UiButton {
            objectName: "approveButton"
            visible: bar.session.canJudge
            text: qsTr("Approve")
            icon.source: Theme.icon("check")
            kind: UiButton.Primary
            Layout.fillWidth: true
            onClicked: bar.actions.approve.trigger()
        }
        UiButton {
            objectName: "rejectButton"
            visible: bar.session.canJudge
            text: qsTr("Reject…")
            icon.source: Theme.icon("cross")
            Layout.fillWidth: true
            onClicked: bar.actions.reject.trigger()
        }
        UiButton {
            objectName: "reopenButton"
            visible: bar.session.caseState === CaseList.Approved || bar.session.caseState === CaseList.Rejected
            text: qsTr("Take up again")
            icon.source: Theme.icon("undo")
            tip: qsTr("Puts the case back in progress, so that it can be drawn on")
            Layout.fillWidth: true
            onClicked: bar.actions.reopen.trigger()
        }
    }
}
