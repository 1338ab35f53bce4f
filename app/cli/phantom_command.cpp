#include "app/cli/command.h"
#include "core/imaging/imaging.h"
#include "core/phantom/phantom.h"

#include <filesystem>
#include <iostream>

namespace tandem {
namespace {

struct PhantomArguments {
    std::string folder;
    bool dicom = false;
    bool oblique = false;
    std::uint64_t seed = 1;
};

std::string labelColumn(const std::vector<LabelInfo>& names) {
    std::string text;
    for (const LabelInfo& n : names)
        text += (text.empty() ? "" : ";") + std::to_string(n.id.value) + "=" + n.name;
    return text;
}

Result<void> writePhantom(const PhantomArguments& a, CommandContext& context) {
    const std::filesystem::path folder = a.folder;
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed || !std::filesystem::is_directory(folder))
        return Error{ErrorCode::FileUnwritable,
                     "Cannot make the folder " + a.folder + ": " + failed.message() + "."};
    context.progress(0.05, "Making the phantom");
    const Phantom phantom = makePhantom(phantomGrid(a.oblique), a.seed);
    const std::string image = a.dicom ? "dicom" : "ct.nii.gz";
    context.progress(0.6, "Writing the image");
    const Result<void> written = a.dicom ? writeDicomSeries(folder / image, phantom.image, {})
                                         : writeNiftiVolume(folder / image, phantom.image);
    if (!written)
        return written;
    if (Result<void> labels = context.parts.reader->writeLabels(folder / "labels.nii.gz", phantom.labels);
        !labels)
        return labels;
    const std::string row = "phantom_" + std::to_string(a.seed) + ",phantom_" + std::to_string(a.seed) +
                            ",CT,abdomen (synthetic)," + image + ",labels.nii.gz," +
                            labelColumn(phantom.names) + ",Tandem phantom,Apache-2.0,yes\n";
    if (Result<void> pairs =
            writeReport((folder / "pairs.csv").string(),
                        "case,patient,modality,anatomy,image,mask,labels,source,licence,train\n" + row);
        !pairs)
        return pairs;
    context.progress(1, "Done");
    std::cout << (folder / image).string() << "\n" << (folder / "labels.nii.gz").string() << "\n";
    return {};
}

} // namespace

void addPhantomCommand(CLI::App& app, CommandContext& context) {
    auto arguments = std::make_shared<PhantomArguments>();
    CLI::App* command = newCommand(app, "phantom", "Make a labelled synthetic CT of an abdomen",
                                   "tandem phantom demo/ --oblique --seed 3");
    command
        ->add_option("DIR", arguments->folder,
                     "Folder to write ct.nii.gz (or dicom/), labels.nii.gz, pairs.csv to")
        ->required();
    command->add_flag("--dicom", arguments->dicom, "Write the image as a DICOM series instead of NIfTI");
    command->add_flag("--oblique", arguments->oblique, "Tilt the grid by 12 and 8 degrees");
    command->add_option("--seed", arguments->seed, "Individual differences and noise")->capture_default_str();
    command->callback([arguments, &context] {
        context.run = [arguments, &context] { return writePhantom(*arguments, context); };
    });
}

} // namespace tandem
