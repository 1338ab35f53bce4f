#include "app/model_notes.h"

#include "core/files/files.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <system_error>

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t speedsKept = 200, recentKept = 10;

fs::path homeFolder() {
    if (const char* home = std::getenv("HOME"); home && *home)
        return home;
    const passwd* entry = getpwuid(getuid());
    return entry ? entry->pw_dir : ".";
}

std::string processorName() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.starts_with("model name") && line.find(": ") != std::string::npos)
            return line.substr(line.find(": ") + 2);
    return "unknown processor";
}

// A home folder may be shared by machines of different speed.
std::string machineName() {
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    return std::string(host.data()) + ", " + processorName();
}

std::string now() {
    const std::time_t time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm utc{};
    gmtime_r(&time, &utc);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text.data();
}

std::string absoluteName(const fs::path& file) {
    std::error_code failed;
    const fs::path whole = fs::weakly_canonical(file, failed);
    return (failed ? fs::absolute(file, failed) : whole).string();
}

// What must be the same for a measurement to hold.
JsonValue keyOf(const fs::path& model) {
    std::error_code failed;
    const auto bytes = static_cast<std::int64_t>(fs::file_size(model, failed));
    const auto changed =
        static_cast<std::int64_t>(fs::last_write_time(model, failed).time_since_epoch().count());
    return JsonValue::Object{
        {"machine", machineName()}, {"file", absoluteName(model)}, {"bytes", bytes}, {"changed", changed}};
}

const JsonValue& member(const JsonValue& object, std::string_view key) {
    static const JsonValue nothing;
    const JsonValue* found = object.find(key);
    return found ? *found : nothing;
}

SpeedNote noteFrom(const JsonValue& note) {
    SpeedNote out;
    out.speed.encodeMs = member(note, "encode_ms").numberOr(0);
    out.speed.firstBoxMs = member(note, "first_box_ms").numberOr(0);
    out.speed.furtherBoxMs = member(note, "further_box_ms").numberOr(0);
    out.speed.clickMs = member(note, "click_ms").numberOr(0);
    out.speed.runs = static_cast<int>(member(note, "runs").integerOr(0));
    out.speed.threads = static_cast<int>(member(note, "threads").integerOr(0));
    out.speed.computedBy = member(note, "computed_by").stringOr("");
    out.speed.arithmetic = member(note, "arithmetic").stringOr("");
    out.measuredAt = member(note, "measured_at").stringOr("");
    return out;
}

} // namespace

fs::path personFolder() {
    const char* data = std::getenv("XDG_DATA_HOME");
    const fs::path given = data ? data : "";
    return (given.is_absolute() ? given : homeFolder() / ".local" / "share") / "Tandem" / "Tandem";
}

fs::path modelsFolder() {
    return personFolder() / "models";
}

fs::path modelNotesFile() {
    return personFolder() / "model-notes.json";
}

ModelNotes::ModelNotes(fs::path file) : file_(std::move(file)) {
    const auto text = readFile(file_, std::uint64_t{1} << 20);
    const auto json = text ? parseJson(*text) : Result<JsonValue>(text.error());
    if (json && json->isObject())
        notes_ = *json;
}

Result<void> ModelNotes::write() const {
    std::error_code failed;
    fs::create_directories(file_.parent_path(), failed);
    return writeFileAtomically(file_, writeJson(notes_, 1) + "\n");
}

std::optional<SpeedNote> ModelNotes::speedOf(const fs::path& model) const {
    const JsonValue key = keyOf(model);
    for (const JsonValue& note : member(notes_, "speeds").items())
        if (member(note, "of") == key)
            return noteFrom(note);
    return std::nullopt;
}

Result<void> ModelNotes::rememberSpeed(const fs::path& model, const ModelSpeed& speed) {
    const JsonValue key = keyOf(model);
    JsonValue::Array notes{JsonValue::Object{{"of", key},
                                             {"encode_ms", speed.encodeMs},
                                             {"first_box_ms", speed.firstBoxMs},
                                             {"further_box_ms", speed.furtherBoxMs},
                                             {"click_ms", speed.clickMs},
                                             {"runs", speed.runs},
                                             {"threads", speed.threads},
                                             {"computed_by", speed.computedBy},
                                             {"arithmetic", speed.arithmetic},
                                             {"measured_at", now()}}};
    for (const JsonValue& note : member(notes_, "speeds").items())
        if (member(note, "of") != key && notes.size() < speedsKept)
            notes.push_back(note);
    notes_.set("speeds", std::move(notes));
    return write();
}

std::vector<fs::path> ModelNotes::recent() const {
    std::vector<fs::path> files;
    std::error_code ignored;
    for (const JsonValue& file : member(notes_, "recent").items())
        if (const fs::path path = file.stringOr(""); !path.empty() && fs::exists(path, ignored))
            files.push_back(path);
    return files;
}

Result<void> ModelNotes::noteUse(const fs::path& model) {
    const JsonValue name = absoluteName(model);
    JsonValue::Array files{name};
    for (const JsonValue& file : member(notes_, "recent").items())
        if (file != name && files.size() < recentKept)
            files.push_back(file);
    notes_.set("recent", std::move(files));
    return write();
}

} // namespace tandem
