#pragma once

class QQuickWindow;

namespace tandem {

/// Milliseconds since this process was started (by the kernel's clock), or since the first call where /proc
/// is missing.
double millisecondsSinceStart();

/// Writes the time of the first frame to standard error when it has been shown.
void reportFirstFrame(QQuickWindow&);

} // namespace tandem
