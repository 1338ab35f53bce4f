// A model's configuration: JSON text, its network, its focus settings, and the way back to text.
#include "inference/network/config.h"
#include "inference/predict/focus_settings.h"

#include <cstdint>
#include <string_view>

using namespace tandem;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto json = parseJson({reinterpret_cast<const char*>(data), size});
    if (!json)
        return 0;
    const auto again = parseJson(writeJson(*json));
    if (!again || !(*again == *json))
        __builtin_trap(); // what was written must read back to an equal value
    (void)predict::focusSettingsFrom(*json);
    const auto config = net::configFromJson(*json);
    if (!config)
        return 0;
    const auto same = net::configFromJson(net::configToJson(*config));
    if (!same || !(*same == *config))
        __builtin_trap();
    (void)net::layoutOf(*config);
    (void)net::parameterCount(*config);
    return 0;
}
