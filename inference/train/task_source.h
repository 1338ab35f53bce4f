#pragma once

#include "core/result.h"
#include "core/usecases/pack_file.h"
#include "inference/train/random.h"
#include "inference/train/recipe.h"
#include "inference/train/task.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tandem {

/// Draws training tasks: synthetic scenes, regions of real images (labelled or not), and labelled structures
/// of packs (data set by the square root of its size, then case, slice, structure; the first pack as often as
/// the recipe says). Slices of kept-out patients are never drawn. Thread: one at a time.
class TaskSource {
public:
    /// Opens packs; none are needed for a recipe of scenes alone.
    /// Errors: PackFile's; InvalidArgument if a pack holds slices that may not be trained on, or nothing to
    /// draw from.
    static Result<TaskSource> open(const std::vector<std::filesystem::path>& packs, const Recipe&);

    /// Error: FormatInvalid if a slice cannot be read.
    Result<TrainingTask> draw(Random&) const;

    std::int64_t sliceCount() const { return slices_; }
    std::vector<std::string> dataSets() const;

private:
    struct Place {
        std::size_t pack, slice;
    };
    using Case = std::vector<Place>;
    struct DataSet {
        std::string name;
        bool isFirst = false; ///< of the first pack, where the recipe favours that
        double weight = 0;
        std::map<std::string, Case> byCase;
        std::vector<Case> cases;
    };
    const PackSlice& meta(const Place& p) const { return packs_[p.pack].slices()[p.slice]; }
    const DataSet& drawSet(Random&) const;
    const Place& drawPlace(Random&) const;
    TrainingTask labelled(const Place&, PackPixels, Random&) const;

    Recipe recipe_;
    std::vector<PackFile> packs_;
    std::vector<DataSet> sets_;
    std::int64_t slices_ = 0;
};

} // namespace tandem
