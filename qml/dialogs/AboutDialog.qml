import QtQuick
import QtQuick.Layouts
import Tandem.Ui

/// What the program is, and whose work it stands on.
UiDialog {
    id: dialog

    title: qsTr("Tandem %1").arg(Qt.application.version)

    UiText {
        text: qsTr("Masks on medical images: a network proposes, a person corrects, and everything is kept.\n\nFor research and training data. Not a medical device: do not use it for diagnosis.")
        Layout.fillWidth: true
    }
    UiText {
        text: qsTr("Licence: Apache 2.0. It uses these libraries, each under its own licence:")
        dim: true
        Layout.fillWidth: true
        Layout.topMargin: Theme.spacing
    }
    UiText {
        text: qsTr("Qt 6 (LGPL 3) · VTK and ITK (BSD 3-clause, Apache 2.0) · DCMTK (BSD 3-clause) · LibTorch (BSD 3-clause) · OpenBLAS (BSD 3-clause) · oneDNN and Highway (Apache 2.0) · SQLite (public domain) · OpenJPEG (BSD 2-clause) · libdeflate (MIT) · zlib (zlib) · Zstandard (BSD 3-clause) · xxHash (BSD 2-clause) · libpng (libpng) · CLI11 (BSD 3-clause) · JSON for Modern C++ (MIT)")
        font.pixelSize: Theme.fontSmall
        Layout.fillWidth: true
    }
    UiText {
        text: qsTr("The network is DB-SAM, after Segment Anything (Apache 2.0) and MedSAM (Apache 2.0).")
        font.pixelSize: Theme.fontSmall
        Layout.fillWidth: true
    }
    buttons: [
        UiButton {
            text: qsTr("Close")
            kind: UiButton.Primary
            onClicked: dialog.close()
        }
    ]
}
