import QtQuick
import QtQuick.Controls.Basic
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// The models on this machine: use one, make it the project's default, measure, import, remove.
UiDialog {
    id: dialog

    required property ModelChooser model
    required property ModelShelf models
    signal fileWanted
    signal removalWanted(string name)

    readonly property bool loading: model.state === ModelChooser.Loading
    readonly property string problem: models.problem !== "" ? models.problem : model.problem

    objectName: "modelsDialog"
    title: qsTr("Models")
    width: Math.min(Theme.pageWidth, parent ? parent.width - 2 * Theme.spacingLarge : Theme.pageWidth)
    // One height whatever the list and the details hold: rows must not move away under the mouse.
    height: Math.min(Math.max(Theme.pageHeight, implicitHeight), parent ? parent.height - 2 * Theme.spacingLarge : Theme.pageHeight)
    onAboutToShow: models.refresh()
    onOpened: rows.forceActiveFocus()

    component Working: RowLayout {
        id: working

        property string what
        property string stopTip: ""
        signal stopWanted

        spacing: Theme.spacingLarge
        Layout.fillWidth: true

        UiText {
            text: working.what
            elide: Text.ElideMiddle
            wrapMode: Text.NoWrap
            Layout.maximumWidth: dialog.availableWidth / 2
        }
        UiProgressBar {
            Layout.fillWidth: true
        }
        UiButton {
            kind: UiButton.Quiet
            icon.source: Theme.icon("cross")
            tip: working.stopTip
            visible: tip !== ""
            onClicked: working.stopWanted()
        }
    }

    ListView {
        id: rows

        model: dialog.models
        clip: true
        currentIndex: dialog.models.selected
        activeFocusOnTab: true
        keyNavigationEnabled: true
        boundsBehavior: Flickable.StopAtBounds
        highlightMoveDuration: 0
        Layout.fillWidth: true
        Layout.fillHeight: true
        Layout.preferredHeight: 2 * Theme.rowHeight
        Layout.minimumHeight: Theme.rowHeight
        Accessible.role: Accessible.List
        Accessible.name: qsTr("Models on this machine")
        ScrollBar.vertical: ScrollBar {}
        Keys.onUpPressed: dialog.models.selected = Math.max(0, dialog.models.selected - 1)
        Keys.onDownPressed: dialog.models.selected = Math.min(count - 1, dialog.models.selected + 1)
        Keys.onReturnPressed: if (details.readable && !details.row.inUse) dialog.models.use(dialog.models.selected)

        delegate: ModelRow {
            width: ListView.view.width
            measured: dialog.models.measuring === index
            onClicked: {
                dialog.models.selected = index;
                rows.forceActiveFocus();
            }
            onDoubleClicked: if (problem === "" && !inUse) dialog.models.use(index)
        }
    }
    Rectangle {
        color: Theme.border
        Layout.fillWidth: true
        Layout.preferredHeight: Theme.lineWidth
    }
    ModelDetails {
        id: details

        row: rows.currentItem as ModelRow
        projectOpen: dialog.models.projectOpen
        busy: dialog.loading
        measuring: dialog.models.measuring >= 0
        Layout.fillWidth: true
        onUseWanted: dialog.models.use(dialog.models.selected)
        onDefaultWanted: dialog.models.makeDefault(dialog.models.selected)
        onMeasureWanted: dialog.models.measure(dialog.models.selected)
        onStopWanted: dialog.models.stopMeasuring()
        onRemovalWanted: dialog.removalWanted(row.title)
    }
    Working {
        what: dialog.model.loadingName === "" ? qsTr("Starting the network…") : qsTr("Loading %1…").arg(dialog.model.loadingName)
        visible: dialog.loading
    }
    Working {
        what: qsTr("Measuring %1…").arg(dialog.models.measuringName)
        visible: dialog.models.measuring >= 0
    }
    Working {
        what: qsTr("Importing %1…").arg(dialog.models.importing)
        visible: dialog.models.importing !== ""
        stopTip: qsTr("Stop importing")
        onStopWanted: dialog.models.stopImporting()
    }
    UiText {
        objectName: "modelProblem"
        text: dialog.problem
        visible: text !== ""
        color: Theme.danger
        wrapMode: Text.WrapAtWordBoundaryOrAnywhere
        maximumLineCount: 6
        elide: Text.ElideRight
        Layout.fillWidth: true
    }
    KnownModels {
        models: dialog.models.known
        visible: where.checked
        Layout.fillWidth: true
    }
    UiText {
        text: where.checked ? qsTr("Tandem downloads nothing. Fetch a file from its publisher's page, then drop it here.") : qsTr("Drop a .pth or .safetensors file here to import it into the models folder.")
        dim: true
        Layout.fillWidth: true
    }

    buttons: [
        UiButton {
            id: where

            objectName: "modelWhere"
            text: qsTr("Where to get SAM and MedSAM")
            kind: UiButton.Quiet
            checkable: true
        },
        UiButton {
            objectName: "modelImport"
            text: qsTr("Import…")
            enabled: dialog.models.importing === ""
            onClicked: dialog.fileWanted()
        },
        UiButton {
            text: qsTr("Close")
            kind: UiButton.Primary
            onClicked: dialog.close()
        }
    ]

    DropZone {
        parent: dialog.contentItem.parent
        anchors.fill: parent
        text: qsTr("Drop to import")
        onFilesDropped: urls => dialog.models.importFiles(urls)
    }
}
