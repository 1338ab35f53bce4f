#include "core/imaging/raw_array.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t longestHeader = 1 << 20;
constexpr std::size_t mostAxes = 16; // NRRD_DIM_MAX

using Fields = std::map<std::string, std::string>; ///< "space directions" -> text, names in lower case

struct Header {
    Fields fields;
    std::size_t bytes = 0; ///< up to and with the empty line
};

/// Lines "field: value" up to an empty line; comments (#) and key/value pairs (:=) are passed over.
Header readFields(const Bytes& head) {
    Header header;
    std::size_t at = 0;
    for (bool first = true; at < head.size(); first = false) {
        const auto end =
            std::find(head.begin() + static_cast<std::ptrdiff_t>(at), head.end(), std::uint8_t{'\n'});
        const std::string line = trimmed({reinterpret_cast<const char*>(head.data()) + at,
                                          static_cast<std::size_t>(end - head.begin()) - at});
        at = static_cast<std::size_t>(end - head.begin()) + (end == head.end() ? 0 : 1);
        if (line.empty())
            break;
        const std::size_t colon = line.find(": ");
        if (first || line[0] == '#' || line.find(":=") != std::string::npos || colon == std::string::npos)
            continue;
        std::string name = lowered(line.substr(0, colon));
        const std::string value = trimmed(std::string_view(line).substr(colon + 2));
        if (name == "datafile")
            name = "data file";
        if (name == "lineskip" || name == "byteskip")
            name.insert(4, " ");
        header.fields[name] = value;
    }
    header.bytes = at;
    return header;
}

std::optional<ElementType> elementType(const std::string& name) {
    static const std::map<std::string, ElementType> types{{"signed char", ElementType::Int8},
                                                          {"int8", ElementType::Int8},
                                                          {"int8_t", ElementType::Int8},
                                                          {"uchar", ElementType::UInt8},
                                                          {"unsigned char", ElementType::UInt8},
                                                          {"uint8", ElementType::UInt8},
                                                          {"uint8_t", ElementType::UInt8},
                                                          {"short", ElementType::Int16},
                                                          {"short int", ElementType::Int16},
                                                          {"signed short", ElementType::Int16},
                                                          {"signed short int", ElementType::Int16},
                                                          {"int16", ElementType::Int16},
                                                          {"int16_t", ElementType::Int16},
                                                          {"ushort", ElementType::UInt16},
                                                          {"unsigned short", ElementType::UInt16},
                                                          {"unsigned short int", ElementType::UInt16},
                                                          {"uint16", ElementType::UInt16},
                                                          {"uint16_t", ElementType::UInt16},
                                                          {"int", ElementType::Int32},
                                                          {"signed int", ElementType::Int32},
                                                          {"int32", ElementType::Int32},
                                                          {"int32_t", ElementType::Int32},
                                                          {"uint", ElementType::UInt32},
                                                          {"unsigned int", ElementType::UInt32},
                                                          {"uint32", ElementType::UInt32},
                                                          {"uint32_t", ElementType::UInt32},
                                                          {"longlong", ElementType::Int64},
                                                          {"long long", ElementType::Int64},
                                                          {"long long int", ElementType::Int64},
                                                          {"signed long long", ElementType::Int64},
                                                          {"signed long long int", ElementType::Int64},
                                                          {"int64", ElementType::Int64},
                                                          {"int64_t", ElementType::Int64},
                                                          {"ulonglong", ElementType::UInt64},
                                                          {"unsigned long long", ElementType::UInt64},
                                                          {"unsigned long long int", ElementType::UInt64},
                                                          {"uint64", ElementType::UInt64},
                                                          {"uint64_t", ElementType::UInt64},
                                                          {"float", ElementType::Float32},
                                                          {"double", ElementType::Float64}};
    const auto found = types.find(name);
    return found == types.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Encoding> encodingNamed(const std::string& name) {
    if (name == "raw")
        return Encoding::Raw;
    if (name == "gzip" || name == "gz")
        return Encoding::Gzip;
    if (name == "bzip2" || name == "bz2")
        return Encoding::Bzip2;
    if (name == "ascii" || name == "text" || name == "txt")
        return Encoding::Text;
    return std::nullopt;
}

/// The sign of x and y that turns a named space into LPS; empty for a space without anatomy.
std::optional<std::array<double, 3>> lpsSigns(std::string space) {
    if (const std::size_t time = space.rfind("-time"); time != std::string::npos)
        space.erase(time);
    if (space == "left-posterior-superior" || space == "lps" || space == "lpst")
        return {{1, 1, 1}};
    if (space == "right-anterior-superior" || space == "ras" || space == "rast")
        return {{-1, -1, 1}};
    if (space == "left-anterior-superior" || space == "las" || space == "last")
        return {{1, -1, 1}};
    return std::nullopt;
}

std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> out;
    std::string word;
    int depth = 0;
    for (const char c : text + " ") {
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;
        if (!std::isspace(static_cast<unsigned char>(c)) || depth > 0)
            word += c;
        else if (!word.empty()) {
            out.push_back(word);
            word.clear();
        }
    }
    return out;
}

