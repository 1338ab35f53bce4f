#pragma once

#include "core/usecases/evaluate.h"
#include "core/usecases/propagate.h"

#include <cstdint>
#include <stop_token>
#include <string_view>
#include <vector>

namespace tandem {

/// How `tandem evaluate --propagate` looks at propagation.
struct PropagationTest {
    BoxProtocol protocol = BoxProtocol::Tight;
    Plane plane = Plane::Axial;
    std::int64_t structures = 0; ///< at most so many of an image, evenly spread; 0: all
    PropagateOptions propagate;
};

/// Methods of the rows: for each model the two names followed by its name, and the baseline.
inline constexpr std::string_view propagatedMethod = "propagated ";
inline constexpr std::string_view everySliceMethod = "every-slice ";
inline constexpr std::string_view repeatedEllipseMethod = "repeated-ellipse";

/// Scores propagation in 3-D on every structure of every item: from one box on the middle one of the slices
/// that have it (made from the truth under the protocol), against the same model given a box on every slice
/// that has it, and against the ellipse of the middle slice's box repeated from the first to the last of
/// them. The propagation is not told where the structure ends. DSC and NSD (2 mm) count every slice that has
/// truth or mask; a row's n is the number of slices with the method's mask. Pictures and what cannot be read
/// are skipped and reported; a structure on which propagation refuses (nothing found in the box) counts as an
/// empty mask. Errors: the segmenters'; FormatInvalid if nothing was left; Cancelled. Thread: a worker.
Result<EvaluateReport> evaluatePropagation(const std::vector<EvaluationItem>&,
                                           const std::vector<EvaluationModel>&, const PropagationTest&,
                                           const Progress&, std::stop_token);

} // namespace tandem
