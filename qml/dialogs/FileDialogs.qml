import QtQuick
import QtQuick.Dialogs
import Tandem.Shell

/// The dialogs that ask for files and folders.
QtObject {
    id: dialogs

    required property Session session

    readonly property bool visible: files.visible || folder.visible || newProject.visible || modelFile.visible || exportFolder.visible

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
        title: qsTr("Choose a model")
        fileMode: FileDialog.OpenFile
        nameFilters: [qsTr("Models (*.safetensors *.pth *.pt)"), qsTr("All files (*)")]
        onAccepted: dialogs.session.model.chooseFile(selectedFile)
    }
    readonly property FolderDialog exportFolder: FolderDialog {
        title: qsTr("Where should the masks go?")
        onAccepted: dialogs.session.exportPlan.setFolderUrl(selectedFolder)
    }
}
