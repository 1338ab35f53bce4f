#include "app/known_models.h"

#include <array>

namespace tandem {
namespace {

constexpr std::string_view samPage = "https://github.com/facebookresearch/segment-anything#model-checkpoints";
constexpr std::array known{
    KnownModel{"SAM ViT-B", "sam_vit_b_01ec64.pth", 375'042'383, "boxes, points", "Apache-2.0", samPage},
    KnownModel{"SAM ViT-L", "sam_vit_l_0b3195.pth", 1'249'524'607, "boxes, points", "Apache-2.0", samPage},
    KnownModel{"SAM ViT-H", "sam_vit_h_4b8939.pth", 2'564'550'879, "boxes, points", "Apache-2.0", samPage},
    KnownModel{"MedSAM ViT-B", "medsam_vit_b.pth", 375'049'145, "boxes", "Apache-2.0",
               "https://github.com/bowang-lab/MedSAM"},
};

} // namespace

std::span<const KnownModel> knownModels() {
    return known;
}

} // namespace tandem
