#pragma once

#include "core/measure/grey_crop.h"
#include "core/usecases/segmenter.h"

#include <functional>
#include <map>

namespace tandem::test {

/// A segmenter with no network in it: in the box everything above a threshold is in. Answers at once, on the
/// caller's thread, and notes the boxes it was asked about and whose they were.
class ThresholdSegmenter : public Segmenter {
public:
    explicit ThresholdSegmenter(
        double threshold, std::function<float(std::int64_t)> iou = [](std::int64_t) { return 0.9F; })
        : threshold_(threshold), iou_(std::move(iou)) {}

    void loadModel(std::filesystem::path, std::function<void(Result<ModelInfo>)> done) override {
        done(ModelInfo{});
    }
    std::optional<ModelInfo> model() const override { return ModelInfo{}; }
    RequestId submit(SegmentRequest request, std::stop_token stop, Progress, Answer answer) override {
        if (onRequest)
            onRequest(request.slice.index);
        if (stop.stop_requested())
            answer({1}, Error{ErrorCode::Cancelled, "Cancelled."});
        else
            answer({1}, proposals(request));
        return {1};
    }
    void prefetch(SegmentRequest) override {}

    std::map<std::int64_t, SliceBox> boxes;      ///< the last one of each slice
    std::map<std::int64_t, DrawingHabit> habits; ///< that came with it
    std::function<void(std::int64_t)> onRequest;

private:
    std::vector<Proposal> proposals(const SegmentRequest& request) {
        const SliceImage slice = luminance(extractSlice(*request.volume, request.slice).value());
        std::vector<Proposal> out;
        for (const Prompts& prompts : request.objects) {
            const SliceBox& b = *prompts.box;
            boxes[request.slice.index] = b;
            habits[request.slice.index] = request.habit;
            Proposal p{
                request.slice, slice.width, slice.height, {}, iou_(request.slice.index), "threshold", 0, 0};
            for (std::int64_t y = 0; y < slice.height; ++y)
                for (std::int64_t x = 0; x < slice.width; ++x) {
                    const auto fx = static_cast<double>(x), fy = static_cast<double>(y);
                    const bool in = fx >= b.x0 && fx <= b.x1 && fy >= b.y0 && fy <= b.y1;
                    const float grey = slice.values[static_cast<std::size_t>(y * slice.width + x)];
                    p.logits.push_back(in && static_cast<double>(grey) > threshold_ ? 5.0F : -5.0F);
                }
            out.push_back(std::move(p));
        }
        return out;
    }

    double threshold_;
    std::function<float(std::int64_t)> iou_;
};

} // namespace tandem::test
