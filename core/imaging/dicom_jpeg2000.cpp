#include "core/imaging/dicom_pixels.h"

#include <openjpeg.h>

#include <cstring>

namespace tandem::imaging {
namespace {

// opj_codec_t and opj_stream_t are void to the outside, so each has its own type here.
struct FreeCodec {
    void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
struct FreeStream {
    void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
};
struct FreeImage {
    void operator()(opj_image_t* image) const { opj_image_destroy(image); }
};

/// A stream over bytes in memory.
struct Memory {
    const std::vector<std::uint8_t>& bytes;
    std::size_t at = 0;
};

OPJ_SIZE_T onRead(void* into, OPJ_SIZE_T count, void* user) {
    auto* memory = static_cast<Memory*>(user);
    const std::size_t n = std::min<std::size_t>(count, memory->bytes.size() - memory->at);
    if (n == 0)
        return static_cast<OPJ_SIZE_T>(-1);
    std::memcpy(into, memory->bytes.data() + memory->at, n);
    memory->at += n;
    return n;
}

OPJ_OFF_T onSkip(OPJ_OFF_T count, void* user) {
    auto* memory = static_cast<Memory*>(user);
    const auto left = static_cast<OPJ_OFF_T>(memory->bytes.size() - memory->at);
    const OPJ_OFF_T n = std::clamp<OPJ_OFF_T>(count, -static_cast<OPJ_OFF_T>(memory->at), left);
    memory->at = static_cast<std::size_t>(static_cast<OPJ_OFF_T>(memory->at) + n);
    return n;
}

OPJ_BOOL onSeek(OPJ_OFF_T to, void* user) {
    auto* memory = static_cast<Memory*>(user);
    if (to < 0 || to > static_cast<OPJ_OFF_T>(memory->bytes.size()))
        return OPJ_FALSE;
    memory->at = static_cast<std::size_t>(to);
    return OPJ_TRUE;
}

/// A bare code stream, or one inside a JP2 box file.
OPJ_CODEC_FORMAT formatOf(const std::vector<std::uint8_t>& b) {
    return b.size() > 12 && b[4] == 'j' && b[5] == 'P' ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K;
}

bool fits(const opj_image_t& image, const PixelFormat& p) {
    if (static_cast<int>(image.numcomps) < p.samples)
        return false;
    for (int c = 0; c < p.samples; ++c) {
        const opj_image_comp_t& component = image.comps[c];
        if (component.w != static_cast<OPJ_UINT32>(p.columns) ||
            component.h != static_cast<OPJ_UINT32>(p.rows) || component.prec > 31)
            return false;
    }
    return true;
}

bool usesColourTransform(opj_codec_t* codec) {
    opj_codestream_info_v2_t* info = opj_get_cstr_info(codec);
    const bool used = info && info->m_default_tile_info.mct != 0;
    if (info)
        opj_destroy_cstr_info(&info);
    return used;
}

} // namespace

Result<Jpeg2000Picture> decodeJpeg2000(const std::vector<std::uint8_t>& bytes, const PixelFormat& p,
                                       const std::filesystem::path& path) {
    const auto damaged = [&](const char* why) {
        return readError(ErrorCode::FormatInvalid, path, std::string("its JPEG 2000 pixels ") + why + ".");
    };
    Memory memory{bytes};
    const std::unique_ptr<opj_stream_t, FreeStream> stream(opj_stream_create(1 << 16, OPJ_TRUE));
    const std::unique_ptr<opj_codec_t, FreeCodec> codec(opj_create_decompress(formatOf(bytes)));
    if (!stream || !codec)
        return readError(ErrorCode::OutOfMemory, path, "there is not enough memory.");
    opj_stream_set_user_data(stream.get(), &memory, nullptr);
    opj_stream_set_user_data_length(stream.get(), bytes.size());
    opj_stream_set_read_function(stream.get(), onRead);
    opj_stream_set_skip_function(stream.get(), onSkip);
    opj_stream_set_seek_function(stream.get(), onSeek);
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    opj_image_t* raw = nullptr;
    if (!opj_setup_decoder(codec.get(), &parameters) || !opj_read_header(stream.get(), codec.get(), &raw))
        return damaged("are truncated or damaged");
    const std::unique_ptr<opj_image_t, FreeImage> image(raw);
    if (!fits(*image, p))
        return damaged("have another size than the header says");
    opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE);
    if (!opj_decode(codec.get(), stream.get(), image.get()) || !fits(*image, p))
        return damaged("are truncated or damaged");
    Jpeg2000Picture picture;
    picture.colourTransformed = usesColourTransform(codec.get());
    const std::size_t count = static_cast<std::size_t>(p.columns * p.rows);
    picture.samples.resize(count * static_cast<std::size_t>(p.samples));
    for (std::size_t c = 0; c < static_cast<std::size_t>(p.samples); ++c) {
        const OPJ_INT32* data = image->comps[c].data;
        if (!data)
            return damaged("are truncated or damaged");
        for (std::size_t n = 0; n < count; ++n)
            picture.samples[n * static_cast<std::size_t>(p.samples) + c] = data[n];
    }
    return picture;
}

} // namespace tandem::imaging
