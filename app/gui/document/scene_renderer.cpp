#include "app/gui/document/scene_renderer.h"

#include "app/gui/document/scene_item.h"

#include <QtOpenGL/QOpenGLFramebufferObject>
#include <QtQuick/QQuickOpenGLUtils>
#include <vtkActor.h>
#include <vtkAnnotatedCubeActor.h>
#include <vtkCamera.h>
#include <vtkCellArray.h>
#include <vtkFloatArray.h>
#include <vtkGenericOpenGLRenderWindow.h>
#include <vtkNew.h>
#include <vtkOpenGLState.h>
#include <vtkPointData.h>
#include <vtkPoints.h>
#include <vtkPolyData.h>
#include <vtkPolyDataMapper.h>
#include <vtkProperty.h>
#include <vtkRenderer.h>
#include <vtkSmartPointer.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace tandem {
namespace {

vtkSmartPointer<vtkPolyData> meshOf(const Surface& surface) {
    vtkNew<vtkPoints> points;
    vtkNew<vtkFloatArray> normals;
    normals->SetNumberOfComponents(3);
    normals->SetName("Normals");
    const auto n = static_cast<vtkIdType>(surface.points.size() / 3);
    points->SetNumberOfPoints(n);
    normals->SetNumberOfTuples(n);
    for (vtkIdType i = 0; i < n; ++i) {
        points->SetPoint(i, surface.points.data() + 3 * i);
        normals->SetTuple(i, surface.normals.data() + 3 * i);
    }
    vtkNew<vtkCellArray> triangles;
    for (std::size_t t = 0; t + 2 < surface.triangles.size(); t += 3) {
        triangles->InsertNextCell(3);
        for (std::size_t c = 0; c < 3; ++c)
            triangles->InsertCellPoint(surface.triangles[t + c]);
    }
    vtkNew<vtkPolyData> mesh;
    mesh->SetPoints(points);
    mesh->SetPolys(triangles);
    mesh->GetPointData()->SetNormals(normals);
    return mesh;
}

vtkSmartPointer<vtkActor> actorOf(vtkPolyData* mesh) {
    vtkNew<vtkPolyDataMapper> mapper;
    mapper->SetInputData(mesh);
    mapper->ScalarVisibilityOff();
    vtkNew<vtkActor> actor;
    actor->SetMapper(mapper);
    return actor;
}

// The twelve edges of the image's box.
vtkSmartPointer<vtkPolyData> boxMesh(const std::array<Point<Patient>, 8>& corners) {
    vtkNew<vtkPoints> points;
    for (const Point<Patient>& c : corners)
        points->InsertNextPoint(c.v.data());
    vtkNew<vtkCellArray> edges;
    for (vtkIdType a = 0; a < 8; ++a)
        for (vtkIdType bit = 1; bit < 8; bit *= 2)
            if (!(a & bit)) {
                edges->InsertNextCell(2);
                edges->InsertCellPoint(a);
                edges->InsertCellPoint(a | bit);
            }
    vtkNew<vtkPolyData> mesh;
    mesh->SetPoints(points);
    mesh->SetLines(edges);
    return mesh;
}

// A cube with the letters of the patient's directions (LPS: +x is left, +y posterior, +z superior).
vtkSmartPointer<vtkAnnotatedCubeActor> orientationCube() {
    vtkNew<vtkAnnotatedCubeActor> cube;
    cube->SetXPlusFaceText("L");
    cube->SetXMinusFaceText("R");
    cube->SetYPlusFaceText("P");
    cube->SetYMinusFaceText("A");
    cube->SetZPlusFaceText("S");
    cube->SetZMinusFaceText("I");
    // Letters upright when the patient stands.
    cube->SetXFaceTextRotation(0);
    cube->SetYFaceTextRotation(0);
    cube->SetZFaceTextRotation(0);
    cube->SetFaceTextScale(0.6);
    cube->GetCubeProperty()->SetColor(0.24, 0.26, 0.29);
    cube->GetTextEdgesProperty()->SetOpacity(0);
    for (vtkProperty* face :
         {cube->GetXPlusFaceProperty(), cube->GetXMinusFaceProperty(), cube->GetYPlusFaceProperty(),
          cube->GetYMinusFaceProperty(), cube->GetZPlusFaceProperty(), cube->GetZMinusFaceProperty()}) {
        face->SetColor(0.92, 0.92, 0.93);
        face->SetInterpolationToFlat();
    }
    return cube;
}

class SceneRenderer : public QQuickFramebufferObject::Renderer {
public:
    SceneRenderer() {
        window_->SetReadyForRendering(true);
        window_->SetOwnContext(0);
        window_->SetIsCurrent(true);
        window_->SetMultiSamples(0);
        window_->SetFrameBlitModeToBlitToCurrent();
        window_->SetNumberOfLayers(2);
        window_->AddRenderer(scene_);
        scene_->SetBackgroundAlpha(1.0);
        corner_->SetLayer(1);
        corner_->InteractiveOff();
        corner_->AddActor(orientationCube());
        window_->AddRenderer(corner_);
    }
    ~SceneRenderer() override { window_->SetReadyForRendering(false); }

    QOpenGLFramebufferObject* createFramebufferObject(const QSize& size) override {
        QOpenGLFramebufferObjectFormat format;
        format.setAttachment(QOpenGLFramebufferObject::CombinedDepthStencil);
        return new QOpenGLFramebufferObject(size, format);
    }

    void synchronize(QQuickFramebufferObject* item) override {
        auto* scene = static_cast<SceneItem*>(item);
        state_ = scene->state();
        const CameraMoves moves = scene->takeMoves();
        resetWanted_ = resetWanted_ || moves.reset;
        showState();
        move(moves);
    }

