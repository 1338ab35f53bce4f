#pragma once

#include "core/usecases/evaluate.h"
#include "core/usecases/pack.h"
#include "core/usecases/project_store.h"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

/// A project's approved cases, divided for learning.
struct LearningSplit {
    std::vector<CaseRecord> train, keptOut;
};

/// Divides the approved cases: a quarter (from three cases on at least one) is kept out to score with. What a
/// case is is written into the project and never changes, so that no model is ever scored on what an earlier
/// one was trained on. Errors: the store's.
Result<LearningSplit> learningSplit(ProjectStore&);

/// Writes the project's approved masks as a pack, kept-out cases marked as such. The pack stays private: its
/// licence says so. Errors: the store's; InvalidArgument if no case is approved; those of writePack.
Result<PackReport> packProject(const ImageReader&, ProjectStore&, const PackOptions&,
                               const std::filesystem::path& out, const Progress&, std::stop_token);

/// Every image of a project, whatever its state, as a case without masks, for PackOptions::unlabelled.
/// Errors: the store's. The reader must outlive them.
Result<std::vector<PackCase>> imagesOfProject(const ImageReader&, ProjectStore&);

/// How a model would have answered the prompts that people gave: one row for each structure of a case.
struct ReplayRow {
    std::string caseName;
    LabelId label;
    std::string name;         ///< of the label
    std::int64_t prompts = 0; ///< slices on which somebody prompted for it
    std::vector<double> dsc;  ///< of each model, mean over those slices, against the approved mask
};

struct ReplayReport {
    std::vector<std::string> models; ///< names, in the order of ReplayRow::dsc
    std::vector<ReplayRow> rows;
    std::vector<std::string> skipped; ///< sentences: cases that could not be opened

    /// Means over rows.
    std::vector<double> means() const;
};

/// Whether the last model should be offered in place of the first: better on average, and no structure worse
/// by more than 0.01 on average over its cases.
bool worthOffering(const ReplayReport&);

/// Asks models again what was asked in a project, and compares with what was approved: of every slice and
/// label the last prompt that was recorded. A case without any prompt (drawn by hand, imported) is asked for
/// the exact boxes of up to 8 axial slices of each label. Each box is asked about in the light of
/// those replayed before, as in the window.
/// @param cases  those to replay, approved ones; as a rule learningSplit(...).keptOut
/// Errors: InvalidArgument if there is no case or no prompt; the segmenters'; Cancelled. Thread: any but the
/// store's.
Result<ReplayReport> replayProject(const ImageReader&, ProjectStore&, const std::vector<CaseRecord>& cases,
                                   const std::vector<EvaluationModel>&, const Progress&, std::stop_token);

} // namespace tandem
