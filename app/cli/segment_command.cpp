#include "app/cli/command.h"
#include "app/cli/model_arguments.h"
#include "app/cli/prompt_arguments.h"
#include "core/image/render.h"
#include "core/imaging/imaging.h"
#include "core/usecases/propagate_review.h"
#include "core/usecases/segment_volume.h"

#include <iostream>

namespace tandem {
namespace {

struct SegmentArguments {
    PromptArguments prompts;
    std::string image, model, out, preview;
    std::int64_t frame = 0;
    Arithmetic arithmetic = Arithmetic::Automatic;
    bool propagate = false;
    std::int64_t mostSlices = 0;
    int candidate = 1;
};

Result<std::unique_ptr<Segmenter>> segmenterWithModel(const SegmentArguments& a, CommandContext& context) {
    const Result<InferenceLibrary*> library = context.parts.inference();
    if (!library)
        return library.error();
    const auto file = a.model.empty() ? Result(context.parts.defaultModel) : modelFile(a.model, context);
    if (!file)
        return file.error();
    if (file->empty())
        return Error{ErrorCode::FileNotFound, "The bundled model is missing; name one with --model."};
    std::unique_ptr<Segmenter> segmenter = (*library)->createSegmenter(a.arithmetic);
    if (Result<ModelInfo> loaded = loadModelNow(*segmenter, *file); !loaded)
        return loaded.error();
    return segmenter;
}

Result<void> writePreview(const std::string& file, const Volume& volume, const LabelMap& labels,
                          Plane plane) {
    const SliceKey slice{plane, fullestSlice(labels, plane)};
    constexpr int longestPx = 768;
    const Result<RgbImage> picture = renderSlice(volume, labels, slice, defaultWindow(volume), longestPx);
    if (!picture)
        return picture.error();
    return writePng(file, picture->width, picture->height, picture->rgb);
}

// Carries the prompted objects through the volume and says which slices are worth a look.
Result<LabelMap> propagateThrough(const SegmentArguments& a, const LoadedImage& image,
                                  const std::string& hash, const PromptList& prompts, Segmenter& segmenter,
                                  CommandContext& context) {
    PropagateRequest request{image.volume, hash, defaultWindow(*image.volume), {}, {}};
    request.options.mostSlices = a.mostSlices;
    for (const SlicePrompts& p : prompts.objects)
        request.seeds.push_back({p.slice, p.label, p.prompts, std::nullopt});
    const Result<Propagation> done = propagate(request, segmenter, context.progress, context.stop);
    if (!done)
        return done.error();
    for (const SliceFinding& finding : reviewPropagation(*done))
        std::cerr << "tandem: look: label " << finding.label.value << ": " << finding.sentence << "\n";
    return labelsOf(*done, image.volume->geometry());
}

bool isNiftiName(const std::string& name) {
    return name.ends_with(".nii") || name.ends_with(".nii.gz");
}

Result<void> segment(const SegmentArguments& a, CommandContext& context) {
    if (!isNiftiName(a.out))
        return Error{ErrorCode::FormatUnsupported,
                     "Masks are written as NIfTI: name the --out file .nii or .nii.gz."};
    const Result<LoadedImage> image = context.parts.reader->read(a.image, {}, a.frame);
    if (!image)
        return image.error();
    for (const std::string& warning : image->warnings)
        std::cerr << "tandem: note: " << warning << "\n";
    const Result<PromptList> prompts = gatherPrompts(a.prompts, *image->volume, *context.parts.reader);
    if (!prompts)
        return prompts.error();
    const Result<std::unique_ptr<Segmenter>> segmenter = segmenterWithModel(a, context);
    if (!segmenter)
        return segmenter.error();
    const std::string hash = context.parts.reader->contentHash(*image->volume);
    const auto oneByOne = [&] {
        return segmentVolume(*image, hash, prompts->objects, **segmenter, context.progress, context.stop,
                             {a.candidate - 1, prompts->habit});
    };
    const Result<LabelMap> labels =
        a.propagate ? propagateThrough(a, *image, hash, *prompts, **segmenter, context) : oneByOne();
    if (!labels)
        return labels.error();
    if (Result<void> written = context.parts.reader->writeLabels(a.out, *labels); !written)
        return written;
    if (!a.preview.empty())
        return writePreview(a.preview, *image->volume, *labels, prompts->plane);
    return {};
}

} // namespace

void addSegmentCommand(CLI::App& app, CommandContext& context) {
    auto a = std::make_shared<SegmentArguments>();
    CLI::App* command =
        newCommand(app, "segment", "Segment structures on slices from boxes, points and scribbles",
                   "tandem segment ct.nii.gz --box 40:60,52,118,109 --out liver.nii.gz --preview liver.png");
    command->add_option("IMAGE", a->image, "Image file or DICOM folder")->required();
    addPromptOptions(*command, a->prompts);
    command->add_option("--frame", a->frame, "Which volume of a 4-D image")->check(CLI::NonNegativeNumber);
    command->add_option(
        "--model", a->model,
        "Model file (.safetensors, .pth) or a name from `tandem model list`; the bundled one if not given");
    addArithmeticOption(*command, a->arithmetic);
    command->add_flag("--propagate", a->propagate,
                      "Carry each label from its prompts through the slices in between and beyond");
    command
        ->add_option(
            "--most-slices", a->mostSlices,
            "With --propagate: at most so many slices beyond the prompts (0: until it stops by itself)")
        ->check(CLI::Range(0, 100000));
    command
        ->add_option("--candidate", a->candidate,
                     "Which of the masks that the prompts may mean: 1 the likeliest; after a point, the last "
                     "is all that looks like the places pointed at; counted round (not with --propagate)")
        ->check(CLI::Range(1, 100))
        ->excludes("--propagate");
    command->add_option("--preview", a->preview, "PNG of the slice with most of the result");
    command->add_option("--out", a->out, "Label map to write (.nii, .nii.gz) on the image's grid")
        ->required();
    command->callback([a, &context] {
        if (!a->prompts.any())
            throw CLI::RequiredError("--box, --point, --scribble, --boxes-from or --prompts");
        context.run = [a, &context] { return segment(*a, context); };
    });
}

} // namespace tandem
