#pragma once

namespace tandem {

/// Makes Document, SliceItem, SceneItem and LabelList known to QML as Tandem.Document 1.0. Call once, before
/// the engine loads. Thread: GUI.
void registerDocumentTypes();

} // namespace tandem
