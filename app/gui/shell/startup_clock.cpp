#include "app/gui/shell/startup_clock.h"

#include <QtQuick/QQuickWindow>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

namespace tandem {

namespace {

double bootClockMs() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

/// Field 22 of /proc/self/stat: start of the process in clock ticks since boot (a tick is 10 ms).
double processStartMs() {
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/self/stat", "r"), std::fclose);
    char text[1024] = {};
    if (!file || !std::fgets(text, sizeof text, file.get()))
        return bootClockMs();
    const char* field = std::strrchr(text, ')');
    for (int number = 2; field && number < 22; ++number)
        field = std::strchr(field + 1, ' ');
    long long ticks = 0;
    if (!field || std::sscanf(field, "%lld", &ticks) != 1)
        return bootClockMs();
    return static_cast<double>(ticks) * 1e3 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

} // namespace

double millisecondsSinceStart() {
    static const double start = processStartMs();
    return bootClockMs() - start;
}

void reportFirstFrame(QQuickWindow& window) {
    auto once = std::make_shared<bool>(false);
    // On the render thread; the frame has been handed to the display.
    QObject::connect(
        &window, &QQuickWindow::frameSwapped, &window,
        [once] {
            if (*once)
                return;
            *once = true;
            std::fprintf(stderr, "first frame after %.0f ms\n", millisecondsSinceStart());
        },
        Qt::DirectConnection);
}

} // namespace tandem
