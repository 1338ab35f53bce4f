#pragma once

#include "core/measure/parts_field.h"

#include <optional>

namespace tandem {

/// The vessels of a colour photograph of a retina that one box takes in (nearly) all of: dark lines in green,
/// as wide as Gaussians of 1.5 and 2.5 cells on 384 along the box's longer side, the strongest 13 % of where
/// the picture is lit, without specks. Nothing in other pictures: a retina is far redder than green and
/// greener than blue, its dark lines are stronger than its bright ones, and most of them hang together.
/// Thread: any; pure. Source of lines by eigenvalues: Frangi et al., Multiscale vessel enhancement filtering,
/// 1998.
std::optional<PartsField> findRetinalVessels(const SliceImage&, const SliceBox&);

} // namespace tandem
