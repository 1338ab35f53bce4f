#include "inference/checkpoint/model.h"

#include "core/files/files.h"
#include "core/files/sha256.h"
#include "inference/checkpoint/state_dict.h"
#include "inference/checkpoint/tensors.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <string_view>
#include <tuple>

namespace tandem::checkpoint {
namespace {

std::string shapeText(at::IntArrayRef shape) {
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i)
        text += (i ? ", " : "") + std::to_string(shape[i]);
    return text + "]";
}

// "3 keys are missing (a, b, c)", at most ten named.
std::string listOf(const std::vector<std::string>& keys, const std::string& what) {
    std::string text = std::to_string(keys.size()) + " " + what + " (";
    for (std::size_t i = 0; i < std::min<std::size_t>(keys.size(), 10); ++i)
        text += (i ? ", " : "") + keys[i];
    return text + (keys.size() > 10 ? ", ...)" : ")");
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& p : parts)
        text += (text.empty() ? "" : "; ") + p;
    return text;
}

using TensorsByKey = std::map<std::string, at::Tensor>;

// Whether a file has the tensors of a configuration's layout and no others; what does not fit is listed.
Result<void> checkLayout(const std::vector<net::WeightSpec>& layout, const TensorsByKey& tensors,
                         const std::string& file, const net::NetworkConfig& config) {
    std::vector<std::string> missing, misshapen, unexpected, problems;
    std::set<std::string_view> known;
    for (const net::WeightSpec& spec : layout) {
        known.insert(spec.key);
        const auto found = tensors.find(spec.key);
        if (found != tensors.end() && found->second.sizes() != at::IntArrayRef(spec.shape))
            misshapen.push_back(spec.key + ": " + shapeText(found->second.sizes()) + " instead of " +
                                shapeText(spec.shape));
        if (found == tensors.end() && spec.kind != net::WeightKind::Counter) // older files have no counters
            missing.push_back(spec.key);
    }
    for (const auto& [key, tensor] : tensors)
        if (!known.contains(key))
            unexpected.push_back(key);
    for (const auto& [list, what] :
         {std::pair{&missing, "keys are missing"}, std::pair{&unexpected, "keys are unexpected"},
          std::pair{&misshapen, "keys have another shape"}})
        if (!list->empty())
            problems.push_back(listOf(*list, what));
    if (!problems.empty())
        return Error{ErrorCode::ModelInvalid, file + " does not fit its network (" +
                                                  std::string(net::variantName(config.variant)) +
                                                  "): " + joined(problems) + "."};
    return {};
}

// Moves the tensors of a layout out of the file's, float32.
net::Weights takeWeights(const std::vector<net::WeightSpec>& layout, TensorsByKey tensors) {
    net::Weights weights;
    for (const net::WeightSpec& spec : layout) {
        const auto found = tensors.find(spec.key);
        if (found == tensors.end())
            continue;
        const bool counter = spec.kind == net::WeightKind::Counter;
        weights.emplace(spec.key, found->second.to(counter ? at::kLong : at::kFloat).contiguous());
        tensors.erase(found);
    }
    return weights;
}

// A configuration that lies beside the file.
std::optional<JsonValue> configBeside(const std::filesystem::path& path) {
    std::filesystem::path own = path;
    own.replace_extension(".json");
    for (const auto& candidate : {own, path.parent_path() / "config.json"}) {
        const auto text = readFile(candidate, 1 << 20);
        const auto json = text ? parseJson(*text) : Result<JsonValue>(text.error());
        if (json && json->find("variant"))
            return *json;
    }
    return std::nullopt;
}

bool looksLikeMedsam(const std::filesystem::path& path, const StateDict& dict) {
    std::string name = path.stem().string();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name.find("medsam") != std::string::npos || dict.wrapper == "model"; // MedSAM's trainer wraps so
}

