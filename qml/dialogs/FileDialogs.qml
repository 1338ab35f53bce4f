import QtQuick
import QtQuick.Dialogs
import Tandem.Shell
import Tandem.Ui

/// The dialogs that ask for files and folders.
QtObject {
    id: dialogs

    required property Session session
    /// Where Qt's own dialogs appear on desktops that bring none.
    required property Item overlay

    readonly property bool visible: files.visible || folder.visible || newProject.visible || modelFile.visible || exportFolder.visible

    onVisibleChanged: if (visible) Qt.callLater(darken, overlay)

    /// Their path bar is white whatever the palette says.
    function darken(item) {
        for (let i = 0; i < item.children.length; ++i) {
            const child = item.children[i];
            if (child.upButton !== undefined && child.background)
                child.background.color = Theme.background;
            darken(child);
        }
    }
    function show(name: string): void {
        ({
            "open": files,
            "openFolder": folder,
            "newProject": newProject,
            "modelFile": modelFile,
            "exportFolder": exportFolder
        })[name].open();
    }

    readonly property FileDialog files: FileDialog {
        title: qsTr("Open images or a project")
        fileMode: FileDialog.OpenFiles
        nameFilters: [qsTr("Images and projects (*.nii *.nii.gz *.hdr *.img *.nrrd *.nhdr *.mha *.mhd *.dcm *.png *.tif *.tiff *.jpg *.jpeg *.bmp *.tandem)"), qsTr("Projects (*.tandem)"), qsTr("All files (*)")]
        onAccepted: dialogs.session.open(selectedFiles)
    }
    readonly property FolderDialog folder: FolderDialog {
        title: qsTr("Open a folder of DICOM files or images")
        onAccepted: dialogs.session.open([selectedFolder])
    }
    readonly property FileDialog newProject: FileDialog {
        title: qsTr("New project")
        fileMode: FileDialog.SaveFile
        defaultSuffix: "tandem"
        nameFilters: [qsTr("Projects (*.tandem)")]
        onAccepted: dialogs.session.newProject(selectedFile)
    }
    readonly property FileDialog modelFile: FileDialog {
        title: qsTr("Import models")
        fileMode: FileDialog.OpenFiles
        nameFilters: [qsTr("Models (*.safetensors *.pth *.pt)"), qsTr("All files (*)")]
        onAccepted: dialogs.session.models.importFiles(selectedFiles)
    }
    readonly property FolderDialog exportFolder: FolderDialog {
        title: qsTr("Where should the masks go?")
        onAccepted: dialogs.session.exportPlan.setFolderUrl(selectedFolder)
    }
}
