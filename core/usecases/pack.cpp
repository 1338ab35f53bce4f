#include "core/usecases/pack.h"

#include "core/measure/components.h"
#include "core/measure/grey_crop.h"
#include "core/usecases/pack_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>

namespace tandem {
namespace {

constexpr std::size_t shardBytes = std::size_t{64} << 20;

// How grey values become int16: HU as they are, others by percentiles of the volume.
class Intensities {
public:
    Intensities(const Volume& v, const std::string& modality)
        : hounsfield_(v.intensity() == Intensity::Hounsfield || (modality == "CT" && v.range()[0] < -100)) {
        if (hounsfield_ || v.components() == 3)
            return;
        auto limits = v.quantiles({0.005, 0.995}, true);
        if (limits.size() < 2 || !(limits[1] > limits[0]))
            limits = {v.range()[0], v.range()[1]};
        low_ =
            std::min(limits[0], std::max(v.range()[0], 0.0)); // zero stays the ground of images that have it
        high_ = limits[1];
    }
    std::int16_t operator()(float v) const {
        if (!std::isfinite(v))
            return 0;
        if (hounsfield_)
            return static_cast<std::int16_t>(std::lround(std::clamp(v, -1024.0F, 2000.0F)));
        const double unit = (v - low_) / std::max(high_ - low_, 1e-12);
        return static_cast<std::int16_t>(std::lround(std::clamp(unit, 0.0, 1.0) * 4095));
    }

private:
    bool hounsfield_;
    double low_ = 0, high_ = 255;
};

// The planes that a volume is cut in.
std::vector<Plane> planesOf(const Geometry& g) {
    const auto spacing = g.spacing();
    const auto [least, most] = std::minmax_element(spacing.begin(), spacing.end());
    const auto& size = g.size();
    if (std::min({size[0], size[1], size[2]}) >= 16 && *most / *least < 1.6)
        return {Plane::Axial, Plane::Coronal, Plane::Sagittal};
    for (Plane p : {Plane::Axial, Plane::Coronal, Plane::Sagittal}) {
        const auto axis = static_cast<std::size_t>(sliceAxes(g, p).slice);
        if (size[axis] == 1 || (axis == static_cast<std::size_t>(most - spacing.begin()) && size[2] != 1))
            return {p};
    }
    return {Plane::Axial};
}

// The structures of one slice, packed into as few layers as their overlaps allow.
class Layers {
public:
    explicit Layers(std::int64_t smallest) : smallest_(smallest) {}

    // Adds a mask; many islands of it become structures of their own (cells, neurons).
    void add(const SliceMask& mask, const std::string& name) {
        const Components c = connectedComponents(mask.inside, {mask.width, mask.height, 1});
        std::vector<std::int32_t> large;
        for (std::int32_t n = 1; n <= c.count(); ++n)
            if (c.voxels[static_cast<std::size_t>(n)] >= smallest_)
                large.push_back(n);
        if (large.size() <= 4) {
            if (std::count(mask.inside.begin(), mask.inside.end(), 1) >= smallest_)
                put(mask, name);
            return;
        }
        for (std::int32_t n : large) {
            SliceMask island(mask.width, mask.height);
            for (std::size_t i = 0; i < c.label.size(); ++i)
                island.inside[i] = c.label[i] == n;
            put(island, name);
        }
    }
    const std::vector<SliceMask>& layers() const { return layers_; }
    const std::map<int, std::string>& names() const { return names_; }

private:
    void put(const SliceMask& mask, const std::string& name) {
        if (names_.size() >= 255)
            return;
        const int number = static_cast<int>(names_.size()) + 1;
        const auto fits = [&](const SliceMask& layer) {
            for (std::size_t i = 0; i < mask.inside.size(); ++i)
                if (mask.inside[i] && layer.inside[i])
                    return false;
            return true;
        };
        auto layer = std::find_if(layers_.begin(), layers_.end(), fits);
        if (layer == layers_.end())
            layer = layers_.insert(layers_.end(), SliceMask(mask.width, mask.height));
        for (std::size_t i = 0; i < mask.inside.size(); ++i)
            if (mask.inside[i])
                layer->inside[i] = static_cast<std::uint8_t>(number);
        names_[number] = name;
    }

    std::int64_t smallest_;
    std::vector<SliceMask> layers_;
    std::map<int, std::string> names_;
};

class PackWriter {
public:
    PackWriter(std::filesystem::path out, const PackOptions& options)
        : out_(std::move(out)), options_(options) {}

    Result<void> add(const PackCase& one, const PackImage& image) {
        const Intensities intensities(*image.volume, one.row.modality);
        ++report_.cases;
        for (Plane plane : planesOf(image.volume->geometry()))
            for (std::int64_t index : wantedSlices(image, plane))
                if (auto done = addSlice(one, image, {plane, index}, intensities); !done)
                    return done;
        return {};
    }
    void skip(const std::string& why) { report_.skipped.push_back(why); }

