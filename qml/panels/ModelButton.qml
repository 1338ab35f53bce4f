import QtQuick
import Tandem.Shell
import Tandem.Ui

/// Which network answers, and whether it is ready; opens the dialog about it.
UiButton {
    id: button

    required property ModelChooser model

    objectName: "modelButton"
    kind: UiButton.Quiet
    implicitHeight: Theme.barHeight
    font.pixelSize: Theme.fontSmall
    icon.source: Theme.icon("model")
    icon.width: Theme.iconSmall
    icon.height: Theme.iconSmall
    tip: model.state === ModelChooser.Ready ? model.description : qsTr("About the model in use")
    text: {
        switch (model.state) {
        case ModelChooser.Ready:
            return model.name;
        case ModelChooser.NoModel:
            return qsTr("No model: drawing by hand");
        case ModelChooser.Unavailable:
            return qsTr("Network unavailable: drawing by hand");
        default:
            return qsTr("Loading model…");
        }
    }
}
