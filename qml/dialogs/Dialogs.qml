import QtQuick
import QtQuick.Templates as T
import Tandem.Shell
import Tandem.Ui

/// All dialogs of the shell; each is built when it is first asked for.
Item {
    id: dialogs

    required property Session session
    readonly property Item over: T.Overlay.overlay

    readonly property bool anyOpen: [reject, person, removeCase, importImages, model, removeModel, learning, exportMasks, messages, keys, about, files].some(loader => loader.item !== null && loader.item.visible)

    function show(name: string): void {
        const loaders = {
            "reject": reject,
            "person": person,
            "removeCase": removeCase,
            "model": model,
            "learning": learning,
            "export": exportMasks,
            "messages": messages,
            "keys": keys,
            "about": about
        };
        if (name in loaders)
            opened(loaders[name]).open();
        else
            opened(files).show(name);
    }
    /// Does `step` once the person's name is known.
    function whenNamed(step: var): void {
        if (session.preferences.personKnown)
            return step();
        opened(person).next = step;
        person.item.open();
    }
    function opened(loader: Loader): QtObject {
        loader.active = true;
        return loader.item;
    }

    Connections {
        target: dialogs.session
        function onChooseImages(): void {
            dialogs.opened(importImages).open();
        }
        function onModelsOpened(): void {
            dialogs.opened(model).open();
        }
    }

    component Late: Loader {
        active: false
    }
    Late { id: reject; sourceComponent: RejectDialog { session: dialogs.session } }
    Late { id: person; sourceComponent: PersonDialog { preferences: dialogs.session.preferences } }
    Late { id: removeCase; sourceComponent: RemoveCaseDialog { session: dialogs.session } }
    Late { id: importImages; sourceComponent: ImportDialog { session: dialogs.session } }
    Late {
        id: model
        sourceComponent: ModelsDialog {
            model: dialogs.session.model
            models: dialogs.session.models
            onFileWanted: dialogs.show("modelFile")
            onRemovalWanted: name => dialogs.opened(removeModel).ask(dialogs.session.models.selected, name)
        }
    }
    Late { id: removeModel; sourceComponent: RemoveModelDialog { models: dialogs.session.models } }
    Late { id: learning; sourceComponent: LearningDialog { learner: dialogs.session.learner } }
    Late {
        id: exportMasks
        sourceComponent: ExportDialog {
            plan: dialogs.session.exportPlan
            cases: dialogs.session.cases
            jobs: dialogs.session.jobs
            onFolderWanted: dialogs.show("exportFolder")
        }
    }
    Late { id: messages; sourceComponent: MessagesDialog { notices: dialogs.session.notices } }
    Late { id: keys; sourceComponent: KeysDialog {} }
    Late { id: about; sourceComponent: AboutDialog {} }
    Late { id: files; sourceComponent: FileDialogs { session: dialogs.session; overlay: dialogs.over } }
}
