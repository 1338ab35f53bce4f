#pragma once
// Private to inference/: a network with its configuration, read from and written to files.

#include "core/files/json.h"
#include "core/usecases/segmenter.h"
#include "inference/network/network.h"

#include <filesystem>
#include <string>

namespace tandem::checkpoint {

/// A network ready to run: float32 weights on the CPU that have exactly the keys and shapes of its
/// configuration.
struct Model {
    net::NetworkConfig config;
    JsonValue configJson; ///< the configuration as the file has it, with keys that the network does not know
    net::Weights weights;
    std::string card; ///< for people: origin, licence, training; may be empty
};

/// Opens a model file. The configuration comes from the metadata `tandem.config`, else from NAME.json or
/// config.json beside the file, else it is recognised from the keys. Errors: those of readStateDict;
/// ModelInvalid naming missing, unexpected and wrongly shaped keys (first ten, count).
Result<Model> openModel(const std::filesystem::path&);

/// The same with a given configuration.
Result<Model> openModel(const std::filesystem::path&, const JsonValue& configJson);

/// Writes a model as .safetensors with `tandem.config` and `tandem.card`; complete or not at all.
/// @param float16  halves the file; weights beyond float16's range are refused
/// Errors: FileUnwritable, InvalidArgument.
Result<void> saveModel(const std::filesystem::path&, const Model&, bool float16);

/// Whether a model was trained on clicks: "prompts" of its configuration, else what its family is known for
/// (SAM: yes; MedSAM and DB-SAM: boxes).
bool trainedForPoints(const net::NetworkConfig&, const JsonValue& configJson);
inline bool trainedForPoints(const Model& m) {
    return trainedForPoints(m.config, m.configJson);
}

/// What a model is, for people. Reads the whole file for its SHA-256 once; remembers it by path, time and
/// size. Errors as openModel. Thread: any.
Result<ModelInfo> describeModel(const std::filesystem::path&);
Result<ModelInfo> describeModel(const std::filesystem::path&, const Model&);

/// The same without a hash and without touching the weights: keys, shapes and metadata alone are read (and
/// checked as openModel does). Errors as openModel. Thread: any.
Result<ModelInfo> inspectModel(const std::filesystem::path&);

} // namespace tandem::checkpoint
