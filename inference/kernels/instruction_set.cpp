#include "inference/kernels/instruction_set.h"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/kernels/instruction_set.cpp"
#include <hwy/foreach_target.h> // includes this file once for each instruction set
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace tandem::kernels::HWY_NAMESPACE {
const char* targetName() {
    return hwy::TargetName(HWY_TARGET);
}
} // namespace tandem::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tandem::kernels {

HWY_EXPORT(targetName);

const char* instructionSet() {
    return HWY_DYNAMIC_DISPATCH(targetName)();
}

std::vector<std::string> availableInstructionSets() {
    std::vector<std::string> names;
    for (const auto target : hwy::SupportedAndGeneratedTargets())
        names.emplace_back(hwy::TargetName(target));
    return names;
}

bool useInstructionSet(const std::string& name) {
    hwy::SetSupportedTargetsForTest(0);
    if (name.empty())
        return true;
    for (const auto target : hwy::SupportedAndGeneratedTargets())
        if (name == hwy::TargetName(target)) {
            hwy::SetSupportedTargetsForTest(target);
            return true;
        }
    return false;
}

} // namespace tandem::kernels
#endif
