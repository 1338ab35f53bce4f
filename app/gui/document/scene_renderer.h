#pragma once

#include <QtQuick/QQuickFramebufferObject>

namespace tandem {

/// The part of SceneItem that lives on the render thread and holds everything of VTK.
QQuickFramebufferObject::Renderer* makeSceneRenderer();

} // namespace tandem
