#include "core/imaging/raw_array.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t longestHeader = 1 << 16;

struct Header {
    std::map<std::string, std::string> fields; ///< names in lower case
    std::size_t bytes = 0;                     ///< up to and with the line ElementDataFile
};

/// Lines "Name = value"; ElementDataFile is the last.
Header readFields(const Bytes& head) {
    Header header;
    std::size_t at = 0;
    while (at < head.size()) {
        const auto end =
            std::find(head.begin() + static_cast<std::ptrdiff_t>(at), head.end(), std::uint8_t{'\n'});
        const std::string line = trimmed({reinterpret_cast<const char*>(head.data()) + at,
                                          static_cast<std::size_t>(end - head.begin()) - at});
        at = static_cast<std::size_t>(end - head.begin()) + (end == head.end() ? 0 : 1);
        const std::size_t equals = line.find('=');
        if (equals == std::string::npos)
            continue;
        const std::string name = lowered(trimmed(std::string_view(line).substr(0, equals)));
        header.fields[name] = trimmed(std::string_view(line).substr(equals + 1));
        if (name == "elementdatafile")
            break;
    }
    header.bytes = at;
    return header;
}

std::optional<ElementType> elementType(std::string name) {
    if (const std::size_t array = name.rfind("_array"); array != std::string::npos)
        name.erase(array);
    static const std::map<std::string, ElementType> types{
        {"met_char", ElementType::Int8},       {"met_uchar", ElementType::UInt8},
        {"met_short", ElementType::Int16},     {"met_ushort", ElementType::UInt16},
        {"met_int", ElementType::Int32},       {"met_uint", ElementType::UInt32},
        {"met_long_long", ElementType::Int64}, {"met_ulong_long", ElementType::UInt64},
        {"met_float", ElementType::Float32},   {"met_double", ElementType::Float64}};
    const auto found = types.find(name);
    return found == types.end() ? std::nullopt : std::optional(found->second);
}

bool isTrue(const std::string& text) {
    const std::string word = lowered(text);
    return word == "true" || word == "1";
}

class Parser {
public:
    Parser(const Header& header, const fs::path& path) : fields_(header.fields), path_(path) {
        layout_.format = "MetaImage";
        layout_.dataFile = path;
        layout_.dataOffset = header.bytes;
    }

    Result<ArrayLayout> run() {
        for (auto step : {&Parser::sizes, &Parser::storage, &Parser::dataFile, &Parser::position})
            if (!(this->*step)())
                return readError(code_, path_, problem_);
        if (Result<void> sizes = checkSizes(layout_, path_); !sizes)
            return sizes.error();
        return layout_;
    }

private:
    /// The first of several names that is there.
    std::string field(std::initializer_list<const char*> names) const {
        for (const char* name : names)
            if (const auto found = fields_.find(name); found != fields_.end())
                return found->second;
        return {};
    }
    bool fail(ErrorCode code, std::string problem) {
        code_ = code;
        problem_ = std::move(problem);
        return false;
    }
    bool invalid(const std::string& name) {
        return fail(ErrorCode::FormatInvalid,
                    "the field \"" + name + "\" of its MetaImage header is missing or makes no sense.");
    }

    bool sizes() {
        const std::vector<double> numbers = numbersIn(field({"dimsize"})), axes = numbersIn(field({"ndims"}));
        if (axes.size() != 1 || !(axes[0] >= 1 && axes[0] <= 8) ||
            numbers.size() != static_cast<std::size_t>(axes[0]))
            return invalid("DimSize");
        dimensions_ = numbers.size();
        const std::vector<double> channels = numbersIn(field({"elementnumberofchannels"}));
        const double channelCount = channels.empty() ? 1 : channels[0];
        if (!(channelCount >= 1 && channelCount <= 1e6))
            return invalid("ElementNumberOfChannels");
        if (channelCount > 1)
            layout_.sizes.push_back(static_cast<std::int64_t>(channelCount));
        for (std::size_t a = 0; a < numbers.size(); ++a) {
            if (!(numbers[a] >= 1 && numbers[a] <= 1e15))
                return invalid("DimSize");
            if (a < 3)
                layout_.spaceAxes[a] = static_cast<int>(layout_.sizes.size());
            layout_.sizes.push_back(static_cast<std::int64_t>(numbers[a]));
        }
        return true;
    }

