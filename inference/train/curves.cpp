#include "inference/train/curves.h"

#include "core/files/csv.h"
#include "core/files/files.h"
#include "inference/train/canvas.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace tandem::train {
namespace {

constexpr const char* lossHead = "samples,loss,learning_rate,seconds\n";
constexpr const char* scoreHead = "samples,data_set,structures,dsc_tight,nsd_tight,dsc_hand\n";

// Rows of a table whose "samples" are at most `samplesDone`; none of a table that is missing or damaged.
CsvTable rowsUpTo(const std::filesystem::path& file, std::int64_t samplesDone) {
    const auto text = samplesDone > 0 ? readFile(file) : Result<std::string>(Error{});
    auto table = text ? parseCsv(*text) : Result<CsvTable>(Error{});
    if (!table)
        return {};
    std::erase_if(table->rows, [&](const auto& row) {
        return std::atoll(table->cell(row, "samples").c_str()) > samplesDone;
    });
    return std::move(*table);
}

std::string lossRow(const LossPoint& p) {
    char line[160];
    std::snprintf(line, sizeof line, "%lld,%.5f,%.3e,%.1f\n", static_cast<long long>(p.samples), p.loss,
                  p.learningRate, p.seconds);
    return line;
}

std::string scoreRows(const ValidationPoint& p) {
    std::string text;
    for (const ValidationScore& s : p.scores) {
        char figures[120];
        std::snprintf(figures, sizeof figures, ",%lld,%.17g,%.5f,%.17g\n", static_cast<long long>(s.items),
                      s.dscTight, s.nsdTight, s.dscHand);
        text += std::to_string(p.samples) + "," + csvCell(s.source) + figures;
    }
    return text;
}

// The plot's area on the canvas, and values to pixels.
struct Frame {
    int left = 56, top = 28, right = 664, bottom = 332;
    double most = 1, highest = 1; ///< samples at the right edge, loss at the top

    int x(std::int64_t samples) const {
        return left + static_cast<int>(std::lround((right - left) * static_cast<double>(samples) / most));
    }
    int y(double share) const { // 0 at the bottom, 1 at the top
        return bottom - static_cast<int>(std::lround((bottom - top) * std::clamp(share, 0.0, 1.0)));
    }
};

constexpr Rgb ink{40, 40, 40}, pale{222, 222, 222}, lossColour{200, 80, 30}, tightColour{30, 90, 190},
    handColour{40, 140, 70};

std::string number(const char* format, double value) {
    char text[32];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

void drawAxes(Canvas& canvas, const Frame& f) {
    for (int n = 0; n <= 5; ++n) {
        const double share = n / 5.0;
        canvas.line(f.left, f.y(share), f.right, f.y(share), pale);
        canvas.text(8, f.y(share) - 3, number("%.2f", share * f.highest), lossColour);
        canvas.text(f.right + 8, f.y(share) - 3, number("%.1f", share), tightColour);
        const std::string samples = number("%.0f", share * f.most);
        canvas.text(f.left + static_cast<int>(share * (f.right - f.left)) - Canvas::widthOf(samples) / 2,
                    f.bottom + 8, samples, ink);
    }
    canvas.rectangle(f.left, f.top, f.right, f.bottom, ink);
    canvas.text(f.left, 10, "loss", lossColour);
    canvas.text(f.left + 60, 10, "dsc, exact boxes", tightColour);
    canvas.text(f.left + 190, 10, "dsc, boxes 3% outside", handColour);
    canvas.text(f.left + 280, f.bottom + 22, "samples", ink);
}

// Joins points (x, y) with a line, two pixels thick.
void drawLine(Canvas& canvas, const std::vector<std::array<int, 2>>& points, Rgb colour) {
    for (std::size_t n = 0; n < points.size(); ++n) {
        const auto& a = points[n == 0 ? 0 : n - 1];
        for (int thick = 0; thick < 2; ++thick)
            canvas.line(a[0], a[1] + thick, points[n][0], points[n][1] + thick, colour);
    }
}

} // namespace

Curves::Curves(std::filesystem::path folder, std::int64_t samplesDone) : folder_(std::move(folder)) {
    const CsvTable losses = rowsUpTo(folder_ / "log.csv", samplesDone);
    const CsvTable scores = rowsUpTo(folder_ / "validation.csv", samplesDone);
    const auto whole = [](const CsvTable& t, const auto& row, const char* name) {
        return static_cast<std::int64_t>(std::atoll(t.cell(row, name).c_str()));
    };
    const auto real = [](const CsvTable& t, const auto& row, const char* name) {
        return std::atof(t.cell(row, name).c_str());
    };
    for (const auto& row : losses.rows)
        losses_.push_back({whole(losses, row, "samples"), real(losses, row, "loss"),
                           real(losses, row, "learning_rate"), real(losses, row, "seconds")});
    secondsBefore_ = losses_.empty() ? 0 : losses_.back().seconds;
    for (const auto& row : scores.rows) {
        const std::int64_t samples = whole(scores, row, "samples");
        if (validations_.empty() || validations_.back().samples != samples)
            validations_.push_back({samples, {}});
        validations_.back().scores.push_back({scores.cell(row, "data_set"), whole(scores, row, "structures"),
                                              real(scores, row, "dsc_tight"), real(scores, row, "nsd_tight"),
                                              real(scores, row, "dsc_hand")});
    }
}

void Curves::add(LossPoint p) {
    p.seconds += secondsBefore_;
    losses_.push_back(p);
}

void Curves::add(ValidationPoint p) {
    validations_.push_back(std::move(p));
}

std::optional<double> Curves::best() const {
    std::optional<double> best;
    for (const ValidationPoint& p : validations_)
        best = std::max(best.value_or(p.merit()), p.merit());
    return best;
}

Result<void> Curves::write() const {
    std::string losses = lossHead, scores = scoreHead;
    for (const LossPoint& p : losses_)
        losses += lossRow(p);
    for (const ValidationPoint& p : validations_)
        scores += scoreRows(p);
    if (auto done = writeFileAtomically(folder_ / "log.csv", losses); !done)
        return done;
    if (!validations_.empty())
        if (auto done = writeFileAtomically(folder_ / "validation.csv", scores); !done)
            return done;
    return losses_.empty() && validations_.empty()
               ? Result<void>{}
               : writeFileAtomically(folder_ / "curve.png", curvesAsPng(losses_, validations_));
}

std::string curvesAsPng(const std::vector<LossPoint>& losses,
                        const std::vector<ValidationPoint>& validations) {
    Frame f;
    for (const LossPoint& p : losses) {
        f.most = std::max(f.most, static_cast<double>(p.samples));
        f.highest = std::max(f.highest, std::ceil(10 * p.loss) / 10);
    }
    for (const ValidationPoint& p : validations)
        f.most = std::max(f.most, static_cast<double>(p.samples));
    Canvas canvas(720, 368, {255, 255, 255});
    drawAxes(canvas, f);
    std::vector<std::array<int, 2>> loss, tight, hand;
    for (const LossPoint& p : losses)
        loss.push_back({f.x(p.samples), f.y(p.loss / f.highest)});
    for (const ValidationPoint& p : validations) {
        tight.push_back({f.x(p.samples), f.y(p.scores.front().dscTight)});
        hand.push_back({f.x(p.samples), f.y(p.scores.front().dscHand)});
    }
    drawLine(canvas, loss, lossColour);
    drawLine(canvas, tight, tightColour);
    drawLine(canvas, hand, handColour);
    return canvas.png();
}

} // namespace tandem::train
