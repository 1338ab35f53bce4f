#include "core/imaging/imaging.h"
#include "core/imaging/stills.h"

#include <png.h>

#include <csetjmp>
#include <cstring>

namespace tandem {
namespace imaging {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t deflateBestRatio = 1032;

/// Everything that libpng's jumps could skip lives here, outside the function that jumps.
struct PngJob {
    std::span<const std::uint8_t> rest;
    StillUse use = StillUse::Picture;
    std::string problem;
    png_structp png = nullptr;
    png_infop info = nullptr;
    std::int64_t width = 0, height = 0;
    int components = 0, bits = 0;
    std::vector<std::uint8_t> pixels;
    std::vector<png_bytep> rows;

    ~PngJob() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void onError(png_structp png, png_const_charp message) {
    static_cast<PngJob*>(png_get_error_ptr(png))->problem = message;
    png_longjmp(png, 1);
}

void onWarning(png_structp, png_const_charp) {}

void onRead(png_structp png, png_bytep into, std::size_t count) {
    auto* job = static_cast<PngJob*>(png_get_io_ptr(png));
    if (count > job->rest.size())
        png_error(png, "the file ends too early");
    std::memcpy(into, job->rest.data(), count);
    job->rest = job->rest.subspan(count);
}

/// Asks libpng for 8 or 16 bits of grey, or 8-bit RGB; for labels, for the stored numbers.
void chooseForm(PngJob& job) {
    const int colour = png_get_color_type(job.png, job.info), bits = png_get_bit_depth(job.png, job.info);
    const bool labels = job.use == StillUse::Labels;
    if (colour == PNG_COLOR_TYPE_PALETTE && !labels)
        png_set_palette_to_rgb(job.png);
    if (bits < 8 && labels)
        png_set_packing(job.png);
    else if (colour == PNG_COLOR_TYPE_GRAY && bits < 8)
        png_set_expand_gray_1_2_4_to_8(job.png);
    if (bits == 16 && (colour & PNG_COLOR_MASK_COLOR))
        png_set_strip_16(job.png);
    else if (bits == 16)
        png_set_swap(job.png);
    png_set_strip_alpha(job.png);
    png_set_interlace_handling(job.png);
    png_read_update_info(job.png, job.info);
}

bool readHead(PngJob& job) {
    if (setjmp(png_jmpbuf(job.png)))
        return false;
    png_set_read_fn(job.png, &job, onRead);
    png_read_info(job.png, job.info);
    chooseForm(job);
    job.width = png_get_image_width(job.png, job.info);
    job.height = png_get_image_height(job.png, job.info);
    job.components = png_get_channels(job.png, job.info);
    job.bits = png_get_bit_depth(job.png, job.info);
    return true;
}

bool readRows(PngJob& job) {
    if (setjmp(png_jmpbuf(job.png)))
        return false;
    png_read_image(job.png, job.rows.data());
    png_read_end(job.png, nullptr);
    return true;
}

Result<StillPixels> asPixels(PngJob& job) {
    StillPixels pixels{job.width, job.height, job.components, {}};
    if (job.bits == 16) {
        std::vector<std::uint16_t> values(job.pixels.size() / 2);
        std::memcpy(values.data(), job.pixels.data(), job.pixels.size());
        pixels.values = std::move(values);
    } else
        pixels.values = std::move(job.pixels);
    return pixels;
}

} // namespace

Result<StillPixels> decodePng(const Bytes& bytes, const fs::path& path, StillUse use) {
    PngJob job;
    job.rest = bytes;
    job.use = use;
    const auto damaged = [&] {
        return readError(ErrorCode::FormatInvalid, path,
                         "the PNG is truncated or damaged (" + job.problem + ").");
    };
    job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, onError, onWarning);
    job.info = job.png ? png_create_info_struct(job.png) : nullptr;
    if (!job.info)
        return readError(ErrorCode::OutOfMemory, path, "there is not enough memory.");
    if (!readHead(job))
        return damaged();
    const std::size_t rowBytes = png_get_rowbytes(job.png, job.info);
    const std::uint64_t need = static_cast<std::uint64_t>(rowBytes) * static_cast<std::uint64_t>(job.height);
    if (need / 8 / deflateBestRatio > bytes.size()) {
        job.problem = "it promises more pixels than the file can hold";
        return damaged();
    }
    if (Result<void> fits = checkMemory(path, need); !fits)
        return fits.error();
    job.pixels.resize(static_cast<std::size_t>(need));
    for (std::int64_t y = 0; y < job.height; ++y)
        job.rows.push_back(job.pixels.data() + static_cast<std::size_t>(y) * rowBytes);
    if (!readRows(job))
        return damaged();
    return asPixels(job);
}

} // namespace imaging

Result<void> writePng(const std::filesystem::path& path, std::int64_t width, std::int64_t height,
                      const std::vector<std::uint8_t>& rgb) {
    constexpr std::int64_t most = 1 << 15;
    if (width < 1 || height < 1 || width > most || height > most ||
        rgb.size() != static_cast<std::size_t>(3 * width * height))
        return Error{ErrorCode::InvalidArgument,
                     "Cannot write " + path.string() + ": the picture's size is wrong."};
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(width);
    image.height = static_cast<png_uint_32>(height);
    image.format = PNG_FORMAT_RGB;
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    imaging::Bytes file(size);
    const int done = png_image_write_to_memory(&image, file.data(), &size, 0, rgb.data(), 0, nullptr);
    png_image_free(&image);
    if (!done)
        return Error{ErrorCode::FileUnwritable, "Cannot write " + path.string() + ": " + image.message + "."};
    file.resize(size);
    return imaging::writeAtomically(path, file, [](const std::filesystem::path&) { return Result<void>(); });
}

} // namespace tandem