Result<JsonValue> configOf(const std::filesystem::path& path, const StateDict& dict) {
    for (const auto& [key, text] : dict.metadata)
        if (key == "tandem.config") {
            auto json = parseJson(text);
            if (!json)
                return Error{ErrorCode::ModelInvalid, "The configuration inside " + path.string() +
                                                          " cannot be read. " + json.error().sentence};
            return *json;
        }
    if (auto beside = configBeside(path))
        return *beside;
    net::ShapeList shapes;
    for (const auto& [key, tensor] : dict.tensors)
        shapes.emplace_back(key, tensor.sizes().vec());
    auto config = net::recogniseConfig(shapes);
    if (!config)
        return Error{config.error().code, path.string() + ": " + config.error().sentence};
    if (config->variant == net::Variant::Sam && looksLikeMedsam(path, dict))
        config->preprocess = net::Preprocess::Medsam;
    return net::configToJson(*config);
}

std::string cardOf(const StateDict& dict) {
    for (const auto& [key, text] : dict.metadata)
        if (key == "tandem.card")
            return text;
    return {};
}

// A file whose tensors fit its configuration, and are still where the file has them.
struct Checked {
    net::NetworkConfig config;
    JsonValue configJson;
    std::vector<net::WeightSpec> layout;
    TensorsByKey tensors;
    std::string card;
};

Result<Checked> checked(const std::filesystem::path& path, StateDict dict, const JsonValue& configJson) {
    const auto config = net::configFromJson(configJson);
    if (!config)
        return Error{config.error().code, path.string() + ": " + config.error().sentence};
    Checked out{*config, configJson, net::layoutOf(*config), {}, cardOf(dict)};
    out.tensors = TensorsByKey(std::make_move_iterator(dict.tensors.begin()),
                               std::make_move_iterator(dict.tensors.end()));
    if (const auto fits = checkLayout(out.layout, out.tensors, path.string(), *config); !fits)
        return fits.error();
    return out;
}

Result<Checked> openChecked(const std::filesystem::path& path) {
    auto dict = readStateDict(path);
    if (!dict)
        return dict.error();
    const auto config = configOf(path, *dict);
    if (!config)
        return config.error();
    return checked(path, std::move(*dict), *config);
}

Result<Model> assemble(const std::filesystem::path& path, Result<Checked> file) {
    if (!file)
        return file.error();
    try {
        return Model{file->config, std::move(file->configJson),
                     takeWeights(file->layout, std::move(file->tensors)), std::move(file->card)};
    } catch (const std::exception&) {
        return Error{ErrorCode::OutOfMemory,
                     "There is not enough memory for the model " + path.string() + "."};
    }
}

bool fitsFloat16(const at::Tensor& t) {
    return t.numel() == 0 || t.abs().max().item<double>() <= 65504;
}

// Hashes of files by path, time of change and size.
Result<std::string> hashOf(const std::filesystem::path& path, std::int64_t bytes) {
    static std::mutex mutex;
    static std::map<std::tuple<std::string, std::int64_t, std::int64_t>, std::string> known;
    std::error_code failed;
    const auto time = std::filesystem::last_write_time(path, failed).time_since_epoch().count();
    const auto key =
        std::tuple{std::filesystem::absolute(path).string(), static_cast<std::int64_t>(time), bytes};
    {
        const std::lock_guard lock(mutex);
        if (const auto found = known.find(key); found != known.end())
            return found->second;
    }
    auto hash = sha256OfFile(path);
    const std::lock_guard lock(mutex);
    if (hash)
        known.emplace(key, *hash);
    return hash;
}

