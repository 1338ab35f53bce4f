import QtQuick
import QtQuick.Layouts
import Tandem.Ui

/// More about the model that is selected in the list, and what can be done with it.
ColumnLayout {
    id: details

    /// The selected row; null while the list is empty.
    required property ModelRow row
    required property bool projectOpen
    required property bool busy
    required property bool measuring
    signal useWanted
    signal defaultWanted
    signal measureWanted
    signal stopWanted
    signal removalWanted

    readonly property bool readable: row !== null && row.problem === ""

    spacing: Theme.spacing

    component Line: RowLayout {
        id: line

        property string head
        property string value
        property int lines: 2

        visible: value !== ""
        spacing: Theme.spacing
        Layout.fillWidth: true

        UiText {
            text: line.head
            dim: true
            Layout.preferredWidth: Theme.controlWidth / 2
            Layout.alignment: Qt.AlignTop
        }
        UiText {
            text: line.value
            wrapMode: Text.WrapAtWordBoundaryOrAnywhere
            maximumLineCount: line.lines
            elide: Text.ElideRight
            Layout.fillWidth: true
        }
    }

    Line {
        head: qsTr("File")
        value: details.row ? details.row.file : ""
    }
    Line {
        head: qsTr("Speed")
        value: !details.readable ? "" : details.row.speedDetails !== "" ? details.row.speedDetails : qsTr("not measured on this machine yet")
    }
    Line {
        head: qsTr("About")
        value: details.row ? details.row.card : ""
        lines: 3
    }
    Line {
        head: qsTr("Problem")
        value: details.row ? details.row.problem : ""
        lines: 6
    }
    Flow {
        spacing: Theme.spacing
        Layout.fillWidth: true

        UiButton {
            objectName: "modelUse"
            text: qsTr("Use")
            tip: qsTr("Use it until another model is chosen")
            enabled: details.readable && !details.row.inUse && !details.busy
            onClicked: details.useWanted()
        }
        UiButton {
            objectName: "modelDefault"
            text: qsTr("Use as this project's default")
            tip: qsTr("Use it now and whenever this project is opened")
            visible: details.projectOpen
            enabled: details.readable && !(details.row.isDefault && details.row.inUse) && !details.busy
            onClicked: details.defaultWanted()
        }
        UiButton {
            objectName: "modelMeasure"
            text: details.measuring ? qsTr("Stop measuring") : qsTr("Measure speed")
            tip: qsTr("Times boxes on slices of 512 × 512, in the background")
            enabled: details.measuring || details.readable
            onClicked: details.measuring ? details.stopWanted() : details.measureWanted()
        }
        UiButton {
            objectName: "modelRemove"
            text: qsTr("Remove…")
            kind: UiButton.Danger
            visible: details.row !== null && details.row.removable
            onClicked: details.removalWanted()
        }
    }
}
