#include "app/gui/document/register_types.h"

#include "app/gui/document/document.h"
#include "app/gui/document/scene_item.h"
#include "app/gui/document/slice_item.h"

#include <QtQml/QQmlEngine>

namespace tandem {

void registerDocumentTypes() {
    constexpr const char* uri = "Tandem.Document";
    qmlRegisterType<Document>(uri, 1, 0, "Document");
    qmlRegisterType<SliceItem>(uri, 1, 0, "SliceItem");
    qmlRegisterType<SceneItem>(uri, 1, 0, "SceneItem");
    qmlRegisterUncreatableType<LabelList>(uri, 1, 0, "LabelList", QStringLiteral("Belongs to a Document"));
}

} // namespace tandem
