#include "core/imaging/dicom_items.h"

#include <dcmtk/dcmdata/dcspchrs.h>

#include <charconv>
#include <cmath>

namespace tandem::imaging {
namespace {

constexpr Uint32 longestText = 1 << 16;

bool isShort(DcmItem& item, const DcmTagKey& key, Uint32 most) {
    DcmElement* element = nullptr;
    return item.findAndGetElement(key, element).good() && element && element->getLength() <= most;
}

} // namespace

std::string textOf(DcmItem& item, const DcmTagKey& key) {
    OFString text;
    if (!isShort(item, key, longestText) || item.findAndGetOFStringArray(key, text).bad())
        return {};
    std::string out(text.c_str());
    while (!out.empty() && (out.back() == ' ' || out.back() == '\0'))
        out.pop_back();
    return out.substr(std::min(out.find_first_not_of(' '), out.size()));
}

std::string personText(DcmItem& item, const DcmTagKey& key) {
    const std::string raw = textOf(item, key);
    DcmSpecificCharacterSet converter;
    OFString utf8;
    const OFString set(textOf(item, DCM_SpecificCharacterSet).c_str());
    if (converter.selectCharacterSet(set).good() &&
        converter.convertString(OFString(raw.c_str()), utf8).good())
        return utf8.c_str();
    std::string ascii = raw;
    for (char& c : ascii)
        if (static_cast<unsigned char>(c) >= 128)
            c = '?';
    return ascii;
}

std::optional<double> numberOf(DcmItem& item, const DcmTagKey& key, unsigned long index) {
    DcmElement* element = nullptr;
    if (item.findAndGetElement(key, element).bad() || !element || element->getLength() > longestText)
        return std::nullopt;
    double value = 0;
    if (element->ident() == EVR_UN || element->getFloat64(value, index).bad()) {
        OFString text;
        Uint16 u16 = 0;
        Sint32 s32 = 0;
        Uint32 u32 = 0;
        if (element->getUint16(u16, index).good())
            value = u16;
        else if (element->getSint32(s32, index).good())
            value = s32;
        else if (element->getUint32(u32, index).good())
            value = u32;
        else if (element->getOFString(text, index).good() && !text.empty()) {
            const char* at = text.c_str() + std::min(text.find_first_not_of(" +"), text.size());
            if (std::from_chars(at, text.c_str() + text.size(), value).ec != std::errc())
                return std::nullopt;
        } else
            return std::nullopt;
    }
    return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::vector<double> numbersOf(DcmItem& item, const DcmTagKey& key, std::size_t most) {
    DcmElement* element = nullptr;
    if (item.findAndGetElement(key, element).bad() || !element || element->getLength() > longestText * 16)
        return {};
    std::vector<double> numbers;
    const unsigned long count = element->getVM();
    for (unsigned long n = 0; n < count && numbers.size() < most; ++n) {
        double value = 0;
        if (element->getFloat64(value, n).bad() || !std::isfinite(value)) {
            const std::optional<double> other = numberOf(item, key, n);
            if (!other)
                return {};
            value = *other;
        }
        numbers.push_back(value);
    }
    return numbers;
}

std::optional<std::int64_t> integerOf(DcmItem& item, const DcmTagKey& key) {
    const std::optional<double> value = numberOf(item, key);
    return value && std::abs(*value) < 1e15 ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
}

DcmItem* itemOf(DcmItem& item, const DcmTagKey& key, long index) {
    DcmItem* found = nullptr;
    return item.findAndGetSequenceItem(key, found, index).good() ? found : nullptr;
}

std::vector<std::uint8_t> bytesOf(DcmItem& item, const DcmTagKey& key, std::size_t most) {
    DcmElement* element = nullptr;
    if (item.findAndGetElement(key, element).bad() || !element || element->getLength() > most)
        return {};
    const Uint8* bytes = nullptr;
    if (element->getUint8Array(const_cast<Uint8*&>(bytes)).good() && bytes)
        return {bytes, bytes + element->getLength()};
    Uint16* words = nullptr;
    if (element->getUint16Array(words).good() && words) {
        const auto* raw = reinterpret_cast<const std::uint8_t*>(words);
        return {raw, raw + element->getLength() / 2 * 2};
    }
    return {};
}

} // namespace tandem::imaging
