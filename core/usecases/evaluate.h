#pragma once

#include "core/result.h"
#include "core/usecases/image_reader.h"
#include "core/usecases/job.h"
#include "core/usecases/pairs.h"
#include "core/usecases/project_store.h"
#include "core/usecases/segmenter.h"

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

/// How boxes are made from the truth.
enum class BoxProtocol {
    Tight, ///< smallest box of the structure on the slice
    Medsam ///< that box, each edge moved outward by 3 % of the slice's longer side (rounded), kept inside the
           ///< slice
};
std::string_view protocolName(BoxProtocol); ///< "tight", "medsam"

/// An image with its true labels.
struct EvaluationImage {
    std::shared_ptr<const Volume> volume;
    std::string imageHash;
    LabelMap truth;
    std::map<int, std::string> names;
    bool instances = false; ///< labels number things of one kind: one row for all of them
};

/// One image to be evaluated on, loaded when its turn comes.
struct EvaluationItem {
    std::string caseName, modality, source; ///< source: name of the data set
    std::function<Result<EvaluationImage>()> load;
};

/// A model under test.
struct EvaluationModel {
    std::string name; ///< how its rows are called: the model's id
    Segmenter* segmenter = nullptr;
};

struct EvaluateOptions {
    BoxProtocol protocol = BoxProtocol::Tight;
    int clicks = 0;          ///< simulated corrective clicks after the box
    std::int64_t slices = 0; ///< at most so many slices of a structure, evenly spread; 0: all
    bool baselines = true;
    /// Each box is asked about in the light of the boxes before it and their truth, as if that had been
    /// accepted in the window (drawing_habit.h, label_lean.h); else as a stranger's.
    bool learning = false;
    /// Whoever drew the boxes is known to draw so: exactBoxes() or, of the medsam protocol, looseBoxes().
    bool knownHand = false;
};

/// What a model said of its own masks: the IoU that it predicted, and by how much that was off.
struct IouGuess {
    double predicted = 0, error = 0; ///< mean over slices; error: absolute
};

/// One structure of one image by one method. DSC over the stack of its slices; NSD at 2 mm (2 px for a
/// picture): of the volume, or (where slices were left out) the mean over slices.
struct EvaluateRow {
    std::string caseName, modality, source;
    int label = 0;
    std::string name;
    std::string method; ///< a model's name, "ellipse", "otsu", "walker" or (where clicks are given) "growing"
    BoxProtocol protocol = BoxProtocol::Tight;
    int clicks = 0;
    std::int64_t slices = 0; ///< n: how many slices were segmented
    double dsc = 0, nsd = 0;
    std::optional<IouGuess> guess; ///< a model's
};

struct EvaluateMean {
    std::string method;
    int clicks = 0;
    std::int64_t structures = 0;
    double dsc = 0, nsd = 0;       ///< over structures
    double dscOfSets = 0;          ///< mean over data sets of their means
    std::optional<IouGuess> guess; ///< a model's, over structures
};

struct EvaluateReport {
    std::vector<EvaluateRow> rows;
    std::vector<EvaluateMean> means;
    std::map<std::string, double>
        clicksTo90;                   ///< by model: mean over slices; not reached counts as clicks + 1
    std::vector<std::string> skipped; ///< sentences
};

/// The pairs as items; `where` are conditions KEY=VALUE on case, patient, modality, anatomy, source, train
/// (data set for source), all of which must hold. Error: InvalidArgument for a condition that is none.
Result<std::vector<EvaluationItem>> itemsFromPairs(const ImageReader&, const std::vector<PairRow>&,
                                                   const std::vector<std::string>& where);
/// The approved cases of a project. Errors: the store's; FormatInvalid if there is none.
Result<std::vector<EvaluationItem>> itemsFromProject(const ImageReader&, ProjectStore&);

/// Segments every structure of every item from boxes of its truth, axial slice by slice, with each model and
/// the three baselines, and with simulated clicks (innermost pixel of the largest component of the error on
/// the slice), which region growing answers too. Items that cannot be read are skipped and reported. Errors:
/// the segmenters'; FormatInvalid if nothing was left; Cancelled. Thread: a worker.
Result<EvaluateReport> evaluate(const std::vector<EvaluationItem>&, const std::vector<EvaluationModel>&,
                                const EvaluateOptions&, const Progress&, std::stop_token);

/// The next simulated click: innermost pixel of the largest component in which `mask` is wrong; nothing if it
/// is right.
std::optional<PointPrompt> nextClick(const SliceMask& mask, const SliceMask& truth);

/// The box of a structure under a protocol; nothing if the mask is empty.
std::optional<SliceBox> protocolBox(const SliceMask& truth, BoxProtocol);

/// {"rows": [...], "means": [...]} as in the design, and a table of the rows as CSV.
std::string reportAsJson(const EvaluateReport&);
std::string reportAsCsv(const EvaluateReport&);

} // namespace tandem
