#include "core/imaging/dicom_series.h"
#include "core/imaging/file_bytes.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>
#include <tuple>

namespace tandem::imaging {
namespace {

constexpr double sameDirection = 1e-3; // difference of unit vectors
constexpr double samePlace = 1e-2;     // mm along the normal

double dot(const Vector<Patient>& a, const Vector<Patient>& b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

Vector<Patient> normalOf(const DicomSlice& s) {
    const Vector<Patient>&a = s.alongRow, &b = s.alongColumn;
    return {{a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]}};
}

double placeOf(const DicomSlice& s, const Vector<Patient>& normal) {
    return dot({{s.position[0], s.position[1], s.position[2]}}, normal);
}

bool near(const Vector<Patient>& a, const Vector<Patient>& b, double tolerance) {
    return (a + -1.0 * b).length() <= tolerance;
}

bool sameSteps(double a, double b) {
    return std::abs(a - b) <= 1e-3 * std::max(a, b);
}

/// Slices that may become one volume, before they are sorted.
struct Group {
    const DicomInstance* first = nullptr;
    std::vector<DicomSlice> slices;
    bool cine = false;
};

bool sameKind(const DicomInstance& a, const DicomInstance& b) {
    return a.seriesUid == b.seriesUid && a.pixels.columns == b.pixels.columns &&
           a.pixels.rows == b.pixels.rows && a.pixels.samples == b.pixels.samples &&
           a.pixels.storage == b.pixels.storage && a.modality == b.modality &&
           (a.pixels.photometric == "PALETTE COLOR") == (b.pixels.photometric == "PALETTE COLOR") &&
           a.mosaicTiles == b.mosaicTiles;
}

bool belongs(const Group& g, const DicomInstance& instance, const DicomSlice& s) {
    const DicomSlice& f = g.slices.front();
    return f.placed && !g.cine && sameKind(*g.first, instance) &&
           near(f.alongRow, s.alongRow, sameDirection) && near(f.alongColumn, s.alongColumn, sameDirection) &&
           sameSteps(f.columnStep, s.columnStep) && sameSteps(f.rowStep, s.rowStep);
}

std::vector<Group> makeGroups(const std::vector<DicomInstance>& instances) {
    std::vector<Group> groups;
    for (const DicomInstance& instance : instances) {
        const bool placed =
            !instance.slices.empty() && instance.slices.front().placed && !instance.framesAreTime;
        if (!placed) { // a picture or a loop: a volume of its own
            groups.push_back({&instance, instance.slices, instance.framesAreTime});
            continue;
        }
        for (const DicomSlice& s : instance.slices) {
            const auto home = std::find_if(groups.begin(), groups.end(),
                                           [&](const Group& g) { return belongs(g, instance, s); });
            if (home != groups.end())
                home->slices.push_back(s);
            else if (s.placed)
                groups.push_back({&instance, {s}, false});
        }
    }
    return groups;
}

/// The same picture twice (copies of one file in a folder) counts once.
void dropCopies(std::vector<DicomSlice>& slices) {
    std::set<std::tuple<std::string, std::int64_t, std::int64_t>> seen;
    std::erase_if(slices, [&](const DicomSlice& s) {
        return !s.instanceUid.empty() && !seen.insert({s.instanceUid, s.frame, s.tile}).second;
    });
}

/// Slices by place along the normal; those of one place in their own order.
std::vector<std::vector<DicomSlice>> byPlace(std::vector<DicomSlice> slices) {
    const Vector<Patient> normal = normalOf(slices.front());
    std::stable_sort(slices.begin(), slices.end(), [&](const DicomSlice& a, const DicomSlice& b) {
        return placeOf(a, normal) < placeOf(b, normal);
    });
    std::vector<std::vector<DicomSlice>> places;
    for (DicomSlice& s : slices) {
        if (places.empty() || placeOf(s, normal) - placeOf(places.back().front(), normal) > samePlace)
            places.emplace_back();
        places.back().push_back(std::move(s));
    }
    for (auto& place : places)
        std::stable_sort(place.begin(), place.end(),
                         [](const DicomSlice& a, const DicomSlice& b) { return a.order < b.order; });
    return places;
}

/// The n-th pictures of all places make frame n; what some places have too many of is left out, with a
/// warning.
void makeFrames(DicomVolume& volume, std::vector<DicomSlice> slices) {
    const std::size_t all = slices.size();
    const auto places = byPlace(std::move(slices));
    std::size_t frames = places.front().size();
    for (const auto& place : places)
        frames = std::min(frames, place.size());
    volume.frames.resize(frames);
    for (std::size_t f = 0; f < frames; ++f)
        for (const auto& place : places)
            volume.frames[f].push_back(place[f]);
    if (const std::size_t left = all - frames * places.size(); left > 0)
        volume.warnings.push_back(std::to_string(left) +
                                  " pictures lie where others of the series lie and were left out.");
}

/// Frames without places: a loop is one slice over time, anything else a stack in file order.
void makeUnplacedFrames(DicomVolume& volume, const Group& group) {
    if (group.cine)
        for (const DicomSlice& s : group.slices)
            volume.frames.push_back({s});
    else
        volume.frames.push_back(group.slices);
    if (!group.slices.front().placed)
        volume.warnings.emplace_back(
            "The file does not say where the picture lies in the patient: sides and position are a guess.");
}

std::string keyOf(const DicomVolume& volume, const Group& group) {
    const DicomSlice& s = group.slices.front();
    if (!s.placed || group.cine)
        return group.first->seriesUid + " " + s.file.filename().string();
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(), " %lldx%lld %.3gx%.3g %.2f,%.2f,%.2f,%.2f,%.2f,%.2f",
                  static_cast<long long>(volume.pixels.columns), static_cast<long long>(volume.pixels.rows),
                  s.columnStep, s.rowStep, s.alongRow[0], s.alongRow[1], s.alongRow[2], s.alongColumn[0],
                  s.alongColumn[1], s.alongColumn[2]);
    return group.first->seriesUid + text.data();
}

std::string describe(const DicomVolume& volume, const DicomInstance& instance) {
    std::string text = (volume.modality.empty() ? "DICOM" : volume.modality) + " " +
                       std::to_string(volume.pixels.columns) + " x " + std::to_string(volume.pixels.rows) +
                       " x " + std::to_string(volume.frames.front().size());
    if (volume.frames.size() > 1)
        text += ", " + std::to_string(volume.frames.size()) + " frames";
    if (!instance.seriesDescription.empty())
        text += ", " + instance.seriesDescription;
    return text;
}

DicomVolume makeVolume(Group group) {
    DicomVolume volume;
    const DicomInstance& instance = *group.first;
    volume.modality = instance.modality;
    volume.pixels = instance.pixels;
    volume.mosaicTiles = instance.mosaicTiles;
    volume.sliceStep = instance.sliceStep;
    volume.warnings = instance.warnings;
    volume.key = keyOf(volume, group);
    if (group.slices.front().placed && !group.cine) {
        dropCopies(group.slices);
        makeFrames(volume, std::move(group.slices));
    } else
        makeUnplacedFrames(volume, group);
    volume.description = describe(volume, instance);
    return volume;
}

std::string millimetres(double mm) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.4g", mm);
    return text.data();
}

