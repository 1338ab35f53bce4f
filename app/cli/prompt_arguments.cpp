#include "app/cli/prompt_arguments.h"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

namespace tandem {
namespace {

using Json = nlohmann::json;

Error unreadable(const std::string& option, const std::string& word, const std::string& form) {
    return {ErrorCode::InvalidArgument, "Cannot read " + option + " " + word + "; the form is " + form + "."};
}

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> words;
    std::istringstream rest(text);
    for (std::string word; std::getline(rest, word, separator);)
        words.push_back(word);
    return words;
}

// "K:a<separator>b<separator>c" -> K and the words after the colon.
struct SliceWords {
    std::int64_t slice = 0;
    std::vector<std::string> words;
};
std::optional<SliceWords> splitSlice(const std::string& text, char separator = ',') {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos)
        return std::nullopt;
    const auto slice = number(std::string_view(text).substr(0, colon));
    if (!slice || *slice != std::floor(*slice) || std::abs(*slice) > 1e9)
        return std::nullopt;
    return SliceWords{static_cast<std::int64_t>(*slice), split(text.substr(colon + 1), separator)};
}

Result<SlicePrompts> parseBox(const std::string& text, Plane plane, LabelId label) {
    const Error bad = unreadable("--box", text, "K:x0,y0,x1,y1 (slice, then voxel indices)");
    const auto parts = splitSlice(text);
    if (!parts || parts->words.size() != 4)
        return bad;
    std::array<double, 4> v{};
    for (std::size_t n = 0; n < 4; ++n) {
        const auto value = number(parts->words[n]);
        if (!value)
            return bad;
        v[n] = *value;
    }
    return SlicePrompts{{plane, parts->slice}, label, {SliceBox{v[0], v[1], v[2], v[3]}, {}}};
}

// Far more than a hand draws; a bound to the work that a file can ask for.
constexpr std::size_t mostScribblePoints = 10000;

std::optional<PointPrompt> strokeOf(const std::vector<Point<SlicePx>>& places, bool foreground) {
    if (places.empty() || places.size() > mostScribblePoints)
        return std::nullopt;
    return PointPrompt{places.front(), foreground, {places.begin() + 1, places.end()}};
}

struct SlicePointPrompt {
    std::int64_t slice = 0;
    PointPrompt point;
};
Result<SlicePointPrompt> parsePoint(const std::string& text) {
    const Error bad = unreadable("--point", text, "K:x,y,+ or K:x,y,-");
    const auto parts = splitSlice(text);
    if (!parts || parts->words.size() != 3 || (parts->words[2] != "+" && parts->words[2] != "-"))
        return bad;
    const auto x = number(parts->words[0]), y = number(parts->words[1]);
    if (!x || !y)
        return bad;
    return SlicePointPrompt{parts->slice, {{{*x, *y}}, parts->words[2] == "+"}};
}

Result<SlicePointPrompt> parseScribble(const std::string& text) {
    const Error bad = unreadable("--scribble", text, "\"K:x,y;x,y;...,+\" or \"K:x,y;x,y;...,-\"");
    if (!text.ends_with(",+") && !text.ends_with(",-"))
        return bad;
    const auto parts = splitSlice(text.substr(0, text.size() - 2), ';');
    if (!parts)
        return bad;
    std::vector<Point<SlicePx>> places;
    for (const std::string& word : parts->words) {
        const std::vector<std::string> pair = split(word, ',');
        if (pair.size() != 2)
            return bad;
        const auto x = number(pair[0]), y = number(pair[1]);
        if (!x || !y)
            return bad;
        places.push_back({{*x, *y}});
    }
    auto stroke = strokeOf(places, text.ends_with('+'));
    if (!stroke)
        return bad;
    return SlicePointPrompt{parts->slice, std::move(*stroke)};
}

bool inBox(const SliceBox& b, const Point<SlicePx>& p) {
    return p[0] >= b.x0 && p[0] <= b.x1 && p[1] >= b.y0 && p[1] <= b.y1;
}

