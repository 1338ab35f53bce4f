#include "app/gui/document/surface.h"

#include <vtkCellArray.h>
#include <vtkDiscreteFlyingEdges3D.h>
#include <vtkFloatArray.h>
#include <vtkImageData.h>
#include <vtkNew.h>
#include <vtkPointData.h>
#include <vtkPoints.h>
#include <vtkPolyData.h>
#include <vtkPolyDataNormals.h>
#include <vtkQuadricDecimation.h>
#include <vtkWindowedSincPolyDataFilter.h>

#include <algorithm>

namespace tandem {
namespace {

// Samples of a label's box: every step-th voxel along each axis, and one sample of background around them
// all.
struct Sampling {
    std::array<std::int64_t, 3> first{}, step{1, 1, 1}, count{};

    std::int64_t total() const { return count[0] * count[1] * count[2]; }
};

Sampling samplingOf(const Geometry& g, const LabelExtent& extent) {
    constexpr std::int64_t mostSamples = 12'000'000;
    const auto mm = g.spacing();
    Sampling s;
    s.first = extent.first;
    const auto measure = [&] {
        for (std::size_t a = 0; a < 3; ++a)
            s.count[a] = (extent.last[a] - extent.first[a]) / s.step[a] + 3;
    };
    for (measure(); s.total() > mostSamples; measure()) {
        std::size_t finest = 0;
        for (std::size_t a = 1; a < 3; ++a)
            if (mm[a] * static_cast<double>(s.step[a]) < mm[finest] * static_cast<double>(s.step[finest]))
                finest = a;
        s.step[finest] *= 2;
    }
    return s;
}

// 1 where the label is; the order and origin of `sampling`. Null if asked to stop.
vtkSmartPointer<vtkImageData> sample(GuardedLabels& labels, LabelId label, const Sampling& s,
                                     const std::stop_token& stop) {
    vtkNew<vtkImageData> image;
    image->SetDimensions(static_cast<int>(s.count[0]), static_cast<int>(s.count[1]),
                         static_cast<int>(s.count[2]));
    image->AllocateScalars(VTK_UNSIGNED_CHAR, 1);
    auto* out = static_cast<unsigned char*>(image->GetScalarPointer());
    std::fill_n(out, s.total(), static_cast<unsigned char>(0));
    for (std::int64_t c = 1; c + 1 < s.count[2]; ++c) {
        if (stop.stop_requested())
            return nullptr;
        const std::lock_guard lock(labels.mutex);
        for (std::int64_t b = 1; b + 1 < s.count[1]; ++b)
            for (std::int64_t a = 1; a + 1 < s.count[0]; ++a) {
                const VoxelIndex v{s.first[0] + (a - 1) * s.step[0], s.first[1] + (b - 1) * s.step[1],
                                   s.first[2] + (c - 1) * s.step[2]};
                out[a + s.count[0] * (b + s.count[1] * c)] = labels.map.at(v) == label;
            }
    }
    return image;
}

// Triangles in sample coordinates scaled to millimetres, so that smoothing and decimation see true shapes.
vtkSmartPointer<vtkPolyData> contour(vtkImageData* image, std::array<double, 3> sampleMm,
                                     std::int64_t maxTriangles) {
    image->SetSpacing(sampleMm.data());
    vtkNew<vtkDiscreteFlyingEdges3D> edges;
    edges->SetInputData(image);
    edges->SetValue(0, 1);
    edges->ComputeNormalsOff();
    edges->ComputeGradientsOff();
    edges->ComputeScalarsOff();
    vtkNew<vtkWindowedSincPolyDataFilter> smooth;
    smooth->SetInputConnection(edges->GetOutputPort());
    smooth->SetNumberOfIterations(20);
    smooth->SetPassBand(0.08);
    smooth->BoundarySmoothingOff();
    smooth->FeatureEdgeSmoothingOff();
    smooth->NonManifoldSmoothingOn();
    smooth->NormalizeCoordinatesOn();
    smooth->Update();
    vtkSmartPointer<vtkPolyData> mesh = smooth->GetOutput();
    if (mesh->GetNumberOfPolys() > maxTriangles) {
        vtkNew<vtkQuadricDecimation> decimate;
        decimate->SetInputData(mesh);
        decimate->SetTargetReduction(1.0 - static_cast<double>(maxTriangles) /
                                               static_cast<double>(mesh->GetNumberOfPolys()));
        decimate->Update();
        mesh = decimate->GetOutput();
    }
    return mesh;
}

// Moves the points from scaled samples to the patient.
void placeInPatient(vtkPolyData* mesh, const Geometry& g, const Sampling& s, std::array<double, 3> sampleMm) {
    vtkPoints* points = mesh->GetPoints();
    for (vtkIdType n = 0; n < points->GetNumberOfPoints(); ++n) {
        std::array<double, 3> p{};
        points->GetPoint(n, p.data());
        Point<Voxel> v;
        for (std::size_t a = 0; a < 3; ++a)
            v[a] =
                static_cast<double>(s.first[a]) + (p[a] / sampleMm[a] - 1) * static_cast<double>(s.step[a]);
        points->SetPoint(n, g.patientFromVoxel()(v).v.data());
    }
    points->Modified();
}

Surface plain(vtkPolyData* mesh) {
    Surface out;
    const vtkIdType n = mesh->GetNumberOfPoints();
    vtkDataArray* normals = mesh->GetPointData()->GetNormals();
    for (vtkIdType i = 0; i < n; ++i) {
        std::array<double, 3> p{}, d{};
        mesh->GetPoint(i, p.data());
        normals->GetTuple(i, d.data());
        for (std::size_t a = 0; a < 3; ++a) {
            out.points.push_back(static_cast<float>(p[a]));
            out.normals.push_back(static_cast<float>(d[a]));
        }
    }
    vtkIdType size = 0;
    const vtkIdType* corner = nullptr;
    vtkCellArray* polygons = mesh->GetPolys();
    for (polygons->InitTraversal(); polygons->GetNextCell(size, corner);)
        for (vtkIdType c = 0; size == 3 && c < 3; ++c)
            out.triangles.push_back(static_cast<std::uint32_t>(corner[c]));
    return out;
}

} // namespace

std::optional<Surface> buildSurface(GuardedLabels& labels, LabelId label, const LabelExtent& extent,
                                    std::int64_t maxTriangles, const std::stop_token& stop) {
    if (extent.voxels <= 0)
        return std::nullopt;
    const Geometry grid = labels.map.grid(); // the grid never changes
    const Sampling sampling = samplingOf(grid, extent);
    const vtkSmartPointer<vtkImageData> image = sample(labels, label, sampling, stop);
    if (!image)
        return std::nullopt;
    std::array<double, 3> mm = grid.spacing();
    for (std::size_t a = 0; a < 3; ++a)
        mm[a] *= static_cast<double>(sampling.step[a]);
    const vtkSmartPointer<vtkPolyData> mesh = contour(image, mm, maxTriangles);
    if (stop.stop_requested() || mesh->GetNumberOfPolys() == 0)
        return std::nullopt;
    placeInPatient(mesh, grid, sampling, mm);
    vtkNew<vtkPolyDataNormals>
        normals; // also makes every triangle look outward, whatever the grid's handedness
    normals->SetInputData(mesh);
    normals->SplittingOff();
    normals->ConsistencyOn();
    normals->AutoOrientNormalsOn();
    normals->Update();
    return plain(normals->GetOutput());
}

} // namespace tandem
