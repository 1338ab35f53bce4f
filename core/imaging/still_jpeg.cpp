#include "core/imaging/stills.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
// jpeglib.h needs the two above.
#include <jerror.h>
#include <jpeglib.h>

namespace tandem::imaging {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t mostPixelsPerByte = 1024; // one bit of DC per 8x8 block, with room

/// Everything that libjpeg's jumps could skip lives here, outside the functions that jump.
struct JpegJob {
    jpeg_decompress_struct decoder{};
    jpeg_error_mgr errors{};
    std::jmp_buf back{};
    std::string problem;
    bool damaged = false;
    std::vector<std::uint8_t> pixels;

    JpegJob() = default;
    JpegJob(const JpegJob&) = delete;
    JpegJob& operator=(const JpegJob&) = delete;
    ~JpegJob() { jpeg_destroy_decompress(&decoder); }
};

[[noreturn]] void onError(j_common_ptr common) {
    auto* job = static_cast<JpegJob*>(common->client_data);
    std::array<char, JMSG_LENGTH_MAX> text{};
    common->err->format_message(common, text.data());
    job->problem = text.data();
    std::longjmp(job->back, 1);
}

/// Warnings after which pixels are guessed count as damage; the others (stray bytes, odd markers) do not.
void onMessage(j_common_ptr common, int level) {
    if (level >= 0)
        return;
    const int code = common->err->msg_code;
    if (code == JWRN_HIT_MARKER || code == JWRN_JPEG_EOF || code == JWRN_MUST_RESYNC ||
        code == JWRN_HUFF_BAD_CODE || code == JWRN_NOT_SEQUENTIAL)
        static_cast<JpegJob*>(common->client_data)->damaged = true;
}

bool readHead(JpegJob& job, const Bytes& bytes) {
    job.decoder.err = jpeg_std_error(&job.errors);
    job.decoder.client_data = &job;
    job.errors.error_exit = onError;
    job.errors.emit_message = onMessage;
    if (setjmp(job.back))
        return false;
    jpeg_create_decompress(&job.decoder);
    job.decoder.client_data = &job;
    jpeg_mem_src(&job.decoder, bytes.data(), static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&job.decoder, TRUE);
    return true;
}

bool readPixels(JpegJob& job, std::size_t rowBytes) {
    if (setjmp(job.back))
        return false;
    jpeg_start_decompress(&job.decoder);
    while (job.decoder.output_scanline < job.decoder.output_height && !job.damaged) {
        JSAMPROW row = job.pixels.data() + job.decoder.output_scanline * rowBytes;
        jpeg_read_scanlines(&job.decoder, &row, 1);
    }
    if (!job.damaged)
        jpeg_finish_decompress(&job.decoder);
    return !job.damaged;
}

} // namespace

Result<StillPixels> decodeJpeg(const Bytes& bytes, const fs::path& path) {
    JpegJob job;
    const auto damaged = [&] {
        return readError(ErrorCode::FormatInvalid, path,
                         "the JPEG is truncated or damaged" +
                             (job.problem.empty() ? "" : " (" + job.problem + ")") + ".");
    };
    if (!readHead(job, bytes))
        return damaged();
    if (job.decoder.num_components == 4)
        return readError(ErrorCode::FormatUnsupported, path,
                         "it is a CMYK JPEG, made for print. Save it as RGB.");
    const bool grey = job.decoder.jpeg_color_space == JCS_GRAYSCALE;
    job.decoder.out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
    StillPixels pixels{job.decoder.image_width, job.decoder.image_height, grey ? 1 : 3, {}};
    const auto count = static_cast<std::uint64_t>(pixels.width) * static_cast<std::uint64_t>(pixels.height);
    if (count / mostPixelsPerByte > bytes.size()) {
        job.problem = "it promises more pixels than the file can hold";
        return damaged();
    }
    job.pixels.resize(static_cast<std::size_t>(count) * static_cast<std::size_t>(pixels.components));
    if (!readPixels(job, static_cast<std::size_t>(pixels.width * pixels.components)))
        return damaged();
    pixels.values = std::move(job.pixels);
    return pixels;
}

} // namespace tandem::imaging
