#include "inference/verify/verify.h"

#include "inference/checkpoint/model.h"
#include "inference/checkpoint/tensors.h"
#include "inference/predict/preprocess.h"
#include "inference/verify/training_step.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace tandem::verify {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

Result<Tensors> readTensors(const std::filesystem::path& path) {
    const auto file = SafetensorsFile::open(path);
    if (!file)
        return file.error();
    Tensors out;
    for (const TensorView& view : file->tensors()) {
        auto tensor = checkpoint::toTensor(view);
        if (!tensor)
            return tensor.error();
        out.emplace(view.name, std::move(*tensor));
    }
    return out;
}

predict::RgbImage imageFrom(const at::Tensor& hwc) {
    const at::Tensor c = hwc.contiguous();
    const auto* data = c.data_ptr<std::uint8_t>();
    return {c.size(1), c.size(0), {data, data + c.numel()}};
}

at::Tensor tensorFrom(const predict::RgbImage& image) {
    return at::tensor(at::ArrayRef<std::uint8_t>(image.pixels), at::kByte)
        .view({image.height, image.width, 3});
}

at::Tensor tensorFrom(const predict::PlanarImage& image) {
    return at::tensor(at::ArrayRef<float>(image.values), at::kFloat).view({1, 3, image.height, image.width});
}

TensorCheck compared(const std::string& golden, const std::string& name, const at::Tensor& expected,
                     const at::Tensor& computed) {
    TensorCheck check{golden, name, 0, false, {}};
    if (computed.sizes() != expected.sizes()) {
        check.problem = "it has another shape";
        return check;
    }
    if (expected.numel() > 0) {
        const at::Tensor e = expected.to(at::kDouble), c = computed.to(at::kDouble);
        check.largestDifference =
            (e - c).abs().max().item<double>() / std::max(1e-6, e.abs().max().item<double>());
    }
    const bool exact = !expected.is_floating_point();
    check.passed = exact ? check.largestDifference == 0 : check.largestDifference <= kTolerance;
    return check;
}

// The prompt cases of a file: what stands before ".in.".
std::set<std::string> casesOf(const Tensors& expected) {
    std::set<std::string> cases;
    for (const auto& [name, tensor] : expected)
        if (const auto at0 = name.find(".in."); at0 != std::string::npos)
            cases.insert(name.substr(0, at0));
        else if (name.ends_with(".low_res"))
            cases.insert(name.substr(0, name.size() - 8)); // a case without any prompt
    return cases;
}

// Recomputes what one golden file expects.
class Recomputer {
public:
    Recomputer(const checkpoint::Model& model, const Tensors& expected) : m_(model), expected_(expected) {}

    Tensors run() {
        encodeImage();
        if (expected_.contains("dense_pe"))
            out_["dense_pe"] = net::densePe(m_.weights, m_.config);
        for (const std::string& name : casesOf(expected_))
            runCase(name);
        return std::move(out_);
    }

private:
    at::Tensor given(const std::string& name) const {
        const auto found = expected_.find(name);
        return found == expected_.end() ? at::Tensor() : found->second;
    }

    void encodeImage() {
        const predict::RgbImage image = imageFrom(expected_.at("image_u8"));
        original_ = {image.height, image.width};
        resized_ = predict::longestSide(image.height, image.width, m_.config.imageSize);
        const predict::RgbImage small = predict::resizePillow(image, resized_[0], resized_[1]);
        out_["image_resized_u8"] = tensorFrom(small);
        const at::Tensor input = tensorFrom(predict::normaliseAndPad(small, m_.config));
        out_["image_input"] = input;
        net::Forward forward;
        forward.record = [&](const std::string& name, const at::Tensor& x) {
            if (expected_.contains("enc." + name))
                out_["enc." + name] = x;
        };
        embedding_ = net::encode(m_.weights, m_.config, input, forward);
    }