    Result<PackReport> finish() {
        if (auto done = flush(); !done)
            return done.error();
        if (report_.slices == 0)
            return Error{
                ErrorCode::FormatInvalid,
                std::string(options_.unlabelled ? "No slice was found" : "No labelled slice was found") +
                    (report_.skipped.empty() ? std::string(".")
                                             : "; the first problem: " + report_.skipped.front())};
        JsonValue json;
        json.set("format", "tandem pack 1");
        json.set("kept_out_share", options_.keptOutShare);
        json.set("seed", static_cast<std::int64_t>(options_.seed));
        json.set("slices", slices_);
        if (auto done = writeFileAtomically(out_ / "pack.json", writeJson(json, 1)); !done)
            return done.error();
        return report_;
    }

private:
    // Slices with any label (of an image without masks all), evenly thinned.
    std::vector<std::int64_t> wantedSlices(const PackImage& group, Plane plane) const {
        std::set<std::int64_t> found;
        const Geometry& g = group.volume->geometry();
        for (std::int64_t n = 0; options_.unlabelled && n < sliceCount(g, plane); ++n)
            found.insert(n);
        const auto axis = static_cast<std::size_t>(sliceAxes(g, plane).slice);
        for (const PairLabels& mask : group.masks)
            for (std::int64_t k = 0; k < g.size()[2]; ++k)
                for (std::int64_t j = 0; j < g.size()[1]; ++j)
                    for (std::int64_t i = 0; i < g.size()[0]; ++i)
                        if (const VoxelIndex v{i, j, k}; mask.map.at(v).value)
                            found.insert(v[axis]);
        const std::vector<std::int64_t> all(found.begin(), found.end());
        const auto wanted =
            std::min<std::size_t>(all.size(), static_cast<std::size_t>(options_.slicesPerPlane));
        std::vector<std::int64_t> some;
        for (std::size_t n = 0; n < wanted; ++n)
            some.push_back(all[n * all.size() / wanted]);
        return some;
    }

    Result<void> addSlice(const PackCase& one, const PackImage& group, SliceKey key,
                          const Intensities& intensities) {
        Layers layers(options_.smallestObject);
        for (const PairLabels& mask : group.masks)
            for (const auto& [label, name] : mask.names)
                layers.add(sliceMask(mask.map, key, LabelId{static_cast<std::uint16_t>(label)}), name);
        const auto slice = extractSlice(*group.volume, key);
        if (!slice || (layers.names().empty() && !options_.unlabelled))
            return {};
        PackSlice meta = describe(one, group.volume->geometry(), key, layers);
        report_.slices += 1;
        report_.structures += static_cast<std::int64_t>(meta.labels.size());
        report_.keptOutSlices += meta.split == PackSplit::KeptOut;
        slices_.append(packSliceToJson(meta));
        keep(meta.id + ".image", DType::I16, {slice->height, slice->width},
             imageBytes(luminance(*slice), intensities));
        keep(meta.id + ".layers", DType::U8,
             {static_cast<std::int64_t>(layers.layers().size()), slice->height, slice->width},
             layerBytes(layers.layers()));
        return bytes_ >= shardBytes ? flush() : Result<void>{};
    }

    PackSlice describe(const PackCase& one, const Geometry& g, SliceKey key, const Layers& layers) const {
        const PairRow& row = one.row;
        PackSlice s;
        s.id = std::to_string(report_.slices);
        s.shard = shardName();
        s.caseName = row.caseName;
        s.patient = row.patient;
        s.modality = row.modality;
        s.source = row.dataSet;
        s.licence = row.licence;
        s.mayTrain = row.train == "yes";
        const bool keptOut = one.keptOut.value_or(isKeptOut(row, options_));
        s.split = keptOut && !options_.unlabelled ? PackSplit::KeptOut : PackSplit::Train;
        s.slice = key;
        s.spacing = sliceSpacing(g, key.plane);
        for (std::size_t r = 0; r < 3; ++r) {
            for (std::size_t c = 0; c < 3; ++c)
                s.affine[r * 4 + c] = g.patientFromVoxel().linear[r][c];
            s.affine[r * 4 + 3] = g.patientFromVoxel().offset[r];
        }
        const auto size = sliceSize(g, key.plane);
        s.pictureSide = std::max(size[0], size[1]);
        s.labels = layers.names();
        return s;
    }

