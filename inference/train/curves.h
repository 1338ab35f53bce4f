#pragma once
// Private to inference/.

#include "inference/train/validation.h"

#include <filesystem>
#include <optional>
#include <vector>

namespace tandem::train {

/// One point of a run's loss.
struct LossPoint {
    std::int64_t samples = 0;
    double loss = 0, learningRate = 0, seconds = 0;
};
/// The scores of one validation.
struct ValidationPoint {
    std::int64_t samples = 0;
    std::vector<ValidationScore> scores; ///< "all" first
    /// By which the best model is chosen: mean DSC of exact and of hand-drawn boxes.
    double merit() const { return (scores.front().dscTight + scores.front().dscHand) / 2; }
};

/// What a run writes for people: log.csv (samples, loss, learning rate, seconds), validation.csv (samples,
/// data set, items, DSC and NSD) and curve.png of both. A run that goes on keeps what was written up to its
/// state's position; the rest belongs to steps that are done again. Thread: one at a time.
class Curves {
public:
    Curves(std::filesystem::path folder, std::int64_t samplesDone);

    void add(LossPoint); ///< seconds are those of this call of the program; earlier ones are added
    void add(ValidationPoint);
    const std::vector<LossPoint>& losses() const { return losses_; }
    const std::vector<ValidationPoint>& validations() const { return validations_; }
    /// The best merit so far; nothing before the first validation.
    std::optional<double> best() const;

    /// Each file complete or as it was. Error: FileUnwritable.
    Result<void> write() const;

private:
    std::filesystem::path folder_;
    std::vector<LossPoint> losses_;
    std::vector<ValidationPoint> validations_;
    double secondsBefore_ = 0;
};

/// The two curves as PNG bytes: loss on the left axis, DSC (0..1) on the right one.
std::string curvesAsPng(const std::vector<LossPoint>&, const std::vector<ValidationPoint>&);

} // namespace tandem::train
