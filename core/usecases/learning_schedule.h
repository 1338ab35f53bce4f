#pragma once

#include "core/usecases/project_store.h"

#include <cstdint>

namespace tandem {

/// When a project's model learns by itself: after every few cases that were newly approved. Kept in the
/// project, so that everybody who opens it has the same.
struct LearningSchedule {
    static constexpr int usually = 4;        ///< cases, where nobody said otherwise
    static constexpr std::int64_t least = 3; ///< approved cases to learn from at all: one is kept out

    int every = usually; ///< newly approved cases; 0: never
    std::int64_t counted =
        0; ///< approved cases that the last run knew, or the project had when it was first seen

    /// Whether it is time with so many approved cases.
    bool isDue(std::int64_t approved) const {
        return every > 0 && approved >= least && approved - counted >= every;
    }
};

/// The schedule of a project with so many approved cases. What was approved before it is asked for the first
/// time does not count as new, and what is taken back counts again. Errors: the store's.
Result<LearningSchedule> learningSchedule(ProjectStore&, std::int64_t approved);

/// Learns by itself after so many newly approved cases (0: never). Errors: the store's.
Result<void> setLearningEvery(ProjectStore&, int cases);

/// A run has begun that learns from so many approved cases. Errors: the store's.
Result<void> noteLearning(ProjectStore&, std::int64_t approved);

} // namespace tandem
