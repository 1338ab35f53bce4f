#include "app/cli/replay_command.h"

#include "app/cli/model_arguments.h"
#include "core/files/json.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace tandem {
namespace {

struct ReplayArguments {
    std::string project, json;
    std::vector<std::filesystem::path> models;
    bool all = false;
};

std::string asJson(const ReplayReport& report) {
    JsonValue rows{JsonValue::Array{}}, means{JsonValue::Array{}};
    const auto row = [&](std::size_t model, double dsc) {
        JsonValue v;
        v.set("model", report.models[model]);
        v.set("dsc", dsc);
        return v;
    };
    for (const ReplayRow& r : report.rows)
        for (std::size_t m = 0; m < r.dsc.size(); ++m) {
            JsonValue v = row(m, r.dsc[m]);
            v.set("case", r.caseName);
            v.set("label", int{r.label.value});
            v.set("name", r.name);
            v.set("prompts", r.prompts);
            rows.append(v);
        }
    const std::vector<double> mean = report.means();
    for (std::size_t m = 0; m < mean.size(); ++m)
        means.append(row(m, mean[m]));
    JsonValue json;
    json.set("rows", rows);
    json.set("means", means);
    return writeJson(json, 2) + "\n";
}

Result<void> replay(const ReplayArguments& a, CommandContext& context) {
    const auto store = context.parts.openProject(a.project);
    if (!store)
        return store.error();
    const auto report = replayWithFiles(**store, a.models, a.all, context);
    if (!report)
        return report.error();
    for (const std::string& sentence : report->skipped)
        std::cerr << "tandem: skipped: " << sentence << "\n";
    if (a.json != "-")
        printReplay(*report);
    return a.json.empty() ? Result<void>{} : writeReport(a.json, asJson(*report));
}

} // namespace

Result<ReplayReport> replayWithFiles(ProjectStore& store, const std::vector<std::filesystem::path>& models,
                                     bool all, CommandContext& context) {
    auto split = learningSplit(store);
    if (!split)
        return split.error();
    std::vector<CaseRecord> cases = std::move(split->keptOut);
    if (all)
        cases.insert(cases.end(), split->train.begin(), split->train.end());
    const auto loaded = loadModels(models, context);
    if (!loaded)
        return loaded.error();
    return replayProject(*context.parts.reader, store, cases, loaded->models, context.progress, context.stop);
}

void printReplay(const ReplayReport& report) {
    std::printf("%-28s %-24s %8s", "case", "structure", "prompts");
    for (const std::string& model : report.models)
        std::printf(" %12s", model.substr(0, 12).c_str());
    std::printf("\n");
    int better = 0, worse = 0;
    for (const ReplayRow& r : report.rows) {
        std::printf("%-28s %-24s %8lld", r.caseName.c_str(), r.name.substr(0, 24).c_str(),
                    static_cast<long long>(r.prompts));
        for (const double dsc : r.dsc)
            std::printf(" %12.4f", dsc);
        std::printf("\n");
        better += r.dsc.back() > r.dsc.front();
        worse += r.dsc.back() < r.dsc.front() - 0.01;
    }
    std::printf("%-62s", "mean DSC");
    for (const double mean : report.means())
        std::printf(" %12.4f", mean);
    std::printf("\n");
    if (report.models.size() > 1)
        std::printf("The last model is better than the first on %d of %d structures, and worse by more than "
                    "0.01 on %d.\n",
                    better, static_cast<int>(report.rows.size()), worse);
    std::fflush(stdout);
}

void addReplay(CLI::App& project, CommandContext& context) {
    auto a = std::make_shared<ReplayArguments>();
    CLI::App* command = newCommand(
        project, "replay", "Score models on the prompts and approved masks of cases kept out of training",
        "tandem project replay study.tandem --model old.safetensors --model run/model.safetensors");
    command->add_option("PROJECT", a->project, "Project file")->required();
    command->add_option("--model", a->models,
                        "Model file or name; may be given several times (default: the bundled one)");
    command->add_flag("--all", a->all, "Also the approved cases that models are trained on");
    command->add_option("--json", a->json, "File for the figures, - for standard output");
    command->callback([a, &context] { context.run = [a, &context] { return replay(*a, context); }; });
}

} // namespace tandem