/// One header turned into a layout, step by step; each step returns false and sets `problem` when it cannot.
class Parser {
public:
    Parser(const Header& header, const fs::path& path) : fields_(header.fields), path_(path) {
        layout_.format = "NRRD";
        layout_.dataFile = path;
        layout_.dataOffset = header.bytes;
    }

    Result<ArrayLayout> run() {
        for (auto step :
             {&Parser::sizes, &Parser::storage, &Parser::dataFile, &Parser::axes, &Parser::position})
            if (!(this->*step)())
                return readError(code_, path_, problem_);
        if (Result<void> sizes = checkSizes(layout_, path_); !sizes)
            return sizes.error();
        return layout_;
    }

private:
    std::string field(const std::string& name) const {
        const auto found = fields_.find(name);
        return found == fields_.end() ? std::string() : found->second;
    }
    bool fail(ErrorCode code, std::string problem) {
        code_ = code;
        problem_ = std::move(problem);
        return false;
    }
    bool invalid(const std::string& name) {
        return fail(ErrorCode::FormatInvalid,
                    "the field \"" + name + "\" of its NRRD header is missing or makes no sense.");
    }

    bool sizes() {
        const std::vector<double> numbers = numbersIn(field("sizes"));
        const std::vector<double> dimension = numbersIn(field("dimension"));
        if (numbers.empty() || numbers.size() > mostAxes || dimension.size() != 1 ||
            dimension[0] != static_cast<double>(numbers.size()))
            return invalid("sizes");
        for (const double n : numbers) {
            if (!(n >= 1 && n <= 1e15))
                return invalid("sizes");
            layout_.sizes.push_back(static_cast<std::int64_t>(n));
        }
        return true;
    }

    bool storage() {
        const std::string typeName = lowered(field("type")), encodingName = lowered(field("encoding"));
        const auto type = elementType(typeName);
        if (!type)
            return typeName == "block"
                       ? fail(ErrorCode::FormatUnsupported, "its voxels are opaque blocks, not numbers.")
                       : invalid("type");
        const auto encoding = encodingNamed(encodingName);
        if (!encoding)
            return encodingName == "hex"
                       ? fail(ErrorCode::FormatUnsupported,
                              "its voxels are written as hexadecimal text, which Tandem does not read.")
                       : invalid("encoding");
        layout_.type = *type;
        layout_.encoding = *encoding;
        layout_.bigEndian = lowered(field("endian")) == "big";
        const std::vector<double> lines = numbersIn(field("line skip")),
                                  bytes = numbersIn(field("byte skip"));
        layout_.lineSkip = lines.empty() ? 0 : static_cast<std::int64_t>(std::clamp(lines[0], 0.0, 1e9));
        const double skip = bytes.empty() ? 0 : bytes[0];
        if (!(skip >= -1 && skip <= 1e15))
            return fail(ErrorCode::FormatInvalid,
                        "its \"byte skip\" is " + field("byte skip") + "; it must be -1 or more.");
        layout_.byteSkip = static_cast<std::int64_t>(skip);
        return true;
    }

    bool dataFile() {
        const std::string name = field("data file");
        if (name.empty())
            return true;
        if (name == "LIST" || name.starts_with("LIST ") || name.find('%') != std::string::npos)
            return fail(ErrorCode::FormatUnsupported,
                        "its voxels are spread over several files, which Tandem does not "
                        "read. Save it as one .nrrd file.");
        layout_.dataFile = path_.parent_path() / name;
        layout_.dataOffset = 0;
        return true;
    }