    void runCase(const std::string& name) {
        const net::PromptTensors prompts{given(name + ".in.points"), given(name + ".in.labels"),
                                         given(name + ".in.boxes"), given(name + ".in.mask")};
        const net::PromptCodes codes = net::encodePrompts(m_.weights, m_.config, prompts);
        out_[name + ".sparse"] = codes.sparse;
        const at::Tensor dense = given(name + ".dense");
        if (dense.defined() && dense.dim() == 4) // a constant one is stored as a 1 x 1 crop
            out_[name + ".dense"] = codes.dense.narrow(2, 0, dense.size(2)).narrow(3, 0, dense.size(3));
        const at::Tensor wanted = given(name + ".low_res");
        const bool multimask = wanted.defined() && wanted.dim() == 4 && wanted.size(1) > 1;
        const auto record = [&](const std::string& part, const at::Tensor& x) {
            out_[name + "." + part] = x;
        };
        const net::Decoded decoded =
            net::decode(m_.weights, m_.config, embedding_, codes, multimask, net::Recorder(record));
        out_[name + ".low_res"] = decoded.logits;
        out_[name + ".iou"] = decoded.iou;
        out_[name + ".logits"] = net::postprocessSam(m_.config, decoded.logits, resized_, original_);
        out_[name + ".medsam_prob"] = net::postprocessMedsam(decoded.logits, original_);
        if (given(name + ".low_res_multi").defined()) {
            const net::Decoded multi = net::decode(m_.weights, m_.config, embedding_, codes, true);
            out_[name + ".low_res_multi"] = multi.logits;
            out_[name + ".iou_multi"] = multi.iou;
        }
    }

    const checkpoint::Model& m_;
    const Tensors& expected_;
    Tensors out_;
    at::Tensor embedding_;
    std::array<std::int64_t, 2> original_{}, resized_{};
};

bool isInput(const std::string& name) {
    return name == "image_u8" || name.find(".in.") != std::string::npos || name == "target";
}

void compareAll(const std::string& golden, const Tensors& expected, const Tensors& computed,
                VerifyReport& report) {
    for (const auto& [name, tensor] : expected) {
        const auto found = computed.find(name);
        if (found != computed.end())
            report.tensors.push_back(compared(golden, name, tensor, found->second));
        else if (!isInput(name))
            report.ignored.push_back(golden + ": " + name);
    }
}

std::vector<std::filesystem::path> modelFilesIn(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failed))
        if (entry.path().stem() == "model" && entry.path().extension() != ".json")
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

Result<JsonValue> configIn(const std::filesystem::path& folder) {
    const auto text = readFile(folder / "config.json", 1 << 20);
    if (!text)
        return text.error();
    auto json = parseJson(*text);
    if (!json)
        return Error{ErrorCode::FormatInvalid,
                     (folder / "config.json").string() + ": " + json.error().sentence};
    return json;
}

// Compares one model file with one file of expected tensors.
Result<void> verifyFile(const checkpoint::Model& model, const std::filesystem::path& golden,
                        const std::string& label, VerifyReport& report) {
    auto expected = readTensors(golden);
    if (!expected)
        return expected.error();
    const bool isStep = golden.filename().string().starts_with("step");
    if (isStep) { // image and box of the step are those of the forward golden
        const auto forward = readTensors(golden.parent_path() / "tensors.safetensors");
        if (!forward)
            return forward.error();
        for (const char* input : {"image_u8", "box.in.boxes"})
            if (const auto found = forward->find(input); found != forward->end())
                expected->insert(*found);
    }
    if (!expected->contains("image_u8"))
        return Error{ErrorCode::FormatInvalid, golden.string() + " has no tensor 'image_u8' to start from."};
    try {
        const at::NoGradGuard noGradients;
        const Tensors computed = isStep ? recomputeStep(model, *expected, golden.stem() == "step_bn_batch")
                                        : Recomputer(model, *expected).run();
        compareAll(label, *expected, computed, report);
    } catch (const std::exception& e) {
        const std::string words = e.what();
        return Error{ErrorCode::ModelInvalid,
                     golden.string() + " cannot be recomputed: " + words.substr(0, words.find('\n'))};
    }
    return {};
}

} // namespace

Result<VerifyReport> verifyFolder(const std::filesystem::path& folder) {
    const auto config = configIn(folder);
    if (!config)
        return config.error();
    VerifyReport report{folder, {}, {}};
    for (const auto& file : modelFilesIn(folder)) {
        const auto model = checkpoint::openModel(file, *config);
        if (!model)
            return model.error();
        for (const char* name : {"tensors", "expected", "step", "step_bn_batch"}) {
            const auto golden = folder / (std::string(name) + ".safetensors");
            if (!std::filesystem::exists(golden))
                continue;
            const std::string label = file.filename().string() + " -> " + golden.filename().string();
            if (auto done = verifyFile(*model, golden, label, report); !done)
                return done.error();
        }
    }
    if (report.tensors.empty())
        return Error{ErrorCode::FileNotFound,
                     folder.string() +
                         " has no model.* with tensors.safetensors or expected.safetensors to compare with."};
    return report;
}

} // namespace tandem::verify
