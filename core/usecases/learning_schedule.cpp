#include "core/usecases/learning_schedule.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace tandem {
namespace {

constexpr const char* everyKey = "learning.every";
constexpr const char* countedKey = "learning.counted";

// A count that was stored; nothing if there is none that could be one.
Result<std::optional<int>> countIn(ProjectStore& store, const char* key) {
    const auto text = store.setting(key);
    if (!text)
        return text.error();
    int count = 0;
    const std::string& digits = text->value_or("");
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    const bool sound = failed == std::errc{} && end == digits.data() + digits.size() && count >= 0;
    return sound ? std::optional(count) : std::nullopt;
}

} // namespace

Result<LearningSchedule> learningSchedule(ProjectStore& store, std::int64_t approved) {
    const auto every = countIn(store, everyKey), counted = countIn(store, countedKey);
    if (!every)
        return every.error();
    if (!counted)
        return counted.error();
    const LearningSchedule schedule{
        every->value_or(LearningSchedule::usually),
        std::min<std::int64_t>(counted->value_or(static_cast<int>(approved)), approved)};
    if (!*counted || **counted != schedule.counted)
        if (auto noted = noteLearning(store, schedule.counted); !noted)
            return noted.error();
    return schedule;
}

Result<void> setLearningEvery(ProjectStore& store, int cases) {
    return store.putSetting(everyKey, std::to_string(std::max(0, cases)));
}

Result<void> noteLearning(ProjectStore& store, std::int64_t approved) {
    return store.putSetting(countedKey, std::to_string(approved));
}

} // namespace tandem
