#pragma once

#include <functional>
#include <string_view>

namespace tandem {

/// How far a long job is: fraction 0..1 and a sentence ("Encoding slice 12 of 40"). Called on the worker's
/// thread.
using Progress = std::function<void(double fraction, std::string_view sentence)>;

} // namespace tandem
