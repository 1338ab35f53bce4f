#pragma once

#include "core/usecases/image_reader.h"
#include "core/usecases/segment_volume.h"

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tandem {

/// Prompts as the command line gives them.
struct PromptArguments {
    std::vector<std::string> boxes;     ///< K:x0,y0,x1,y1
    std::vector<std::string> points;    ///< K:x,y,+ or K:x,y,-
    std::vector<std::string> scribbles; ///< K:x,y;x,y;...,+ or ...,-
    std::string boxesFrom;              ///< label map whose tight boxes become prompts
    std::string promptsFile;            ///< JSON
    std::string plane = "axial";
    int label = 0;     ///< 0: all labels of boxesFrom; label 1 for boxes, points and scribbles
    double growPx = 0; ///< moves each edge of boxesFrom outward

    bool any() const {
        return !boxes.empty() || !points.empty() || !scribbles.empty() || !boxesFrom.empty() ||
               !promptsFile.empty();
    }
};

struct PromptList {
    Plane plane = Plane::Axial;
    std::vector<SlicePrompts> objects;
    std::optional<DrawingHabit> habit = {}; ///< of whoever drew the boxes, where that is known
};

void addPromptOptions(CLI::App&, PromptArguments&);

/// Turns the arguments into prompts. Errors: InvalidArgument for words that do not parse (named),
/// FormatInvalid for a prompts file, GridMismatch for a mask on another grid.
Result<PromptList> gatherPrompts(const PromptArguments&, const Volume&, const ImageReader&);

} // namespace tandem
