import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// The newest thing the program has to say, until it is dismissed.
Rectangle {
    id: banner

    required property NoticeList notices
    signal detailsWanted

    readonly property color ink: notices.kind === NoticeList.Failure ? Theme.danger : notices.kind === NoticeList.Warning ? Theme.warning : Theme.accent

    objectName: "banner"
    visible: notices.shown
    implicitHeight: row.implicitHeight + 2 * Theme.spacing
    color: notices.kind === NoticeList.Failure ? Theme.dangerDim : Theme.surfaceRaised
    border.color: ink
    radius: Theme.radius
    Accessible.role: Accessible.AlertMessage
    Accessible.name: notices.text

    RowLayout {
        id: row

        anchors.fill: parent
        anchors.margins: Theme.spacing
        anchors.leftMargin: Theme.spacing + Theme.spacingSmall
        spacing: Theme.spacing

        UiIcon {
            iconName: ["info", "warning", "failure"][banner.notices.kind]
            colour: banner.ink
            Layout.alignment: Qt.AlignTop
            Layout.topMargin: (Theme.controlHeight - height) / 2
        }
        UiText {
            text: banner.notices.text
            maximumLineCount: 4
            elide: Text.ElideRight
            Layout.fillWidth: true
            Layout.alignment: Qt.AlignVCenter
        }
        UiButton {
            objectName: "bannerDetails"
            text: banner.notices.unread > 1 ? qsTr("All %1 messages").arg(banner.notices.unread) : qsTr("Details")
            visible: banner.notices.details !== "" || banner.notices.unread > 1
            Layout.alignment: Qt.AlignTop
            onClicked: banner.detailsWanted()
        }
        UiButton {
            objectName: "bannerDismiss"
            kind: UiButton.Quiet
            icon.source: Theme.icon("cross")
            tip: qsTr("Dismiss")
            Layout.alignment: Qt.AlignTop
            onClicked: banner.notices.dismiss()
        }
    }
}