    bool storage() {
        const auto type = elementType(lowered(field({"elementtype"})));
        if (!type)
            return invalid("ElementType");
        layout_.type = *type;
        const bool channels = layout_.sizes.size() > dimensions_;
        if (channels && *type == ElementType::UInt8 && (layout_.sizes[0] == 3 || layout_.sizes[0] == 4))
            layout_.componentAxis = 0;
        const bool binary = field({"binarydata"}).empty() || isTrue(field({"binarydata"}));
        layout_.encoding = !binary                             ? Encoding::Text
                           : isTrue(field({"compresseddata"})) ? Encoding::Gzip
                                                               : Encoding::Raw;
        layout_.bigEndian = isTrue(field({"binarydatabyteordermsb", "elementbyteordermsb"}));
        const std::vector<double> skip = numbersIn(field({"headersize"}));
        if (!skip.empty() && !(skip[0] >= -1 && skip[0] <= 1e15))
            return invalid("HeaderSize");
        headerSize_ = skip.empty() ? 0 : static_cast<std::int64_t>(skip[0]);
        return true;
    }

    bool dataFile() {
        const std::string name = field({"elementdatafile"});
        if (name.empty())
            return invalid("ElementDataFile");
        if (name.starts_with("LIST") || name.find('%') != std::string::npos)
            return fail(ErrorCode::FormatUnsupported,
                        "its voxels are spread over several files, which Tandem does not "
                        "read. Save it as one .mha file.");
        if (lowered(name) == "local")
            return true;
        layout_.dataFile = path_.parent_path() / name;
        layout_.dataOffset = headerSize_ > 0 ? static_cast<std::uint64_t>(headerSize_) : 0;
        layout_.byteSkip = headerSize_ < 0 && layout_.encoding == Encoding::Raw ? -1 : 0;
        return true;
    }

    /// Row a of TransformMatrix is the direction of axis a in LPS (as ITK reads it).
    bool position() {
        const std::vector<double> matrix = numbersIn(field({"transformmatrix", "rotation", "orientation"}));
        const std::vector<double> steps = numbersIn(field({"elementspacing", "elementsize"}));
        const std::vector<double> offset = numbersIn(field({"offset", "position", "origin"}));
        const std::size_t n = dimensions_;
        if ((!matrix.empty() && matrix.size() != n * n) || (!steps.empty() && steps.size() < n) ||
            (!offset.empty() && offset.size() < n))
            return invalid("TransformMatrix, ElementSpacing or Offset");
        for (std::size_t a = 0; a < 3; ++a) {
            layout_.affine.linear[a][a] = 1;
            if (a >= n)
                continue;
            const double step = steps.empty() || steps[a] == 0 ? 1 : steps[a];
            for (std::size_t r = 0; r < 3; ++r)
                layout_.affine.linear[r][a] =
                    step * (matrix.empty() || r >= n ? (r == a ? 1 : 0) : matrix[a * n + r]);
            layout_.affine.offset[a] = offset.empty() ? 0 : offset[a];
        }
        if (matrix.empty() && offset.empty())
            layout_.warnings.emplace_back(
                "The file does not say where the image lies: left and right are a guess.");
        return true;
    }

    const std::map<std::string, std::string>& fields_;
    const fs::path& path_;
    ArrayLayout layout_;
    std::size_t dimensions_ = 0;
    std::int64_t headerSize_ = 0;
    ErrorCode code_ = ErrorCode::FormatInvalid;
    std::string problem_;
};

} // namespace

bool isMetaImage(std::span<const std::uint8_t> head) {
    const std::string text =
        lowered({reinterpret_cast<const char*>(head.data()), std::min<std::size_t>(head.size(), 512)});
    const std::size_t type = text.find("objecttype"), axes = text.find("ndims");
    const bool printable = std::all_of(
        text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(16, text.size())),
        [](char c) { return c == '\n' || c == '\r' || c == '\t' || (c >= 32 && c < 127); });
    return printable && axes != std::string::npos &&
           (type == std::string::npos || text.find("image") != std::string::npos);
}

Result<ArrayLayout> parseMetaImage(const fs::path& path) {
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
