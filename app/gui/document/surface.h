#pragma once

#include "app/gui/document/edit_session.h"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

namespace tandem {

/// A closed surface in the patient: LPS mm, triangles counter-clockwise seen from outside.
struct Surface {
    std::vector<float> points;            ///< x, y, z for each vertex
    std::vector<float> normals;           ///< unit vectors, outward, for each vertex
    std::vector<std::uint32_t> triangles; ///< three vertices each
};

/// The smoothed surface of one label, with at most about `maxTriangles`. Very large labels are sampled more
/// coarsely. Empty if the label has no voxel or if asked to stop. Voxels are read a slice at a time, so that
/// the GUI thread never waits long for the labels. Thread: a worker. Source: discrete flying edges
/// (vtkDiscreteFlyingEdges3D), windowed sinc smoothing, quadric decimation.
std::optional<Surface> buildSurface(GuardedLabels&, LabelId, const LabelExtent&, std::int64_t maxTriangles,
                                    const std::stop_token&);

} // namespace tandem