    void render() override {
        if (!started_)
            window_->OpenGLInitContext();
        started_ = true;
        const QSize size = framebufferObject()->size();
        window_->GetState()->Reset();
        window_->GetState()->Push();
        window_->SetSize(size.width(), size.height());
        placeCorner(size);
        scene_->ResetCameraClippingRange();
        window_->Render();
        window_->GetState()->Pop();
        QQuickOpenGLUtils::resetOpenGLState();
    }

private:
    struct Shown {
        std::shared_ptr<const Surface> surface;
        vtkSmartPointer<vtkActor> actor;
    };

    void showState() {
        scene_->SetBackground(state_.background.redF(), state_.background.greenF(),
                              state_.background.blueF());
        std::map<LabelId, Shown> now;
        for (const SceneSurface& s : state_.surfaces) {
            Shown shown;
            if (const auto old = shown_.find(s.label);
                old != shown_.end() && old->second.surface == s.surface)
                shown = old->second;
            else
                shown = {s.surface, actorOf(meshOf(*s.surface))};
            vtkProperty* look = shown.actor->GetProperty();
            look->SetColor(s.colour.r / 255.0, s.colour.g / 255.0, s.colour.b / 255.0);
            look->SetAmbient(0.12);
            look->SetDiffuse(0.85);
            look->SetSpecular(0.12);
            look->SetSpecularPower(20);
            now.emplace(s.label, shown);
        }
        for (const auto& [label, shown] : shown_)
            scene_->RemoveActor(shown.actor);
        for (const auto& [label, shown] : now)
            scene_->AddActor(shown.actor);
        shown_ = std::move(now);
        showBox();
    }

    void showBox() {
        if (state_.hasBox && state_.corners == boxCorners_ && box_)
            return;
        if (box_)
            scene_->RemoveActor(box_);
        box_ = nullptr;
        if (!state_.hasBox)
            return;
        boxCorners_ = state_.corners;
        box_ = actorOf(boxMesh(boxCorners_));
        box_->GetProperty()->SetColor(0.35, 0.37, 0.40);
        box_->GetProperty()->LightingOff();
        scene_->AddActor(box_);
        resetWanted_ = true;
    }

    void move(const CameraMoves& moves) {
        vtkCamera* camera = scene_->GetActiveCamera();
        if (resetWanted_ && box_) {
            resetWanted_ = false;
            camera->SetFocalPoint(0, 0, 0);
            camera->SetPosition(
                0, -1, 0.25); // from the front, slightly from above; the patient's right is on the left
            camera->SetViewUp(0, 0, 1);
            scene_->ResetCamera();
            camera->Dolly(1.25);
        }
        turn(*camera, moves);
        camera->Dolly(std::clamp(moves.dolly, 0.1, 10.0));
        pan(*camera, moves);
    }

    // As on a turntable: the head stays up, and one cannot tip over it.
    static void turn(vtkCamera& camera, const CameraMoves& moves) {
        constexpr double steepest = 85;
        std::array<double, 3> out{};
        camera.GetDirectionOfProjection(out.data());
        const double now = std::asin(std::clamp(-out[2], -1.0, 1.0)) * 180 / 3.14159265358979323846;
        camera.SetViewUp(0, 0, 1);
        camera.Azimuth(moves.azimuthDegrees);
        camera.Elevation(std::clamp(now + moves.elevationDegrees, -steepest, steepest) - now);
    }

    // Moves the camera sideways so that the scene follows the mouse in the focal plane.
    static void pan(vtkCamera& camera, const CameraMoves& moves) {
        constexpr double degree = 3.14159265358979323846 / 180;
        const double heightMm = 2 * camera.GetDistance() * std::tan(camera.GetViewAngle() * degree / 2);
        std::array<double, 3> up{}, out{}, focus{}, place{};
        camera.OrthogonalizeViewUp();
        camera.GetViewUp(up.data());
        camera.GetDirectionOfProjection(out.data());
        const std::array<double, 3> right{out[1] * up[2] - out[2] * up[1], out[2] * up[0] - out[0] * up[2],
                                          out[0] * up[1] - out[1] * up[0]};
        camera.GetFocalPoint(focus.data());
        camera.GetPosition(place.data());
        for (std::size_t a = 0; a < 3; ++a) {
            const double by = -(moves.panX * right[a] + moves.panY * up[a]) * heightMm;
            focus[a] += by;
            place[a] += by;
        }
        camera.SetFocalPoint(focus.data());
        camera.SetPosition(place.data());
    }

    // The cube turns with the scene, in a square at the bottom left.
    void placeCorner(const QSize& size) {
        const double side = std::min(0.28 * std::min(size.width(), size.height()), 220.0);
        corner_->SetViewport(0, 0, side / size.width(), side / size.height());
        vtkCamera* from = scene_->GetActiveCamera();
        vtkCamera* to = corner_->GetActiveCamera();
        std::array<double, 3> out{};
        from->GetDirectionOfProjection(out.data());
        to->SetFocalPoint(0, 0, 0);
        to->SetPosition(-out[0], -out[1], -out[2]);
        to->SetViewUp(from->GetViewUp());
        to->ParallelProjectionOn(); // in perspective the letter on top floats above its face
        corner_->ResetCamera();
    }

    vtkNew<vtkGenericOpenGLRenderWindow> window_;
    vtkNew<vtkRenderer> scene_, corner_;
    std::map<LabelId, Shown> shown_;
    vtkSmartPointer<vtkActor> box_;
    std::array<Point<Patient>, 8> boxCorners_{};
    SceneState state_;
    bool resetWanted_ = true;
    bool started_ = false;
};

} // namespace

QQuickFramebufferObject::Renderer* makeSceneRenderer() {
    return new SceneRenderer;
}

} // namespace tandem