    static std::vector<std::byte> imageBytes(const SliceImage& image, const Intensities& intensities) {
        std::vector<std::byte> bytes(image.values.size() * 2);
        for (std::size_t i = 0; i < image.values.size(); ++i) {
            const std::int16_t v = intensities(image.values[i]);
            std::memcpy(bytes.data() + 2 * i, &v, 2);
        }
        return bytes;
    }
    static std::vector<std::byte> layerBytes(const std::vector<SliceMask>& layers) {
        std::vector<std::byte> bytes;
        for (const SliceMask& layer : layers) {
            const auto more = std::as_bytes(std::span(layer.inside));
            bytes.insert(bytes.end(), more.begin(), more.end());
        }
        return bytes;
    }
    std::string shardName() const {
        std::string number = std::to_string(shard_);
        return "slices-" + std::string(3 - std::min<std::size_t>(3, number.size()), '0') + number +
               ".safetensors";
    }
    void keep(std::string name, DType type, std::vector<std::int64_t> shape, std::vector<std::byte> bytes) {
        bytes_ += bytes.size();
        pending_.push_back({std::move(name), type, std::move(shape), {}});
        storage_.push_back(std::move(bytes));
    }
    Result<void> flush() {
        if (pending_.empty())
            return {};
        std::error_code problem;
        std::filesystem::create_directories(out_, problem); // not before there is something to write
        if (problem)
            return Error{ErrorCode::FileUnwritable,
                         "Cannot make the folder " + out_.string() + ": " + problem.message() + "."};
        for (std::size_t i = 0; i < pending_.size(); ++i)
            pending_[i].bytes = storage_[i];
        auto done = writeSafetensors(out_ / shardName(), pending_);
        pending_.clear();
        storage_.clear();
        bytes_ = 0;
        ++shard_;
        return done;
    }

    std::filesystem::path out_;
    const PackOptions& options_;
    PackReport report_;
    JsonValue slices_{JsonValue::Array{}};
    std::vector<TensorView> pending_;
    std::vector<std::vector<std::byte>> storage_;
    std::size_t bytes_ = 0;
    int shard_ = 0;
};

Result<PackImage> loadPairs(const ImageReader& reader, const std::vector<PairRow>& rows) {
    auto image = reader.read(rows.front().image);
    if (!image)
        return image.error();
    PackImage loaded{image->volume, {}};
    for (const PairRow& row : rows) {
        auto labels = readPairLabels(reader, row, loaded.volume->geometry());
        if (!labels)
            return labels.error();
        loaded.masks.push_back(std::move(*labels));
    }
    return loaded;
}

} // namespace

std::vector<PackCase> casesFromPairs(const ImageReader& reader, const std::vector<PairRow>& rows) {
    std::vector<std::vector<PairRow>> groups;
    std::map<std::filesystem::path, std::size_t> of;
    for (const PairRow& row : rows) {
        const auto [at, isNew] = of.emplace(row.image, groups.size());
        if (isNew)
            groups.emplace_back();
        groups[at->second].push_back(row);
    }
    std::vector<PackCase> cases;
    for (std::vector<PairRow>& group : groups) {
        const PairRow first = group.front();
        cases.push_back(
            {first, [&reader, group = std::move(group)] { return loadPairs(reader, group); }, std::nullopt});
    }
    return cases;
}

bool isKeptOut(const PairRow& row, const PackOptions& options) {
    const auto& whole = options.leaveOut;
    return std::find(whole.begin(), whole.end(), row.dataSet) != whole.end() ||
           patientHash(row.patient, options.seed) < options.keptOutShare;
}

Result<PackReport> writePack(const ImageReader& reader, const std::vector<PairRow>& rows,
                             const PackOptions& options, const std::filesystem::path& out,
                             const Progress& progress, std::stop_token stop) {
    std::vector<PairRow> wanted;
    for (const PairRow& row : rows)
        if (options.everything || row.train == "yes")
            wanted.push_back(row);
    return writePack(casesFromPairs(reader, wanted), options, out, progress, std::move(stop));
}

Result<PackReport> writePack(const std::vector<PackCase>& cases, const PackOptions& options,
                             const std::filesystem::path& out, const Progress& progress,
                             std::stop_token stop) {
    std::error_code problem;
    if (std::filesystem::exists(out / "pack.json", problem))
        return Error{ErrorCode::InvalidArgument,
                     out.string() + " holds a pack already; choose an empty folder."};
    PackWriter writer(out, options);
    for (std::size_t n = 0; n < cases.size(); ++n) {
        const PackCase& one = cases[n];
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "Packing was stopped."};
        if (!options.everything && one.row.train != "yes")
            continue;
        progress(static_cast<double>(n) / static_cast<double>(cases.size()), "Packing " + one.row.caseName);
        const auto image = one.load(); // its voxels go when it is written
        if (!image) {
            writer.skip(image.error().sentence);
            continue;
        }
        if (auto done = writer.add(one, *image); !done)
            return done.error();
    }
    return writer.finish();
}

} // namespace tandem
