#pragma once

#include <QtCore/QCoreApplication>
#include <QtCore/QElapsedTimer>

#include <functional>

namespace tandem::test {

/// Turns the event loop until `done`, at most a minute. @return whether it was
inline bool waitFor(const std::function<bool()>& done) {
    QElapsedTimer clock;
    clock.start();
    while (!done() && clock.elapsed() < 60000)
        QCoreApplication::processEvents(QEventLoop::AllEvents, 20);
    return done();
}

} // namespace tandem::test