// A point joins the box of its slice: the only one, or the only one around it. Without a box, the points of a
// slice make one object.
Result<void> joinPoint(std::vector<SlicePrompts>& objects, const SlicePointPrompt& p, Plane plane,
                       LabelId label) {
    std::vector<SlicePrompts*> onSlice, around;
    for (SlicePrompts& o : objects)
        if (o.slice == SliceKey{plane, p.slice}) {
            onSlice.push_back(&o);
            if (o.prompts.box && inBox(*o.prompts.box, p.point.at))
                around.push_back(&o);
        }
    SlicePrompts* target = onSlice.size() == 1  ? onSlice.front()
                           : around.size() == 1 ? around.front()
                                                : nullptr;
    if (!onSlice.empty() && !target)
        return Error{ErrorCode::InvalidArgument,
                     "It is not clear to which of the boxes on slice " + std::to_string(p.slice) +
                         " a point belongs; use --prompts with a JSON file instead."};
    if (!target) {
        objects.push_back({{plane, p.slice}, label, {}});
        target = &objects.back();
    }
    target->prompts.points.push_back(p.point);
    return {};
}

Result<void> addFromMask(PromptList& list, const PromptArguments& a, const Volume& volume,
                         const ImageReader& reader) {
    const Result<LabelMap> mask = reader.readLabels(a.boxesFrom);
    if (!mask)
        return mask.error();
    if (Result<void> same = checkSameGrid(mask->grid(), a.boxesFrom, volume.geometry(), "the image"); !same)
        return same;
    std::optional<LabelId> only;
    if (a.label != 0)
        only = LabelId{static_cast<std::uint16_t>(a.label)};
    const std::vector<SlicePrompts> found = promptsFromMask(*mask, list.plane, only, a.growPx);
    if (found.empty())
        return Error{ErrorCode::InvalidArgument,
                     a.boxesFrom +
                         (only ? " has no voxel of label " + std::to_string(a.label) : " is empty") +
                         ", so there is no box to start from."};
    if (list.objects.empty() && a.boxes.empty() && a.growPx == 0)
        list.habit = habitOfMask(*mask, found);
    list.objects.insert(list.objects.end(), found.begin(), found.end());
    return {};
}

bool areNumbers(const Json& list, std::size_t count) {
    return list.is_array() && list.size() == count &&
           std::all_of(list.begin(), list.end(), [](const Json& x) { return x.is_number(); });
}

// {"points": [[x,y], ...], "foreground": true}
std::optional<PointPrompt> scribbleFromJson(const Json& j) {
    if (!j.is_object() || !j.contains("points") || !j["points"].is_array())
        return std::nullopt;
    const Json foreground = j.value("foreground", Json(true));
    std::vector<Point<SlicePx>> places;
    for (const Json& p : j["points"]) {
        if (!areNumbers(p, 2))
            return std::nullopt;
        places.push_back({{p[0].get<double>(), p[1].get<double>()}});
    }
    return foreground.is_boolean() ? strokeOf(places, foreground.get<bool>()) : std::nullopt;
}

// The clicks of a prompt, then its scribbles; nothing if either is malformed.
std::optional<std::vector<PointPrompt>> pointsFromJson(const Json& j) {
    const Json none = Json::array(), points = j.value("points", none), scribbles = j.value("scribbles", none);
    if (!points.is_array() || !scribbles.is_array())
        return std::nullopt;
    std::vector<PointPrompt> out;
    for (const Json& p : points) {
        if (!areNumbers(p, 3))
            return std::nullopt;
        out.push_back({{{p[0].get<double>(), p[1].get<double>()}}, p[2].get<double>() > 0});
    }
    for (const Json& s : scribbles) {
        auto stroke = scribbleFromJson(s);
        if (!stroke)
            return std::nullopt;
        out.push_back(std::move(*stroke));
    }
    return out;
}

Result<SlicePrompts> promptFromJson(const Json& j, Plane plane, const std::string& file) {
    const Error bad{ErrorCode::FormatInvalid,
                    file + " has a prompt that is not {\"slice\": K, \"label\": N, \"box\": [x0,y0,x1,y1], "
                           "\"points\": [[x,y,1], ...], \"scribbles\": [{\"points\": [[x,y], ...], "
                           "\"foreground\": true}, ...]}."};
    if (!j.is_object() || !j.contains("slice") || !j["slice"].is_number_integer())
        return bad;
    SlicePrompts out{{plane, j["slice"].get<std::int64_t>()}, LabelId{1}, {}};
    if (j.contains("label")) {
        if (!j["label"].is_number_unsigned() || j["label"].get<std::uint64_t>() > 65535 || j["label"] == 0)
            return bad;
        out.label = LabelId{j["label"].get<std::uint16_t>()};
    }
    if (j.contains("box") && !j["box"].is_null()) {
        if (!areNumbers(j["box"], 4))
            return bad;
        out.prompts.box = SliceBox{j["box"][0], j["box"][1], j["box"][2], j["box"][3]};
    }
    auto points = pointsFromJson(j);
    if (!points)
        return bad;
    out.prompts.points = std::move(*points);
    if (!out.prompts.box && out.prompts.points.empty())
        return bad;
    return out;
}

