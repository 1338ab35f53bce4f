#include "core/imaging/dicom_file.h"

#include "core/imaging/raw_array.h"

#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

constexpr const char* packagedDictionary = "/usr/share/libdcmtk17/dicom.dic";
constexpr std::uint64_t largestInflated = std::uint64_t{1} << 30;

// DCMTK parses and frees nested sequences by recursion: 20,000 levels in a file of 400 KB were seen to end
// dcmdump on the usual stack of 8 MB. A level needs an item tag, so the number of such tags bounds the depth.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t stackPerLevel = 32768;
#else
constexpr std::size_t stackPerLevel = 4096;
#endif
constexpr std::size_t levelsOnThisStack = 256;
constexpr std::size_t mostItems = 400'000;
constexpr std::size_t baseStack = std::size_t{4} << 20;

void setUpDcmtk() {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    dcmEnableUnknownVRConversion.set(OFTrue);        // elements of known tags that were sent as UN
    dcmAcceptUnexpectedImplicitEncoding.set(OFTrue); // implicit elements under an explicit transfer syntax
    DJDecoderRegistration::registerCodecs(EDC_photometricInterpretation);
    DJLSDecoderRegistration::registerCodecs();
    if (!dcmDataDict.isDictionaryLoaded()) { // DCMDICTPATH points elsewhere
        dcmDataDict.wrlock().loadDictionary(packagedDictionary);
        dcmDataDict.wrunlock();
    }
}

bool dcmtkReady() {
    static std::once_flag once;
    std::call_once(once, setUpDcmtk);
    return dcmDataDict.isDictionaryLoaded();
}

std::uint16_t word(std::span<const std::uint8_t> b, std::size_t at) {
    return static_cast<std::uint16_t>(b[at] | b[at + 1] << 8);
}

bool isVr(std::uint8_t a, std::uint8_t b) {
    static constexpr std::string_view all =
        "AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI "
        "UL UN UR US UT UV";
    const std::array<char, 2> vr{static_cast<char>(a), static_cast<char>(b)};
    return all.find(std::string_view(vr.data(), 2)) != std::string_view::npos && a != ' ' && b != ' ';
}

/// A file of our own that is gone when the work is done: for content that must be unpacked first.
class TemporaryFile {
public:
    TemporaryFile() = default;
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        std::error_code ignored;
        if (!path_.empty())
            fs::remove(path_, ignored);
    }
    Result<void> fill(const Bytes& content) {
        std::error_code failed;
        std::string name = (fs::temp_directory_path(failed) / "tandem-XXXXXX").string();
        const int fd = mkstemp(name.data());
        if (fd < 0)
            return Error{ErrorCode::FileUnwritable, "Cannot write a temporary file in " + name + "."};
        path_ = name;
        std::size_t at = 0;
        for (ssize_t n = 1; n > 0 && at < content.size();
             at += static_cast<std::size_t>(std::max<ssize_t>(n, 0)))
            n = ::write(fd, content.data() + at, content.size() - at);
        ::close(fd);
        if (at < content.size())
            return Error{ErrorCode::FileUnwritable, "Cannot write " + name + ": is the disk full?"};
        return {};
    }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

constexpr std::string_view deflatedSyntax = "1.2.840.10008.1.2.1.99";
constexpr std::string_view explicitLittle = "1.2.840.10008.1.2.1";

std::optional<std::size_t> find(const Bytes& bytes, std::string_view what, std::size_t within) {
    const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), within));
    const auto at = std::search(bytes.begin(), end, what.begin(), what.end());
    return at == end ? std::nullopt : std::optional(static_cast<std::size_t>(at - bytes.begin()));
}

/// Where the meta header of group 0002 ends: after its group length, which is its first element.
std::optional<std::size_t> metaEnd(const Bytes& b) {
    if (b.size() < 144 || std::memcmp(b.data() + 128, "DICM", 4) != 0 || word(b, 132) != 2 ||
        word(b, 134) != 0)
        return std::nullopt;
    const std::size_t length = word(b, 140) | static_cast<std::size_t>(word(b, 142)) << 16;
    return 144 + length <= b.size() ? std::optional(144 + length) : std::nullopt;
}

/// Unpacks gzip and deflated content in place. @return whether anything was unpacked.
Result<bool> unpack(const fs::path& path, Bytes& content) {
    const bool gzipped = content.size() > 2 && content[0] == 0x1F && content[1] == 0x8B;
    if (gzipped) {
        Result<Bytes> plain = readAll(path, largestInflated);
        if (!plain)
            return plain.error();
        content = *std::move(plain);
    }
    const std::optional<std::size_t> end = metaEnd(content);
    const auto syntax = end ? find(content, deflatedSyntax, *end) : std::nullopt;
    if (!syntax)
        return gzipped;
    const std::optional<Bytes> body =
        inflateUpTo(std::span(content).subspan(*end), largestInflated, Deflate::Bare);
    if (!body)
        return readError(ErrorCode::FormatInvalid, path, "its deflated content is truncated or damaged.");
    // A shorter name in the same place: "1.2.840.10008.1.2.1" and zeros, which pad a UID.
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(*syntax + explicitLittle.size()),
                deflatedSyntax.size() - explicitLittle.size(), std::uint8_t{0});
    content.resize(*end);
    content.insert(content.end(), body->begin(), body->end());
    return true;
}