std::string millions(std::int64_t n) {
    const std::int64_t tenths = (n + 50'000) / 100'000;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " M";
}

std::string familyOf(const net::NetworkConfig& c) {
    if (c.variant == net::Variant::Sam)
        return c.preprocess == net::Preprocess::Medsam ? "MedSAM" : "SAM";
    return "DB-SAM (" + std::string(net::variantName(c.variant)) + ")";
}

// All but the hash.
ModelInfo infoOf(const std::filesystem::path& path, const net::NetworkConfig& config,
                 const JsonValue& configJson, const std::string& card) {
    std::error_code failed;
    ModelInfo info;
    info.path = path;
    info.fileBytes = static_cast<std::int64_t>(std::filesystem::file_size(path, failed));
    const JsonValue* name = configJson.find("name");
    info.name = name ? name->stringOr(path.stem().string()) : path.stem().string();
    info.variant = net::variantName(config.variant);
    info.preprocess = net::preprocessName(config.preprocess);
    info.parameters = net::parameterCount(config);
    info.imageSize = config.imageSize;
    info.trainedForPoints = trainedForPoints(config, configJson);
    info.isSketch = info.parameters < 20'000'000;
    info.description = familyOf(config) + ", " + millions(info.parameters) + " parameters, " +
                       std::to_string(info.imageSize) + " px, " +
                       (info.trainedForPoints ? "boxes and points" : "boxes");
    info.configJson = writeJson(configJson, 1);
    info.cardText = card;
    return info;
}

} // namespace

Result<Model> openModel(const std::filesystem::path& path) {
    return assemble(path, openChecked(path));
}

Result<Model> openModel(const std::filesystem::path& path, const JsonValue& configJson) {
    auto dict = readStateDict(path);
    if (!dict)
        return dict.error();
    return assemble(path, checked(path, std::move(*dict), configJson));
}

Result<void> saveModel(const std::filesystem::path& path, const Model& model, bool float16) {
    std::vector<at::Tensor> kept; // the views below point into these
    std::vector<TensorView> views;
    for (const net::WeightSpec& spec : net::layoutOf(model.config)) {
        const auto found = model.weights.find(spec.key);
        if (found == model.weights.end()) {
            if (spec.kind == net::WeightKind::Counter)
                continue;
            return Error{ErrorCode::InvalidArgument,
                         "The weight '" + spec.key + "' is missing; nothing was written."};
        }
        at::Tensor tensor = found->second.detach().to(at::kCPU).contiguous();
        if (float16 && tensor.is_floating_point()) {
            if (!fitsFloat16(tensor))
                return Error{ErrorCode::InvalidArgument,
                             "The weight '" + spec.key + "' is too large for float16; nothing was written."};
            tensor = tensor.to(at::kHalf);
        }
        const auto view = viewOf(spec.key, tensor);
        if (!view)
            return view.error();
        kept.push_back(tensor);
        views.push_back(*view);
    }
    SafetensorsMetadata metadata{{"format", "pt"}, {"tandem.config", writeJson(model.configJson)}};
    if (!model.card.empty())
        metadata.emplace_back("tandem.card", model.card);
    return writeSafetensors(path, views, metadata);
}

bool trainedForPoints(const net::NetworkConfig& config, const JsonValue& configJson) {
    if (const JsonValue* prompts = configJson.find("prompts"))
        return std::any_of(prompts->items().begin(), prompts->items().end(),
                           [](const JsonValue& p) { return p.stringOr("").starts_with("point"); });
    return config.variant == net::Variant::Sam && config.preprocess == net::Preprocess::Sam;
}

Result<ModelInfo> describeModel(const std::filesystem::path& path) {
    const auto model = openModel(path);
    if (!model)
        return model.error();
    return describeModel(path, *model);
}

Result<ModelInfo> describeModel(const std::filesystem::path& path, const Model& model) {
    ModelInfo info = infoOf(path, model.config, model.configJson, model.card);
    auto hash = hashOf(path, info.fileBytes);
    if (!hash)
        return hash.error();
    info.id = *hash;
    return info;
}

Result<ModelInfo> inspectModel(const std::filesystem::path& path) {
    const auto file = openChecked(path);
    if (!file)
        return file.error();
    return infoOf(path, file->config, file->configJson, file->card);
}

} // namespace tandem::checkpoint