Result<void> addFromFile(PromptList& list, const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream)
        return Error{ErrorCode::FileNotFound, "Cannot open " + file + "."};
    const Json j = Json::parse(stream, nullptr, false);
    if (j.is_discarded() || !j.is_object() || !j.contains("prompts") || !j["prompts"].is_array())
        return Error{ErrorCode::FormatInvalid,
                     file + " is not a prompts file: {\"plane\": \"axial\", \"prompts\": [...]}."};
    if (j.contains("plane")) {
        const auto plane =
            j["plane"].is_string() ? planeFromName(j["plane"].get<std::string>()) : std::nullopt;
        if (!plane)
            return Error{ErrorCode::FormatInvalid,
                         file + " names a plane other than axial, coronal or sagittal."};
        list.plane = *plane;
    }
    for (const Json& prompt : j["prompts"]) {
        Result<SlicePrompts> parsed = promptFromJson(prompt, list.plane, file);
        if (!parsed)
            return parsed.error();
        list.objects.push_back(std::move(*parsed));
    }
    if (list.objects.empty())
        return Error{ErrorCode::FormatInvalid, file + " holds no prompt."};
    return {};
}

} // namespace

void addPromptOptions(CLI::App& command, PromptArguments& a) {
    command.add_option("--box", a.boxes, "Box on a slice: K:x0,y0,x1,y1, both corners inside")->take_all();
    command.add_option("--point", a.points, "Point on a slice: K:x,y,+ (in) or K:x,y,- (out)")->take_all();
    command
        .add_option(
            "--scribble", a.scribbles,
            "Stroke on a slice through points, in quotes: \"K:x,y;x,y;...,+\" (in) or \"...,-\" (out)")
        ->take_all();
    command.add_option("--boxes-from", a.boxesFrom,
                       "Label map; the tight box of every label on every slice is a prompt");
    command.add_option("--prompts", a.promptsFile,
                       "Prompts as JSON: {\"plane\": \"axial\", \"prompts\": [{\"slice\": 12, \"label\": 1, "
                       "\"box\": [x0,y0,x1,y1], \"points\": [[x,y,1], [x,y,0]], "
                       "\"scribbles\": [{\"points\": [[x,y], ...], \"foreground\": true}]}]}; "
                       "scribbles come after points, and the later one wins where they cross");
    command.add_option("--plane", a.plane, "axial, coronal or sagittal")
        ->check(CLI::IsMember({"axial", "coronal", "sagittal"}))
        ->capture_default_str();
    command
        .add_option("--label", a.label,
                    "The one label of --boxes-from to take; the label of boxes, points and scribbles")
        ->check(CLI::Range(1, 65535));
    command.add_option("--grow", a.growPx, "Move each edge of --boxes-from outward by so many voxels")
        ->check(CLI::Range(0.0, 1e6));
}

Result<PromptList> gatherPrompts(const PromptArguments& a, const Volume& volume, const ImageReader& reader) {
    PromptList list{*planeFromName(a.plane), {}, {}};
    if (!a.promptsFile.empty())
        if (Result<void> done = addFromFile(list, a.promptsFile); !done)
            return done.error();
    if (!a.boxesFrom.empty())
        if (Result<void> done = addFromMask(list, a, volume, reader); !done)
            return done.error();
    const LabelId label{static_cast<std::uint16_t>(a.label == 0 ? 1 : a.label)};
    std::vector<SlicePrompts> drawn;
    for (const std::string& text : a.boxes) {
        Result<SlicePrompts> box = parseBox(text, list.plane, label);
        if (!box)
            return box.error();
        drawn.push_back(std::move(*box));
    }
    std::vector<Result<SlicePointPrompt>> points;
    std::transform(a.points.begin(), a.points.end(), std::back_inserter(points), parsePoint);
    std::transform(a.scribbles.begin(), a.scribbles.end(), std::back_inserter(points), parseScribble);
    for (const Result<SlicePointPrompt>& point : points) {
        if (!point)
            return point.error();
        if (Result<void> joined = joinPoint(drawn, *point, list.plane, label); !joined)
            return joined.error();
    }
    list.objects.insert(list.objects.end(), drawn.begin(), drawn.end());
    return list;
}

} // namespace tandem
