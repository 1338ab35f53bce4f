// Runs one training in a process of its own, so that a test can kill it: train_once CONFIG PACK OUT [resume].
#include "inference/train/train.h"

#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
    if (argc < 4)
        return 2;
    const bool resumes = argc > 4 && std::string_view(argv[4]) == "resume";
    const auto report = tandem::train::runTraining({argv[1], {argv[2]}, {}, resumes ? argv[3] : "", argv[3]},
                                                   [](double, std::string_view) {}, {});
    if (!report)
        std::fprintf(stderr, "%s\n", report.error().sentence.c_str());
    return report ? 0 : 1;
}
