#pragma once
// Private to inference/.

#include "core/usecases/pack_file.h"
#include "inference/checkpoint/model.h"
#include "inference/train/recipe.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tandem::train {

/// How a model does on what it was not trained on.
struct ValidationScore {
    std::string source; ///< data set, or "all": the mean over data sets
    std::int64_t items = 0;
    double dscTight = 0, nsdTight = 0; ///< from the exact box; NSD at 2 px
    double dscHand = 0; ///< from a box whose edges stand 3 % of the picture's longer side outside
};

/// A fixed set of structures to score models on while they are trained: slices of kept-out patients and of
/// the data sets that the recipe leaves out, the same for the same packs and recipe; data sets in turn, so
/// that a large one does not outweigh the others. Thread: one at a time.
class ValidationSet {
public:
    /// Errors: PackFile's.
    static Result<ValidationSet> open(const std::vector<std::filesystem::path>& packs, const Recipe&);

    std::size_t size() const { return items_.size(); }

    /// Scores a model as the program would use it: "all" first, then every data set by name.
    /// Errors: those of PackFile::load and of the predictor.
    Result<std::vector<ValidationScore>> score(const checkpoint::Model&) const;

private:
    struct Item {
        std::size_t pack = 0, slice = 0;
        int label = 0;
    };
    std::vector<PackFile> packs_;
    std::vector<Item> items_;
};

} // namespace tandem::train
