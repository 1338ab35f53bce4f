import QtQuick
import QtQuick.Layouts
import Tandem.Ui

/// Published checkpoints: what the files are called, how large they are, and whose page has them.
GridLayout {
    id: grid

    required property var models

    columns: 4
    columnSpacing: Theme.spacingLarge
    rowSpacing: Theme.spacingSmall

    component Cell: UiText {
        font.pixelSize: Theme.fontSmall
        wrapMode: Text.NoWrap
    }

    Repeater {
        model: grid.models
        delegate: Cell {
            required property var modelData
            required property int index

            text: modelData.name
            Layout.row: 2 * index
            Layout.column: 0
        }
    }
    Repeater {
        model: grid.models
        delegate: Cell {
            required property var modelData
            required property int index

            text: modelData.file
            font.family: Theme.fontMono
            Layout.row: 2 * index
            Layout.column: 1
        }
    }
    Repeater {
        model: grid.models
        delegate: Cell {
            required property var modelData
            required property int index

            text: modelData.size
            horizontalAlignment: Text.AlignRight
            Layout.row: 2 * index
            Layout.column: 2
            Layout.fillWidth: true
        }
    }
    Repeater {
        model: grid.models
        delegate: Cell {
            required property var modelData
            required property int index

            text: qsTr("%1, for %2").arg(modelData.licence).arg(modelData.prompts)
            dim: true
            Layout.row: 2 * index
            Layout.column: 3
        }
    }
    Repeater {
        model: grid.models
        delegate: TextEdit {
            required property var modelData
            required property int index

            text: modelData.page
            readOnly: true
            selectByMouse: true
            color: Theme.textDim
            selectionColor: Theme.accentDim
            selectedTextColor: Theme.text
            font.pixelSize: Theme.fontSmall
            Accessible.role: Accessible.StaticText
            Accessible.name: qsTr("%1: %2").arg(modelData.name).arg(text)
            Layout.row: 2 * index + 1
            Layout.column: 1
            Layout.columnSpan: 3
            Layout.bottomMargin: Theme.spacingSmall
        }
    }
}
