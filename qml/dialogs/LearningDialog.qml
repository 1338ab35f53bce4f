import QtQuick
import QtQuick.Layouts
import Tandem.Shell
import Tandem.Ui

/// Lets a small model learn from the approved cases: start, watch, stop, take the new model or go back.
UiDialog {
    id: dialog

    required property Learner learner
    readonly property int fewest: 3
    readonly property bool running: learner.state === Learner.Running

    objectName: "learningDialog"
    title: qsTr("Learn from this project")

    component Cell: UiText {
        wrapMode: Text.NoWrap
        horizontalAlignment: Text.AlignRight
        Layout.preferredWidth: Theme.controlWidth / 2
    }
    component TableRow: RowLayout {
        id: row

        property string structure
        property string cases
        property real before
        property real after

        spacing: Theme.spacing
        Layout.fillWidth: true

        UiText {
            text: row.structure
            elide: Text.ElideRight
            wrapMode: Text.NoWrap
            Layout.fillWidth: true
        }
        Cell { text: row.cases; dim: true }
        Cell { text: row.before.toFixed(3) }
        Cell {
            text: row.after.toFixed(3)
            color: row.after >= row.before ? Theme.ok : Theme.warning
        }
    }

    UiText {
        objectName: "learningIntro"
        text: {
            if (dialog.learner.approvedCount < dialog.fewest)
                return qsTr("A small model can learn from approved cases, on this machine. Approve at least %1 first; there are %2 so far.").arg(dialog.fewest).arg(dialog.learner.approvedCount);
            return qsTr("Starting from %1, a small model learns from %2 approved cases, on this machine and in the background. A quarter of the cases is kept out: on them the old and the new model are compared.").arg(dialog.learner.startName).arg(dialog.learner.approvedCount);
        }
        Layout.fillWidth: true
    }
    UiText {
        text: qsTr("The model in use is too large to learn here within minutes.")
        visible: dialog.learner.startsFromBundled
        dim: true
        Layout.fillWidth: true
    }
    RowLayout {
        spacing: Theme.spacing
        Layout.fillWidth: true

        UiCheckBox {
            objectName: "learnByItself"
            text: qsTr("Learn by itself after every")
            checked: dialog.learner.every > 0
            onToggled: dialog.learner.every = checked ? dialog.learner.usualEvery : 0
        }
        UiTextField {
            objectName: "learnEvery"
            text: dialog.learner.every > 0 ? dialog.learner.every : ""
            enabled: dialog.learner.every > 0
            validator: IntValidator { bottom: 1; top: 999 }
            horizontalAlignment: Text.AlignHCenter
            Accessible.name: qsTr("Number of newly approved cases")
            Layout.preferredWidth: Theme.controlWidth / 3
            onEditingFinished: dialog.learner.every = parseInt(text)
        }
        UiText {
            text: qsTr("newly approved cases")
            wrapMode: Text.NoWrap
            elide: Text.ElideRight
            Layout.fillWidth: true
        }
    }
    UiText {
        text: qsTr("A model that is better is offered here; none is ever taken by itself.")
        dim: true
        Layout.fillWidth: true
    }
    ColumnLayout {
        visible: dialog.running
        spacing: Theme.spacing
        Layout.fillWidth: true

        UiText {
            text: dialog.learner.sentence
            elide: Text.ElideRight
            wrapMode: Text.NoWrap
            Layout.fillWidth: true
        }
        UiProgressBar {
            fraction: dialog.learner.fraction
            Layout.fillWidth: true
        }
    }
    LearningCurve {
        visible: dialog.running || dialog.learner.losses.length > 0
        losses: dialog.learner.losses
        scores: dialog.learner.scores
        Layout.fillWidth: true
    }
    UiText {
        objectName: "learningReport"
        text: dialog.learner.report
        visible: text !== "" && !dialog.running
        color: dialog.learner.offered ? Theme.ok : dialog.learner.state === Learner.Failed ? Theme.danger : Theme.warning
        wrapMode: Text.WrapAtWordBoundaryOrAnywhere
        Layout.fillWidth: true
    }
    ColumnLayout {
        visible: dialog.learner.table.length > 0
        spacing: Theme.spacingSmall
        Layout.fillWidth: true

        RowLayout {
            spacing: Theme.spacing
            Layout.fillWidth: true

            UiText {
                text: qsTr("DSC on cases kept out")
                dim: true
                Layout.fillWidth: true
            }
            Cell { text: qsTr("cases"); dim: true }
            Cell { text: qsTr("old"); dim: true }
            Cell { text: qsTr("new"); dim: true }
        }
        ListView {
            clip: true
            model: dialog.learner.table
            implicitHeight: Math.min(contentHeight, Theme.controlHeight * 6)
            Layout.fillWidth: true
            delegate: TableRow {
                required property var modelData

                width: ListView.view.width
                structure: modelData.structure
                cases: modelData.cases
                before: modelData.before
                after: modelData.after
            }
        }
        TableRow {
            structure: qsTr("Mean")
            before: dialog.learner.before
            after: dialog.learner.after
        }
    }
    UiText {
        objectName: "learningAdopted"
        text: qsTr("The new model is in use in this project.")
        visible: dialog.learner.adopted
        color: Theme.ok
        Layout.fillWidth: true
    }

    buttons: [
        UiButton {
            text: dialog.running ? qsTr("Close, go on") : qsTr("Close")
            onClicked: dialog.close()
        },
        UiButton {
            objectName: "learningStop"
            text: qsTr("Stop")
            visible: dialog.running
            onClicked: dialog.learner.stop()
        },
        UiButton {
            objectName: "learningBack"
            text: qsTr("Go back to the old model")
            visible: dialog.learner.adopted
            onClicked: dialog.learner.goBack()
        },
        UiButton {
            objectName: "learningStart"
            text: dialog.learner.state === Learner.Done ? qsTr("Learn again") : qsTr("Start")
            visible: !dialog.running
            kind: dialog.learner.state === Learner.Done ? UiButton.Plain : UiButton.Primary
            enabled: dialog.learner.approvedCount >= dialog.fewest && dialog.learner.startName !== ""
            onClicked: dialog.learner.start()
        },
        UiButton {
            objectName: "learningAdopt"
            text: qsTr("Use the new model")
            kind: dialog.learner.offered ? UiButton.Primary : UiButton.Plain
            visible: dialog.learner.state === Learner.Done && !dialog.learner.adopted
            onClicked: dialog.learner.adopt()
        }
    ]
}