/// How many item tags (FFFE,E000) of either byte order the file has, at most `mostItems` + 1.
std::size_t countItems(const Bytes& bytes) {
    static constexpr std::array<std::uint8_t, 4> little{0xFE, 0xFF, 0x00, 0xE0}, big{0xFF, 0xFE, 0xE0, 0x00};
    std::size_t count = 0;
    for (const auto& tag : {little, big}) {
        const std::uint8_t* at = bytes.data();
        const std::uint8_t* end = at + bytes.size();
        while (count <= mostItems && at < end) {
            at = static_cast<const std::uint8_t*>(
                memmem(at, static_cast<std::size_t>(end - at), tag.data(), tag.size()));
            if (!at)
                break;
            ++count;
            at += tag.size();
        }
    }
    return count;
}

using Task = std::function<void()>;

void* runTask(void* task) {
    (*static_cast<Task*>(task))();
    return nullptr;
}

/// Runs the task on a thread with that much stack. @return false if there is no such thread to be had.
bool runOnDeepStack(std::size_t stack, Task& task) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_t thread{};
    const bool started = pthread_attr_setstacksize(&attributes, stack) == 0 &&
                         pthread_create(&thread, &attributes, runTask, &task) == 0;
    pthread_attr_destroy(&attributes);
    return started && pthread_join(thread, nullptr) == 0;
}

Error parseError(const fs::path& path, const OFCondition& status) {
    return readError(ErrorCode::FormatInvalid, path,
                     std::string("it is not a whole DICOM file (") + status.text() +
                         "). Copy or download it again.");
}

Result<void> parseAndUse(const fs::path& path, const fs::path& content,
                         const std::function<Result<void>(DcmFileFormat&)>& use) try {
    DcmFileFormat file;
    const OFFilename name(content.c_str());
    const OFCondition status =
        file.loadFile(name, EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_autoDetect);
    if (status.bad())
        return parseError(path, status);
    return use(file);
} catch (const std::bad_alloc&) {
    return readError(ErrorCode::OutOfMemory, path, "there is not enough memory for it.");
} catch (const std::exception& problem) {
    return readError(ErrorCode::FormatInvalid, path, std::string("it is damaged (") + problem.what() + ").");
}

} // namespace

bool isDicom(std::span<const std::uint8_t> b) {
    if (b.size() >= 132 && std::memcmp(b.data() + 128, "DICM", 4) == 0)
        return true;
    if (b.size() < 16)
        return false;
    const std::uint16_t group = word(b, 0);
    if ((group == 0x0002 || group == 0x0008) && word(b, 2) < 0x0200) {
        const std::size_t length = word(b, 4) | static_cast<std::size_t>(word(b, 6)) << 16;
        return isVr(b[4], b[5]) || length <= 64;
    }
    return b[0] == 0 && b[1] == 8 && b[2] == 0 && isVr(b[4], b[5]); // big endian
}

Result<void> withDicom(const fs::path& path, const std::function<Result<void>(DcmFileFormat&)>& use) {
    if (Result<void> regular = checkRegularFile(path); !regular)
        return regular;
    if (!dcmtkReady())
        return Error{ErrorCode::Unavailable,
                     "DICOM cannot be read: DCMTK's dictionary is missing. Install the package libdcmtk17."};
    Result<Bytes> bytes = readStored(path);
    if (!bytes)
        return bytes.error();
    const Result<bool> unpacked = unpack(path, *bytes);
    if (!unpacked)
        return unpacked.error();
    TemporaryFile temporary;
    if (unpacked.value())
        if (Result<void> filled = temporary.fill(*bytes); !filled)
            return filled;
    const fs::path& content = unpacked.value() ? temporary.path() : path;
    const std::size_t items = countItems(*bytes);
    *bytes = Bytes{};
    if (items > mostItems)
        return readError(ErrorCode::FormatUnsupported, path,
                         "it has more nested items than any image needs.");
    Result<void> result;
    Task task = [&] { result = parseAndUse(path, content, use); };
    if (items <= levelsOnThisStack)
        task();
    else if (!runOnDeepStack(baseStack + items * stackPerLevel, task))
        return readError(ErrorCode::OutOfMemory, path, "there is not enough memory for its nested items.");
    return result;
}

} // namespace tandem::imaging
