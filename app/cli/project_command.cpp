#include "app/cli/command.h"
#include "app/cli/replay_command.h"
#include "core/files/json.h"
#include "core/usecases/export_masks.h"
#include "core/usecases/label_names.h"
#include "core/usecases/open_case.h"
#include "core/usecases/project_cases.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace tandem {
namespace {

namespace fs = std::filesystem;
using Store = std::unique_ptr<ProjectStore>;

struct ImportArguments {
    std::string project;
    std::vector<std::string> images;
    std::string labels;     ///< mask file for the one image
    std::string labelNames; ///< PAIRS.csv that names labels
};

struct ExportArguments {
    std::string project, out;
    std::vector<std::string> cases;
    bool all = false, perLabel = false, replace = false;
};

struct ReviewArguments {
    std::string project, caseName, to, person, comment;
};

Result<void> create(const std::string& file, const std::string& name, CommandContext& context) {
    const std::string called = name.empty() ? fs::path(file).stem().string() : name;
    const Result<Store> store = context.parts.createProject(file, called);
    if (!store)
        return store.error();
    std::cout << (*store)->path().string() << "\n";
    return {};
}

void printAdded(const AddReport& report) {
    for (const AddedImage& image : report.added)
        std::cout << "added    " << image.caseName << "  (" << image.path.string() << ")\n";
    for (const AddedImage& image : report.known)
        std::cout << "known    " << image.caseName << "  (" << image.path.string() << ")\n";
}

// One sentence for all that was refused.
Result<void> refusals(const AddReport& report) {
    if (report.refused.empty())
        return {};
    std::string sentence = report.refused.front().sentence;
    if (const std::size_t more = report.refused.size() - 1; more > 0)
        sentence += " (And " + std::to_string(more) + " more could not be added.)";
    return Error{ErrorCode::FormatInvalid, sentence};
}

Result<CaseId> caseNamed(ProjectStore& store, const std::string& name) {
    const Result<std::vector<CaseRecord>> cases = store.cases();
    if (!cases)
        return cases.error();
    for (const CaseRecord& c : *cases)
        if (c.name == name)
            return c.id;
    return Error{ErrorCode::InvalidArgument,
                 "The project has no case \"" + name + "\"; `tandem project status` lists them."};
}

// The mask is read and checked against the image before the project gets a case for it.
Result<void> checkMask(const ImageReader& reader, const fs::path& image, const fs::path& mask) {
    const Result<LoadedImage> loaded = reader.read(image);
    if (!loaded)
        return loaded.error();
    const Result<LabelMap> labels = reader.readLabels(mask);
    if (!labels)
        return labels.error();
    return checkSameGrid(labels->grid(), "The mask " + mask.string(), loaded->volume->geometry(),
                         image.string());
}

Result<void> importMask(ProjectStore& store, const ImageReader& reader, const AddReport& report,
                        const std::string& mask) {
    if (report.added.size() + report.known.size() != 1)
        return Error{ErrorCode::InvalidArgument, "With --labels, give exactly one image."};
    const AddedImage& image = report.added.empty() ? report.known.front() : report.added.front();
    const Result<ImportReport> done = importLabels(store, reader, image.caseId, mask);
    if (!done)
        return done.error();
    std::cout << "labels   " << image.caseName << "  (" << done->changedVoxels << " voxels changed";
    if (done->keptByLock > 0)
        std::cout << ", " << done->keptByLock << " kept by locked labels";
    std::cout << ")\n";
    return {};
}

Result<void> nameLabels(ProjectStore& store, const std::string& pairs) {
    const Result<std::vector<LabelInfo>> labels = labelNamesOfPairs(pairs);
    if (!labels)
        return labels.error();
    for (const LabelInfo& label : *labels)
        if (Result<void> put = store.putLabel(label); !put)
            return put;
    return {};
}

Result<void> importImages(const ImportArguments& a, CommandContext& context) {
    const Result<Store> store = context.parts.openProject(a.project);
    if (!store)
        return store.error();
    const ImageReader& reader = *context.parts.reader;
    if (!a.labels.empty() && a.images.size() == 1)
        if (Result<void> fits = checkMask(reader, a.images.front(), a.labels); !fits)
            return fits;
    if (!a.labelNames.empty())
        if (Result<void> named = nameLabels(**store, a.labelNames); !named)
            return named;
    const std::vector<fs::path> paths(a.images.begin(), a.images.end());
    const Result<AddReport> report = addImages(**store, reader, paths, context.progress, context.stop);
    if (!report)
        return report.error();
    printAdded(*report);
    if (!a.labels.empty())
        if (Result<void> imported = importMask(**store, reader, *report, a.labels); !imported)
            return imported;
    if (report->added.empty() && report->known.empty() && report->refused.empty())
        return Error{ErrorCode::FileNotFound, "No image was found in what was given."};
    return refusals(*report);
}

Result<void> exportProject(const ExportArguments& a, CommandContext& context) {
    const Result<Store> store = context.parts.openProject(a.project);
    if (!store)
        return store.error();
    ExportRequest request;
    request.folder = a.out;
    request.approvedOnly = !a.all && a.cases.empty();
    request.filePerLabel = a.perLabel;
    request.replace = a.replace;
    for (const std::string& name : a.cases) {
        const Result<CaseId> id = caseNamed(**store, name);
        if (!id)
            return id.error();
        request.cases.push_back(*id);
    }
    const Result<ExportReport> report =
        exportMasks(**store, *context.parts.reader, request, context.progress, context.stop);
    if (!report)
        return report.error();
    for (const std::string& warning : report->warnings)
        std::cerr << "tandem: note: " << warning << "\n";
    for (const ExportedFile& file : report->files)
        std::cout << file.file.string() << "\n";
    std::cout << report->labelNames.string() << "\n";
    return {};
}

JsonValue caseJson(const CaseSummary& c) {
    JsonValue row;
    row.set("case", c.record.name);
    row.set("state", caseStateName(c.record.state));
    row.set("assignee", c.record.assignee);
    row.set("comment", c.record.lastComment);
    row.set("changed_at", c.record.changedAt);
    row.set("image", c.record.image.path.string());
    row.set("image_there", c.imageThere);
    row.set("image_sha", c.record.image.contentHash);
    JsonValue volumes{JsonValue::Array{}};
    for (const auto& [id, ml] : c.volumesMl) {
        JsonValue label;
        label.set("label", int{id.value});
        label.set("volume_ml", ml);
        volumes.append(label);
    }
    row.set("labels", volumes);
    return row;
}

JsonValue summaryJson(const ProjectSummary& summary) {
    JsonValue root;
    root.set("name", summary.name);
    JsonValue states;
    for (std::size_t s = 0; s < summary.casesByState.size(); ++s)
        states.set(caseStateName(static_cast<CaseState>(s)), summary.casesByState[s]);
    root.set("states", states);
    JsonValue labels{JsonValue::Array{}};
    for (const LabelInfo& l : summary.labels) {
        JsonValue label;
        label.set("label", int{l.id.value});
        label.set("name", l.name);
        label.set("locked", l.locked);
        labels.append(label);
    }
    root.set("labels", labels);
    JsonValue cases{JsonValue::Array{}};
    for (const CaseSummary& c : summary.cases)
        cases.append(caseJson(c));
    root.set("cases", cases);
    return root;
}

std::string labelText(const ProjectSummary& summary, LabelId id) {
    for (const LabelInfo& label : summary.labels)
        if (label.id == id)
            return label.name;
    return "label " + std::to_string(id.value);
}

void printSummary(const ProjectSummary& summary) {
    std::cout << summary.name << "\n";
    for (std::size_t s = 0; s < summary.casesByState.size(); ++s)
        std::printf("  %-12s %d\n", std::string(caseStateName(static_cast<CaseState>(s))).c_str(),
                    summary.casesByState[s]);
    for (const CaseSummary& c : summary.cases) {
        std::printf("%-12s %-32s %s%s\n", std::string(caseStateName(c.record.state)).c_str(),
                    c.record.name.c_str(), c.record.assignee.c_str(),
                    c.imageThere ? "" : "  (image missing)");
        for (const auto& [id, ml] : c.volumesMl)
            std::printf("             %-32s %10.1f ml\n", labelText(summary, id).c_str(), ml);
    }
    std::fflush(stdout);
}

Result<void> status(const std::string& project, const std::string& json, CommandContext& context) {
    const Result<Store> store = context.parts.openProject(project);
    if (!store)
        return store.error();
    const Result<ProjectSummary> summary = summarise(**store, true);
    if (!summary)
        return summary.error();
    if (!json.empty())
        return writeReport(json, writeJson(summaryJson(*summary), 2) + "\n");
    printSummary(*summary);
    return {};
}

Result<void> check(const std::string& project, const std::string& json, CommandContext& context) {
    const Result<Store> store = context.parts.openProject(project);
    if (!store)
        return store.error();
    const Result<std::vector<std::string>> problems = (*store)->check();
    if (!problems)
        return problems.error();
    if (!json.empty()) {
        JsonValue list{JsonValue::Array{}};
        for (const std::string& problem : *problems)
            list.append(problem);
        JsonValue root;
        root.set("problems", list);
        if (Result<void> written = writeReport(json, writeJson(root, 2) + "\n"); !written)
            return written;
    } else {
        for (const std::string& problem : *problems)
            std::cout << problem << "\n";
    }
    if (!problems->empty())
        return Error{ErrorCode::FormatInvalid, project + " has " + std::to_string(problems->size()) +
                                                   " problem(s); take a backup copy of it."};
    if (json.empty())
        std::cout << "All is well: the file is sound, and every journal gives its masks.\n";
    return {};
}

Result<void> review(const ReviewArguments& a, CommandContext& context) {
    const Result<Store> store = context.parts.openProject(a.project);
    if (!store)
        return store.error();
    const Result<CaseId> id = caseNamed(**store, a.caseName);
    if (!id)
        return id.error();
    for (std::size_t s = 0; s < 5; ++s)
        if (caseStateName(static_cast<CaseState>(s)) == a.to)
            return (*store)->setState(*id, static_cast<CaseState>(s), a.person, a.comment);
    return Error{ErrorCode::InvalidArgument, "There is no state \"" + a.to + "\"."};
}

void addImport(CLI::App& project, CommandContext& context) {
    auto a = std::make_shared<ImportArguments>();
    CLI::App* command = newCommand(project, "import", "Add images as cases; bring in masks",
                                   "tandem project import study.tandem ct.nii.gz --labels liver.nii.gz");
    command->add_option("PROJECT", a->project, "Project file")->required();
    command->add_option("IMAGE", a->images, "Images, or folders of images and DICOM series")->required();
    command->add_option("--labels", a->labels, "Label map of the one image; becomes its mask");
    command->add_option("--labels-from", a->labelNames, "PAIRS.csv whose column \"labels\" names the labels");
    command->callback([a, &context] { context.run = [a, &context] { return importImages(*a, context); }; });
}

void addExport(CLI::App& project, CommandContext& context) {
    auto a = std::make_shared<ExportArguments>();
    CLI::App* command = newCommand(project, "export", "Write masks as NIfTI on their images' grids",
                                   "tandem project export study.tandem --out masks/");
    command->add_option("PROJECT", a->project, "Project file")->required();
    command->add_option("--out", a->out, "Folder to write to")->required();
    CLI::Option* all = command->add_flag("--all", a->all, "All cases, not the approved ones alone");
    command->add_option("--case", a->cases, "Only the case of this name, whatever its state (repeatable)")
        ->excludes(all);
    command->add_flag("--per-label", a->perLabel, "One mask of 0 and 1 for each label");
    command->add_flag("--replace", a->replace, "Replace files of an earlier export");
    command->callback([a, &context] { context.run = [a, &context] { return exportProject(*a, context); }; });
}

void addReview(CLI::App& project, CommandContext& context) {
    auto a = std::make_shared<ReviewArguments>();
    CLI::App* command = newCommand(
        project, "review", "Move a case along: in progress, submitted, approved, rejected",
        "tandem project review study.tandem --case ct --to rejected --by Ada --comment \"Dome missing\"");
    command->add_option("PROJECT", a->project, "Project file")->required();
    command->add_option("--case", a->caseName, "The case's name")->required();
    command->add_option("--to", a->to, "The new state")
        ->required()
        ->check(CLI::IsMember({"in progress", "submitted", "approved", "rejected"}));
    command->add_option("--by", a->person, "Who does it");
    command->add_option("--comment", a->comment, "Why; needed for a rejection");
    command->callback([a, &context] { context.run = [a, &context] { return review(*a, context); }; });
}

using Report = Result<void> (*)(const std::string&, const std::string&, CommandContext&);

void addReport(CLI::App& project, CommandContext& context, const std::string& name, const std::string& what,
               Report report) {
    auto file = std::make_shared<std::string>();
    auto json = std::make_shared<std::string>();
    CLI::App* command = newCommand(project, name, what, "tandem project " + name + " study.tandem --json -");
    command->add_option("PROJECT", *file, "Project file")->required();
    command->add_option("--json", *json, "File for the figures, - for standard output");
    command->callback(
        [=, &context] { context.run = [=, &context] { return report(*file, *json, context); }; });
}

} // namespace

void addProjectCommand(CLI::App& app, CommandContext& context) {
    CLI::App* project =
        newCommand(app, "project", "Make, fill, look at and export projects",
                   "tandem project create study.tandem && tandem project import study.tandem scans/");
    project->require_subcommand(1);
    auto file = std::make_shared<std::string>();
    auto name = std::make_shared<std::string>();
    CLI::App* made = newCommand(*project, "create", "Make an empty project",
                                "tandem project create study.tandem --name Livers");
    made->add_option("PROJECT", *file, "Project file to make (.tandem)")->required();
    made->add_option("--name", *name, "The project's name; the file's if not given");
    made->callback([=, &context] { context.run = [=, &context] { return create(*file, *name, context); }; });
    addImport(*project, context);
    addExport(*project, context);
    addReview(*project, context);
    addReplay(*project, context);
    addReport(*project, context, "status", "How the cases stand, with the volumes of their labels", status);
    addReport(*project, context, "check", "Check the file and replay every journal", check);
}

} // namespace tandem
