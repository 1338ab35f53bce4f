#include "app/demo_project.h"

#include "core/imaging/imaging.h"
#include "core/phantom/phantom.h"
#include "core/usecases/open_case.h"

namespace tandem {
namespace {

constexpr std::uint64_t demoSeed = 1;

Result<void> writeImages(const std::filesystem::path& image, const std::filesystem::path& truth,
                         const ImageReader& reader) {
    const Phantom phantom = makePhantom(phantomGrid(false), demoSeed);
    if (Result<void> written = writeNiftiVolume(image, phantom.image); !written)
        return written;
    return reader.writeLabels(truth, phantom.labels);
}

Result<void> fill(ProjectStore& project, const ImageReader& reader, const std::filesystem::path& image,
                  const Progress& progress, std::stop_token stop) {
    const Result<ReadImage> read = readImage(reader, image, {}, 0, progress, stop);
    if (!read)
        return read.error();
    if (Result<CaseId> added = findOrAddCase(project, "Demo abdomen", read->record); !added)
        return added.error();
    for (const LabelInfo& label : phantomNames())
        if (Result<void> put = project.putLabel(label); !put)
            return put;
    return {};
}

} // namespace

Result<std::filesystem::path> makeDemoProject(const std::filesystem::path& folder, Parts& parts,
                                              const Progress& progress, std::stop_token stop) {
    const std::filesystem::path file = folder / "demo.tandem", images = folder / "phantom";
    std::error_code failed;
    if (std::filesystem::exists(file, failed))
        return file;
    std::filesystem::create_directories(images, failed);
    if (failed)
        return Error{ErrorCode::FileUnwritable,
                     "Cannot make the folder " + images.string() + ": " + failed.message() + "."};
    progress(0.1, "Making the demo scan");
    if (Result<void> written = writeImages(images / "ct.nii.gz", images / "truth.nii.gz", *parts.reader);
        !written)
        return written.error();
    if (stop.stop_requested())
        return Error{ErrorCode::Cancelled, "Cancelled."};
    progress(0.8, "Making the demo project");
    const Result<std::unique_ptr<ProjectStore>> project = parts.createProject(file, "Demo");
    if (!project)
        return project.error();
    if (Result<void> filled = fill(**project, *parts.reader, images / "ct.nii.gz", progress, stop); !filled)
        return filled.error();
    progress(1, "The demo is ready");
    return file;
}

} // namespace tandem
