// Speaks for the reader to a test script: one command a line on standard input, fields separated by tabs; one
// line of JSON a command on standard output. Voxels go to a raw file. Commands:
//   list PATH | read PATH SERIES FRAME RAW | labels PATH RAW | rewrite-labels PATH OUT | rewrite PATH OUT
//   | write-dicom PATH FOLDER
#include "core/imaging/imaging.h"

#include <nlohmann/json.hpp>

#include <fstream>
#include <iostream>
#include <sstream>

namespace {

using nlohmann::json;
using namespace tandem;

json failure(const Error& error) {
    return {{"ok", false}, {"code", static_cast<int>(error.code)}, {"sentence", error.sentence}};
}

json gridJson(const Geometry& g) {
    const auto& affine = g.patientFromVoxel();
    json rows = json::array();
    for (std::size_t r = 0; r < 3; ++r)
        rows.push_back({affine.linear[r][0], affine.linear[r][1], affine.linear[r][2], affine.offset[r]});
    return {{"ok", true}, {"size", g.size()}, {"affine_lps", rows}};
}

template <class T>
void writeRaw(const std::string& path, const std::vector<T>& values) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof(T)));
}

json listCommand(const ImageReader& reader, const std::string& path) {
    const auto entries = reader.list(path);
    if (!entries)
        return failure(entries.error());
    json out = {{"ok", true}, {"entries", json::array()}};
    for (const ImageEntry& e : *entries)
        out["entries"].push_back({{"path", e.path.string()},
                                  {"series", e.seriesKey},
                                  {"description", e.description},
                                  {"frames", e.frames}});
    return out;
}

json readCommand(const ImageReader& reader, const std::vector<std::string>& f) {
    const auto image = reader.read(f.at(1), f.at(2), std::stoll(f.at(3)));
    if (!image)
        return failure(image.error());
    constexpr std::array<const char*, 6> types{"uint8", "int16", "uint16", "int32", "float32", "float64"};
    const Volume& volume = *image->volume;
    json out = gridJson(volume.geometry());
    out["type"] = types.at(volume.values().index());
    out["components"] = volume.components();
    out["intensity"] = static_cast<int>(volume.intensity());
    out["description"] = image->description;
    out["modality"] = image->modality;
    out["warnings"] = image->warnings;
    out["hash"] = reader.contentHash(volume);
    std::visit([&](const auto& v) { writeRaw(f.at(4), v); }, volume.values());
    return out;
}

json labelsCommand(const ImageReader& reader, const std::string& path, const std::string& raw) {
    const auto map = reader.readLabels(path);
    if (!map)
        return failure(map.error());
    writeRaw(raw, map->labels());
    return gridJson(map->grid());
}

json done(const Result<void>& result) {
    return result ? json{{"ok", true}} : failure(result.error());
}

json rewriteCommand(const ImageReader& reader, const std::vector<std::string>& f) {
    if (f.at(0) == "rewrite-labels") {
        const auto map = reader.readLabels(f.at(1));
        return map ? done(reader.writeLabels(f.at(2), *map)) : failure(map.error());
    }
    const auto image = reader.read(f.at(1));
    if (!image)
        return failure(image.error());
    return done(f.at(0) == "write-dicom" ? writeDicomSeries(f.at(2), *image->volume, {})
                                         : writeNiftiVolume(f.at(2), *image->volume));
}

json answer(const ImageReader& reader, const std::vector<std::string>& f) {
    const std::string& command = f.at(0);
    if (command == "list")
        return listCommand(reader, f.at(1));
    if (command == "read")
        return readCommand(reader, f);
    if (command == "labels")
        return labelsCommand(reader, f.at(1), f.at(2));
    return rewriteCommand(reader, f);
}

std::vector<std::string> split(const std::string& line) {
    std::vector<std::string> fields(1);
    for (const char c : line)
        if (c == '\t')
            fields.emplace_back();
        else
            fields.back() += c;
    return fields;
}

} // namespace

int main() {
    const auto reader = tandem::makeImageReader();
    for (std::string line; std::getline(std::cin, line);)
        std::cout << answer(*reader, split(line)).dump(-1, ' ', false, json::error_handler_t::replace)
                  << std::endl;
    return 0;
}
