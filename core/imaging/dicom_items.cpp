#include "core/imaging/dicom_items.h"

#include "core/imaging/raw_array.h"

#include <dcmtk/dcmdata/dcspchrs.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tandem::imaging {
namespace {

constexpr Uint32 longestText = 1 << 20;

bool isShort(DcmItem& item, const DcmTagKey& key, Uint32 most) {
    DcmElement* element = nullptr;
    return item.findAndGetElement(key, element).good() && element && element->getLength() <= most;
}

/// Values separated by backslashes. All must be numbers and nothing else: "1A" is none.
std::vector<double> numbersInText(const std::string& text) {
    std::vector<double> numbers;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t stop = std::min(text.find('\\', start), text.size());
        const std::string word = trimmed(std::string_view(text).substr(start, stop - start));
        const char* at = word.c_str() + (word.starts_with('+') ? 1 : 0);
        double value = 0;
        const auto [end, problem] = std::from_chars(at, word.c_str() + word.size(), value);
        if (problem != std::errc() || end != word.c_str() + word.size() || !std::isfinite(value))
            return {};
        numbers.push_back(value);
        start = stop + 1;
    }
    return numbers;
}

/// A value of an element that is stored in binary.
std::optional<double> binaryNumber(DcmElement& element, unsigned long index) {
    double value = 0;
    Float32 f32 = 0;
    Uint16 u16 = 0;
    Sint16 s16 = 0;
    Sint32 s32 = 0;
    Uint32 u32 = 0;
    if (element.getFloat64(value, index).good() ||
        (element.getFloat32(f32, index).good() && (value = f32, true)) ||
        (element.getUint16(u16, index).good() && (value = u16, true)) ||
        (element.getSint16(s16, index).good() && (value = s16, true)) ||
        (element.getSint32(s32, index).good() && (value = s32, true)) ||
        (element.getUint32(u32, index).good() && (value = u32, true)))
        return std::isfinite(value) ? std::optional(value) : std::nullopt;
    return std::nullopt;
}

} // namespace

std::string textOf(DcmItem& item, const DcmTagKey& key) {
    OFString text;
    if (!isShort(item, key, longestText) || item.findAndGetOFStringArray(key, text).bad())
        return {};
    DcmElement* element = nullptr;
    item.findAndGetElement(key, element);
    std::string out(text.c_str());
    if (const DcmEVR vr = element->getTag().getEVR();
        vr == EVR_OB || vr == EVR_UN) { // text that was sent as bytes
        const std::vector<std::uint8_t> bytes = bytesOf(item, key, longestText);
        out.assign(bytes.begin(), std::find(bytes.begin(), bytes.end(), 0));
    }
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

std::optional<double> numberOf(DcmItem& item, const DcmTagKey& key) {
    const std::vector<double> numbers = numbersOf(item, key);
    return numbers.empty() ? std::nullopt : std::optional(numbers[0]);
}

std::vector<double> numbersOf(DcmItem& item, const DcmTagKey& key) {
    DcmElement* element = nullptr;
    if (item.findAndGetElement(key, element).bad() || !element || element->getLength() > longestText)
        return {};
    const DcmEVR vr = element->getTag().getEVR();
    if (element->isaString() || vr == EVR_OB || vr == EVR_UN)
        return numbersInText(textOf(item, key));
    std::vector<double> numbers;
    for (unsigned long n = 0; n < element->getVM(); ++n) {
        const std::optional<double> value = binaryNumber(*element, n);
        if (!value)
            return {};
        numbers.push_back(*value);
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
