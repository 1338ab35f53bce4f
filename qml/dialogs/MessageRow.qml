import QtQuick
import Tandem.Ui

/// One message with its time and details, as text that can be selected.
TextEdit {
    required property var model

    readonly property string head: [qsTr("Note"), qsTr("Warning"), qsTr("Error")][model.kind]

    text: qsTr("%1  %2\n%3").arg(model.time).arg(head).arg(model.text) + (model.details === "" ? "" : "\n" + model.details)
    readOnly: true
    selectByMouse: true
    wrapMode: TextEdit.WrapAtWordBoundaryOrAnywhere
    color: Theme.text
    selectionColor: Theme.accentDim
    selectedTextColor: Theme.text
    font.pixelSize: Theme.fontNormal
    Accessible.role: Accessible.ListItem
    Accessible.name: text
}
