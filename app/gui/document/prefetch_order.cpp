#include "app/gui/document/prefetch_order.h"

namespace tandem {

std::vector<SliceKey> slicesToPrepare(SliceKey here, int direction, std::int64_t count, std::size_t most) {
    std::vector<SliceKey> out;
    const std::int64_t forward = direction < 0 ? -1 : 1;
    const int ahead = direction == 0 ? 1 : 2;
    std::int64_t front = 0, back = 0;
    const auto add = [&](std::int64_t step) {
        const std::int64_t index = here.index + step * forward;
        if (index >= 0 && index < count && out.size() < most)
            out.push_back({here.plane, index});
    };
    while (out.size() < most && (front < count || back < count)) {
        for (int i = 0; i < ahead; ++i)
            add(++front);
        add(-++back);
    }
    return out;
}

} // namespace tandem
