#include "app/cli/command.h"
#include "app/cli/model_arguments.h"
#include "core/usecases/evaluate_propagation.h"
#include "core/usecases/pack.h"

#include <cstdio>
#include <iostream>

namespace tandem {
namespace {

struct EvaluateArguments {
    std::string source, protocol = "tight", json, csv;
    std::vector<std::string> models, where;
    bool keptOut = false, propagate = false;
    std::string plane = "axial";
    std::int64_t limit = 0, structures = 0;
    PackOptions split;
    EvaluateOptions options;
    Arithmetic arithmetic = Arithmetic::Automatic;
};

Result<std::vector<EvaluationItem>> pairItems(const EvaluateArguments& a, CommandContext& context) {
    auto rows = readPairs(a.source);
    if (!rows)
        return rows.error();
    if (a.keptOut)
        std::erase_if(*rows, [&](const PairRow& row) { return !isKeptOut(row, a.split); });
    return itemsFromPairs(*context.parts.reader, *rows, a.where);
}

// The name of a method, short enough for a table: models by the first 12 digits of their id.
std::string shortMethod(const std::string& method) {
    const std::size_t space = method.rfind(' ');
    const std::size_t id = space == std::string::npos ? 0 : space + 1;
    constexpr std::size_t digits = 12, sha = 64;
    return method.size() - id == sha ? method.substr(0, id + digits) : method;
}

void printMeans(const EvaluateReport& report, const EvaluateArguments& a) {
    std::printf("%-24s %-8s %6s %10s %8s %8s %16s %14s\n", "method", "protocol", "clicks", "structures",
                "DSC", "NSD", "DSC, by source", "IoU guess off");
    for (const EvaluateMean& m : report.means) {
        std::printf("%-24s %-8s %6d %10lld %8.4f %8.4f %16.4f", shortMethod(m.method).c_str(),
                    a.protocol.c_str(), m.clicks, static_cast<long long>(m.structures), m.dsc, m.nsd,
                    m.dscOfSets);
        if (m.guess)
            std::printf(" %14.4f", m.guess->error);
        std::printf("\n");
    }
    for (const auto& [model, clicks] : report.clicksTo90)
        std::printf("%s: %.2f clicks to a DSC of 0.90 (mean over slices; not reached counts as %d)\n",
                    model.substr(0, 12).c_str(), clicks, a.options.clicks + 1);
}

void printRows(const EvaluateReport& report) {
    std::printf("%-28s %-10s %-34s %-24s %6s %5s %8s %8s\n", "case", "modality", "structure", "method",
                "clicks", "n", "DSC", "NSD");
    for (const EvaluateRow& r : report.rows)
        std::printf("%-28s %-10s %-34s %-24s %6d %5lld %8.4f %8.4f\n", r.caseName.c_str(), r.modality.c_str(),
                    r.name.substr(0, 34).c_str(), shortMethod(r.method).c_str(), r.clicks,
                    static_cast<long long>(r.slices), r.dsc, r.nsd);
    std::printf("\n");
}

Result<void> writeTables(const EvaluateReport& report, const EvaluateArguments& a) {
    if (a.json != "-" && a.csv != "-") {
        printRows(report);
        printMeans(report, a);
        std::fflush(stdout);
    }
    for (const std::string& sentence : report.skipped)
        std::cerr << "tandem: skipped: " << sentence << "\n";
    if (!a.json.empty())
        if (auto done = writeReport(a.json, reportAsJson(report)); !done)
            return done;
    return a.csv.empty() ? Result<void>{} : writeReport(a.csv, reportAsCsv(report));
}

// Leaves at most `most` items, evenly spread; 0: all.
void thinOut(std::vector<EvaluationItem>& items, std::int64_t most) {
    const auto wanted = static_cast<std::size_t>(most);
    if (most == 0 || wanted >= items.size())
        return;
    std::vector<EvaluationItem> some;
    for (std::size_t n = 0; n < wanted; ++n)
        some.push_back(std::move(items[(2 * n + 1) * items.size() / (2 * wanted)]));
    items = std::move(some);
}

Result<EvaluateReport> score(const EvaluateArguments& a, const std::vector<EvaluationItem>& items,
                             const std::vector<EvaluationModel>& models, CommandContext& context) {
    if (!a.propagate)
        return evaluate(items, models, a.options, context.progress, context.stop);
    const PropagationTest test{a.options.protocol, *planeFromName(a.plane), a.structures, {}};
    return evaluatePropagation(items, models, test, context.progress, context.stop);
}

Result<void> evaluateCommand(EvaluateArguments a, CommandContext& context) {
    a.options.protocol = a.protocol == "medsam" ? BoxProtocol::Medsam : BoxProtocol::Tight;
    const bool isProject = std::filesystem::path(a.source).extension() == ".tandem";
    std::unique_ptr<ProjectStore> store;
    if (isProject) {
        auto opened = context.parts.openProject(a.source);
        if (!opened)
            return opened.error();
        store = std::move(*opened);
    }
    auto items = isProject ? itemsFromProject(*context.parts.reader, *store) : pairItems(a, context);
    if (!items)
        return items.error();
    thinOut(*items, a.limit);
    const auto loaded = loadModels({a.models.begin(), a.models.end()}, context, a.arithmetic);
    if (!loaded)
        return loaded.error();
    const auto report = score(a, *items, loaded->models, context);
    return report ? writeTables(*report, a) : report.error();
}

} // namespace

void addEvaluateCommand(CLI::App& app, CommandContext& context) {
    auto a = std::make_shared<EvaluateArguments>();
    CLI::App* command =
        newCommand(app, "evaluate",
                   "Score models against true masks, beside three baselines, and region growing with clicks",
                   "tandem evaluate pairs.csv --kept-out --protocol medsam --clicks 5 --json scores.json");
    command->add_option("SOURCE", a->source, "PAIRS.csv, or a project (its approved cases)")->required();
    command->add_option("--model", a->models,
                        "Model file or name; may be given several times (default: the bundled one)");
    addArithmeticOption(*command, a->arithmetic);
    command
        ->add_option("--protocol", a->protocol, "tight: exact boxes; medsam: 3 % of the image's side looser")
        ->check(CLI::IsMember({"tight", "medsam"}))
        ->capture_default_str();
    command->add_option("--clicks", a->options.clicks, "Simulated corrective clicks after the box")
        ->check(CLI::Range(0, 50))
        ->capture_default_str();
    CLI::Option* learning = command->add_flag(
        "--learning", a->options.learning,
        "Ask about each box in the light of those before it and their masks, as the window does");
    command
        ->add_flag("--known-hand", a->options.knownHand,
                   "Read the boxes as those of somebody who is known to draw so, not as a stranger's")
        ->excludes(learning);
    command->add_option("--slices", a->options.slices, "At most so many slices of a structure (0: all)")
        ->check(CLI::Range(0, 100000))
        ->capture_default_str();
    command->add_option("--where", a->where,
                        "Only rows with KEY=VALUE (case, patient, modality, anatomy, source, train)");
    command->add_option("--limit", a->limit, "At most so many images, evenly spread (0: all)")
        ->check(CLI::Range(0, 1000000));
    CLI::Option* propagate = command
                                 ->add_flag("--propagate", a->propagate,
                                            "Score propagation in 3-D from one box on each structure's "
                                            "middle slice, beside a box on every slice and "
                                            "the middle box's ellipse repeated")
                                 ->excludes(learning);
    command->add_option("--plane", a->plane, "With --propagate: axial, coronal or sagittal")
        ->check(CLI::IsMember({"axial", "coronal", "sagittal"}))
        ->needs(propagate)
        ->capture_default_str();
    command
        ->add_option("--structures", a->structures,
                     "With --propagate: at most so many structures of an image, evenly spread (0: all)")
        ->check(CLI::Range(0, 100000))
        ->needs(propagate);
    command->add_flag("--kept-out", a->keptOut, "Only patients that tandem pack keeps out of training");
    command->add_option("--kept-out-share", a->split.keptOutShare, "As given to tandem pack")
        ->capture_default_str();
    command->add_option("--seed", a->split.seed, "As given to tandem pack")->capture_default_str();
    command->add_option("--leave-out", a->split.leaveOut,
                        "Data sets left out whole, as given to tandem pack");
    command->add_option("--json", a->json, "Write all rows and means as JSON (- for standard output)");
    command->add_option("--csv", a->csv, "Write all rows as CSV (- for standard output)");
    command->callback(
        [a, &context] { context.run = [a, &context] { return evaluateCommand(*a, context); }; });
}

} // namespace tandem
