#pragma once

#include "core/measure/parts_field.h"
#include "core/tools/point_prompt.h"

#include <span>
#include <vector>

namespace tandem {

/// The parts of a box after clicks and scribbles, on a slice of width * height pixels: logits, -10 outside
/// the box. A prompt is about what it points at: one that belongs takes in the cells around it, up to 16
/// away, that stand out as much as its own; one that does not takes away what belongs and hangs together with
/// it up to 16 cells away. Later prompts win; all others parts stay. Thread: any; pure.
std::vector<float> answerParts(const PartsField&, std::span<const PointPrompt>, std::int64_t width,
                               std::int64_t height);

} // namespace tandem