    /// Space axes: those with a direction; without directions those whose kind is of space; without kinds the
    /// first three.
    bool axes() {
        const std::vector<std::string> directions = words(field("space directions")),
                                       kinds = words(lowered(field("kinds")));
        const std::size_t n = layout_.sizes.size();
        if ((!directions.empty() || !field("space directions").empty()) && directions.size() != n)
            return invalid("space directions");
        std::size_t used = 0;
        for (std::size_t a = 0; a < n; ++a) {
            const std::string kind = kinds.size() == n ? kinds[a] : "";
            const bool ofSpace = !directions.empty()
                                     ? directions[a] != "none"
                                     : kind.empty() || kind == "domain" || kind == "space" || kind == "???";
            if (ofSpace && used < 3)
                layout_.spaceAxes[used++] = static_cast<int>(a);
            else if (ofSpace && !directions.empty())
                return fail(ErrorCode::FormatUnsupported, "it has more than three axes of space.");
            else if (isColour(kind, layout_.sizes[a]))
                layout_.componentAxis = static_cast<int>(a);
        }
        return used > 0 || invalid("kinds");
    }

    bool isColour(const std::string& kind, std::int64_t size) const {
        const bool named =
            kind == "rgb-color" || kind == "rgba-color" || kind == "3-color" || kind == "4-color";
        return layout_.type == ElementType::UInt8 && layout_.componentAxis < 0 && named &&
               (size == 3 || size == 4);
    }

    bool position() {
        const std::string space = lowered(field("space"));
        const auto signs = lpsSigns(space);
        if (!signs && !space.empty())
            layout_.warnings.push_back(
                "The file's space \"" + space +
                "\" does not name the patient's sides; its axes are taken as left, posterior, superior.");
        for (std::size_t a = 0; a < 3; ++a)
            layout_.affine.linear[a][a] = 1;
        const bool placed = words(field("space directions")).empty() ? spacings() : directions();
        if (!placed || !origin())
            return false;
        if (space.empty())
            layout_.warnings.emplace_back(
                "The file does not say where the image lies: left and right are a guess.");
        for (std::size_t r = 0; r < 2; ++r)
            if (signs && (*signs)[r] < 0) {
                for (double& x : layout_.affine.linear[r])
                    x = x == 0 ? 0 : -x;
                layout_.affine.offset[r] = layout_.affine.offset[r] == 0 ? 0 : -layout_.affine.offset[r];
            }
        return true;
    }

    bool directions() {
        const std::vector<std::string> vectors = words(field("space directions"));
        for (std::size_t a = 0; a < 3 && layout_.spaceAxes[a] >= 0; ++a) {
            const std::vector<double> v = numbersIn(vectors[static_cast<std::size_t>(layout_.spaceAxes[a])]);
            if (v.empty() || v.size() > 3)
                return invalid("space directions");
            for (std::size_t r = 0; r < 3; ++r)
                layout_.affine.linear[r][a] = r < v.size() ? v[r] : 0;
        }
        return true;
    }

    bool spacings() {
        const std::vector<std::string> steps = words(field("spacings"));
        for (std::size_t a = 0; a < 3 && layout_.spaceAxes[a] >= 0; ++a) {
            const auto axis = static_cast<std::size_t>(layout_.spaceAxes[a]);
            const std::vector<double> step =
                axis < steps.size() ? numbersIn(steps[axis]) : std::vector<double>{};
            if (!step.empty() && std::isfinite(step[0]) && step[0] != 0)
                layout_.affine.linear[a][a] = step[0];
        }
        return true;
    }

    bool origin() {
        const std::vector<double> v = numbersIn(field("space origin"));
        if (!field("space origin").empty() && (v.empty() || v.size() > 3))
            return invalid("space origin");
        for (std::size_t r = 0; r < v.size(); ++r)
            layout_.affine.offset[r] = v[r];
        return true;
    }

    const Fields& fields_;
    const fs::path& path_;
    ArrayLayout layout_;
    ErrorCode code_ = ErrorCode::FormatInvalid;
    std::string problem_;
};

} // namespace

bool isNrrd(std::span<const std::uint8_t> head) {
    constexpr std::string_view magic = "NRRD000";
    return head.size() > magic.size() && std::equal(magic.begin(), magic.end(), head.begin());
}

Result<ArrayLayout> parseNrrd(const fs::path& path) {
    Result<ByteSource> source = ByteSource::open(path);
    if (!source)
        return source.error();
    Result<Bytes> head = source->readUpTo(longestHeader);
    if (!head)
        return head.error();
    const Header header = readFields(*head);
    return Parser(header, path).run();
}

} // namespace tandem::imaging
