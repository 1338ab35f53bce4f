#include "core/usecases/label_lean.h"

#include "core/measure/gaussian_blur.h"
#include "core/measure/logistic.h"
#include "core/usecases/mask_box.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem {
namespace {

constexpr std::int64_t kCells = 40;
constexpr std::size_t kArea = kCells * kCells;
constexpr double kAround = 0.25; // of the box's lengths
constexpr std::size_t kMost = 12;
constexpr float kLargest = 6;                              // of a logit
constexpr float kUnknown = -1e6F;                          // outside the slice
constexpr float kLeastShare = 0.02F;                       // that a cell is taken to belong
constexpr double kBlur = 1.5;                              // cells
constexpr double kShapeCost = 0.006, kConstantCost = 0.01; // in DSC, per weight and per unit
constexpr std::array<float, 5> kWeights{0, 0.3F, 0.6F, 1, 1.5F};
constexpr std::array<float, 5> kConstants{0, -0.4F, 0.4F, -0.8F, 0.8F};

using Cells = std::vector<float>;

// How likely a cell belongs to the ellipse of its box.
const Cells& ellipseShares() {
    static const Cells shares = [] {
        Cells cells(kArea);
        const auto place = [](std::int64_t i) {
            return 2 * ((static_cast<double>(i) + 0.5) / kCells * (1 + 2 * kAround) - kAround) - 1;
        };
        for (std::int64_t j = 0; j < kCells; ++j)
            for (std::int64_t i = 0; i < kCells; ++i)
                cells[static_cast<std::size_t>(j * kCells + i)] =
                    static_cast<float>(logistic((1 - std::hypot(place(i), place(j))) / 0.12));
        return cells;
    }();
    return shares;
}

SliceImage imageOf(Cells cells) {
    return {kCells, kCells, 1, std::move(cells)};
}

Cells blurred(Cells cells) {
    SliceImage image = imageOf(std::move(cells));
    blur(image, kBlur);
    return std::move(image.values);
}

// Log-odds of the mean shape of `count` masks, whose blurred shares are summed up, and of one ellipse.
Cells shapeOf(const Cells& sum, const Cells* without, std::size_t count) {
    Cells shape(kArea);
    for (std::size_t c = 0; c < kArea; ++c) {
        const float own = without ? (*without)[c] : 0;
        shape[c] = logit((sum[c] - own + ellipseShares()[c]) / static_cast<float>(count + 1), kLeastShare);
    }
    return shape;
}

double diceWith(const LabelExample& e, const Cells& shape, float weight, float constant) {
    int both = 0, either = 0;
    for (std::size_t c = 0; c < kArea; ++c) {
        const bool in = e.logits[c] + constant + weight * shape[c] > 0, truth = e.mask[c] > 0.5F;
        both += in && truth;
        either += in + truth;
    }
    return either > 0 ? 2.0 * both / either : 1;
}

} // namespace

CropGrid leanFrame(const SliceBox& b) {
    const double w = b.x1 - b.x0 + 1, h = b.y1 - b.y0 + 1;
    return {b.x0 - 0.5 - kAround * w,
            b.y0 - 0.5 - kAround * h,
            w * (1 + 2 * kAround) / kCells,
            h * (1 + 2 * kAround) / kCells,
            kCells,
            kCells};
}

std::vector<float> BoxLean::on(const CropGrid& g, const SliceBox& box) const {
    const CropGrid frame = leanFrame(box);
    // The grid in pixels of the picture that the cells are.
    return sampleGrid(cells,
                      {(g.left - frame.left) / frame.stepX - 0.5, (g.top - frame.top) / frame.stepY - 0.5,
                       g.stepX / frame.stepX, g.stepY / frame.stepY, g.width, g.height},
                      outside);
}

std::optional<LabelExample> exampleOf(const SliceImage& logits, std::int64_t left, std::int64_t top,
                                      const BoxLean* lean, const SliceBox& box, const SliceMask& accepted) {
    const auto part = boundingBox(accepted, box);
    if (!part)
        return std::nullopt;
    const CropGrid frame = leanFrame(*part);
    SliceImage mask{accepted.width, accepted.height, 1, {accepted.inside.begin(), accepted.inside.end()}};
    CropGrid inLogits = frame;
    inLogits.left -= static_cast<double>(left);
    inLogits.top -= static_cast<double>(top);
    LabelExample example{sampleGrid(logits, inLogits, kUnknown), sampleGrid(mask, frame, 0)};
    for (std::size_t c = 0; c < kArea; ++c) {
        const bool known = example.logits[c] > kUnknown;
        const float added = lean && known ? lean->cells.values[c] : 0;
        example.logits[c] = std::clamp(example.logits[c] - added, -kLargest, kLargest);
    }
    return example;
}

void LabelMemory::add(LabelExample example) {
    examples_.push_back(std::move(example));
    if (examples_.size() > kMost)
        examples_.pop_front();
}

std::shared_ptr<const BoxLean> LabelMemory::lean() const {
    const std::size_t n = examples_.size();
    if (n < 2)
        return nullptr;
    std::vector<Cells> shares, others;
    Cells sum(kArea);
    for (const LabelExample& e : examples_) {
        shares.push_back(blurred(e.mask));
        for (std::size_t c = 0; c < kArea; ++c)
            sum[c] += shares.back()[c];
    }
    for (const Cells& own : shares)
        others.push_back(shapeOf(sum, &own, n - 1));
    double best = -1;
    float weight = 0, constant = 0;
    for (const float w : kWeights)
        for (const float k : kConstants) {
            double score =
                -kShapeCost * static_cast<double>(w) - kConstantCost * std::abs(static_cast<double>(k));
            for (std::size_t i = 0; i < n; ++i)
                score += diceWith(examples_[i], others[i], w, k) / static_cast<double>(n);
            if (score > best + 1e-9) {
                best = score;
                weight = w;
                constant = k;
            }
        }
    if (weight == 0 && constant == 0)
        return nullptr;
    auto lean = std::make_shared<BoxLean>();
    Cells cells = shapeOf(sum, nullptr, n);
    for (float& v : cells)
        v = constant + weight * v;
    lean->cells = imageOf(std::move(cells));
    lean->outside = constant + weight * logit(0.0F, kLeastShare);
    return lean;
}

std::string memoryAsText(const LabelMemory& memory) {
    std::string text;
    const auto letter = [](float unit) { return static_cast<char>('!' + std::lround(unit * 90)); };
    for (const LabelExample& e : memory.examples()) {
        for (const float v : e.logits)
            text += letter((v / kLargest + 1) / 2);
        for (const float v : e.mask)
            text += letter(v);
    }
    return text;
}

LabelMemory memoryFromText(std::string_view text) {
    LabelMemory memory;
    if (text.size() % (2 * kArea) != 0 || text.size() > 2 * kArea * kMost ||
        !std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '!' + 90; }))
        return memory;
    const auto unit = [](char c) { return static_cast<float>(c - '!') / 90; };
    for (; !text.empty(); text.remove_prefix(2 * kArea)) {
        LabelExample e;
        for (std::size_t c = 0; c < kArea; ++c) {
            e.logits.push_back((2 * unit(text[c]) - 1) * kLargest);
            e.mask.push_back(unit(text[kArea + c]));
        }
        memory.add(std::move(e));
    }
    return memory;
}

} // namespace tandem