void warnOfGaps(const std::vector<DicomSlice>& slices, std::vector<std::string>& warnings) {
    const Vector<Patient> normal = normalOf(slices.front());
    double low = INFINITY, high = 0;
    for (std::size_t n = 1; n < slices.size(); ++n) {
        const double step = placeOf(slices[n], normal) - placeOf(slices[n - 1], normal);
        low = std::min(low, step);
        high = std::max(high, step);
    }
    if (slices.size() > 2 && high - low > 0.01 + 0.02 * low)
        warnings.push_back(
            "The distances between slices vary from " + millimetres(low) + " to " + millimetres(high) +
            " mm: slices are missing or overlap. They are shown with their mean distance, so measurements "
            "across slices are not exact.");
}

/// The step from one slice to the next, mm.
Vector<Patient> sliceStep(const DicomVolume& volume, const std::vector<DicomSlice>& slices) {
    if (slices.size() > 1 && slices.front().placed) {
        const Vector<Patient> whole = slices.back().position - slices.front().position;
        if (whole.length() > 0)
            return 1.0 / static_cast<double>(slices.size() - 1) * whole;
    }
    return (volume.sliceStep > 0 ? volume.sliceStep : 1.0) * normalOf(slices.front());
}

} // namespace

std::vector<DicomVolume> groupSlices(const std::vector<DicomInstance>& instances) {
    std::vector<DicomVolume> volumes;
    std::set<std::string> keys;
    for (Group& group : makeGroups(instances)) {
        DicomVolume volume = makeVolume(std::move(group));
        const std::string key = volume.key;
        for (int n = 2; !keys.insert(volume.key).second; ++n)
            volume.key = key + " #" + std::to_string(n);
        volumes.push_back(std::move(volume));
    }
    return volumes;
}

Result<Geometry> volumeGeometry(const DicomVolume& volume, std::int64_t frame,
                                std::vector<std::string>& warnings) {
    std::vector<DicomSlice> slices = volume.frames[static_cast<std::size_t>(frame)];
    DicomSlice& first = slices.front();
    if (!first.placed) {
        first.position = {};
        first.alongRow = {{1, 0, 0}};
        first.alongColumn = {{0, 1, 0}};
    } else
        warnOfGaps(slices, warnings);
    const Vector<Patient> step = sliceStep(volume, slices);
    Affine<Patient, Voxel> affine;
    for (std::size_t r = 0; r < 3; ++r) {
        affine.linear[r] = {first.alongRow[r] * first.columnStep, first.alongColumn[r] * first.rowStep,
                            step[r]};
        affine.offset[r] = first.position[r];
    }
    Result<Geometry> geometry = Geometry::make(
        {volume.pixels.columns, volume.pixels.rows, static_cast<std::int64_t>(slices.size())}, affine);
    if (!geometry)
        return readError(ErrorCode::FormatInvalid, first.file, geometry.error().sentence);
    if (geometry->isSheared())
        warnings.emplace_back(
            "The slices are shifted against each other (tilted gantry): the grid is sheared and kept so.");
    return geometry;
}

} // namespace tandem::imaging
