#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tandem {

/// A published checkpoint that Tandem reads, and where its publisher offers it. Tandem downloads nothing.
struct KnownModel {
    std::string_view name;
    std::string_view file; ///< as published
    std::int64_t bytes = 0;
    std::string_view prompts; ///< what it was trained for
    std::string_view licence;
    std::string_view page; ///< the publisher's, which has the link
};

/// SAM (Kirillov et al. 2023) in three sizes and MedSAM (Ma et al. 2024). Sizes as the servers tell them.
std::span<const KnownModel> knownModels();

} // namespace tandem
