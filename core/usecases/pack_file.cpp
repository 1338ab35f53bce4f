#include "core/usecases/pack_file.h"

#include <cstring>

namespace tandem {
namespace {

Error damaged(const std::filesystem::path& file, const std::string& why) {
    return {ErrorCode::FormatInvalid,
            file.string() + " is not a sound pack (" + why + "). Write it again with tandem pack."};
}

std::string text(const JsonValue& v, const char* key) {
    const JsonValue* found = v.find(key);
    return found ? found->stringOr("") : std::string();
}

template <std::size_t N>
bool numbers(const JsonValue& v, const char* key, std::array<double, N>& to) {
    const JsonValue* found = v.find(key);
    if (!found || found->items().size() != N)
        return false;
    for (std::size_t i = 0; i < N; ++i)
        to[i] = found->items()[i].numberOr(0);
    return true;
}

template <std::size_t N>
JsonValue array(const std::array<double, N>& values) {
    JsonValue out{JsonValue::Array{}};
    for (double v : values)
        out.append(v);
    return out;
}

} // namespace

SliceMask PackPixels::maskOf(int label) const {
    SliceMask mask(image.width, image.height);
    for (const SliceMask& layer : layers)
        for (std::size_t i = 0; i < mask.inside.size(); ++i)
            mask.inside[i] |= static_cast<std::uint8_t>(layer.inside[i] == label);
    return mask;
}

JsonValue packSliceToJson(const PackSlice& s) {
    JsonValue v;
    v.set("id", s.id);
    v.set("shard", s.shard);
    v.set("case", s.caseName);
    v.set("patient", s.patient);
    v.set("modality", s.modality);
    v.set("source", s.source);
    v.set("licence", s.licence);
    v.set("may_train", s.mayTrain);
    v.set("split", s.split == PackSplit::Train ? "train" : "kept_out");
    v.set("plane", std::string(planeName(s.slice.plane)));
    v.set("index", s.slice.index);
    v.set("spacing_mm", array(s.spacing));
    v.set("patient_from_voxel", array(s.affine));
    v.set("picture_side_px", s.pictureSide);
    JsonValue labels{JsonValue::Object{}};
    for (const auto& [number, name] : s.labels)
        labels.set(std::to_string(number), name);
    v.set("labels", labels);
    return v;
}

Result<PackSlice> packSliceFromJson(const JsonValue& v) {
    PackSlice s;
    s.id = text(v, "id");
    s.shard = text(v, "shard");
    s.caseName = text(v, "case");
    s.patient = text(v, "patient");
    s.modality = text(v, "modality");
    s.source = text(v, "source");
    s.licence = text(v, "licence");
    s.mayTrain = v.find("may_train") && v.find("may_train")->boolOr(false);
    s.split = text(v, "split") == "train" ? PackSplit::Train : PackSplit::KeptOut;
    const std::optional<Plane> plane = planeFromName(text(v, "plane"));
    const bool shardIsName = !s.shard.empty() && std::filesystem::path(s.shard).filename() == s.shard;
    if (s.id.empty() || !shardIsName || !plane || !numbers(v, "spacing_mm", s.spacing) ||
        !numbers(v, "patient_from_voxel", s.affine))
        return Error{ErrorCode::FormatInvalid, "a slice without id, shard, plane or geometry"};
    s.slice = {*plane, v.find("index") ? v.find("index")->integerOr(0) : 0};
    s.pictureSide = v.find("picture_side_px") ? v.find("picture_side_px")->integerOr(0) : 0;
    if (const JsonValue* labels = v.find("labels"))
        for (const auto& [number, name] : labels->members())
            s.labels[std::atoi(number.c_str())] = name.stringOr("");
    return s;
}

Result<PackFile> PackFile::open(const std::filesystem::path& folder) {
    PackFile pack;
    pack.folder_ = folder;
    const auto content = readFile(folder / "pack.json");
    if (!content)
        return content.error();
    const auto json = parseJson(*content);
    if (!json || !json->find("slices"))
        return damaged(folder / "pack.json", json ? "no slices" : json.error().sentence);
    for (const JsonValue& item : json->find("slices")->items()) {
        auto slice = packSliceFromJson(item);
        if (!slice)
            return damaged(folder / "pack.json", slice.error().sentence);
        if (!pack.shards_.contains(slice->shard)) {
            auto shard = SafetensorsFile::open(folder / slice->shard);
            if (!shard)
                return shard.error();
            pack.shards_.emplace(slice->shard, std::move(*shard));
        }
        pack.slices_.push_back(std::move(*slice));
    }
    return pack;
}

Result<PackPixels> PackFile::load(std::size_t slice) const {
    const PackSlice& s = slices_[slice];
    const SafetensorsFile& shard = shards_.at(s.shard);
    const TensorView* image = shard.find(s.id + ".image");
    const TensorView* layers = shard.find(s.id + ".layers");
    const bool fits = image && layers && image->dtype == DType::I16 && layers->dtype == DType::U8 &&
                      image->shape.size() == 2 && layers->shape.size() == 3 && image->shape[0] > 0 &&
                      image->shape[1] > 0 && layers->shape[1] == image->shape[0] &&
                      layers->shape[2] == image->shape[1];
    if (!fits)
        return damaged(folder_ / s.shard, "slice " + s.id + " is missing or misshapen");
    PackPixels p;
    p.image = {image->shape[1], image->shape[0], 1,
               std::vector<float>(static_cast<std::size_t>(image->elementCount()))};
    for (std::size_t i = 0; i < p.image.values.size(); ++i) {
        std::int16_t v = 0;
        std::memcpy(&v, image->bytes.data() + 2 * i, 2);
        p.image.values[i] = v;
    }
    const std::size_t plane = p.image.values.size();
    for (std::int64_t n = 0; n < layers->shape[0]; ++n) {
        SliceMask layer(p.image.width, p.image.height);
        std::memcpy(layer.inside.data(), layers->bytes.data() + static_cast<std::size_t>(n) * plane, plane);
        p.layers.push_back(std::move(layer));
    }
    return p;
}

} // namespace tandem
