#pragma once

#include "inference/checkpoint/model.h"
#include "inference/service/service.h"
#include "tests/inference/support.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

namespace tandem::test {

inline const std::filesystem::path kMicro = kGolden / "formats" / "net.pth"; ///< 7 thousand parameters

inline SegmentRequest requestOn(std::int64_t slice, const std::shared_ptr<const Volume>& volume) {
    SegmentRequest request;
    request.volume = volume;
    request.imageHash = "hash";
    request.slice.index = slice;
    request.window = {40, 400};
    request.objects = {{SliceBox{2, 2, 9, 9}, {}}};
    return request;
}

inline Result<ModelInfo> load(Segmenter& segmenter, const std::filesystem::path& file) {
    std::promise<Result<ModelInfo>> answer;
    segmenter.loadModel(file, [&](Result<ModelInfo> info) { answer.set_value(std::move(info)); });
    return answer.get_future().get();
}

inline Result<ModelInfo> loadSketch(Segmenter& segmenter, const std::filesystem::path& file) {
    std::promise<Result<ModelInfo>> answer;
    segmenter.loadSketchModel(file, [&](Result<ModelInfo> info) { answer.set_value(std::move(info)); });
    return answer.get_future().get();
}

inline Result<std::vector<Proposal>> ask(Segmenter& segmenter, SegmentRequest request,
                                         std::stop_token stop = {}) {
    std::promise<Result<std::vector<Proposal>>> answer;
    segmenter.submit(std::move(request), std::move(stop), {},
                     [&](RequestId, Result<std::vector<Proposal>> r) { answer.set_value(std::move(r)); });
    return answer.get_future().get();
}

/// Holds the inference thread inside the progress call of a first request until it is opened.
struct Gate {
    std::promise<void> reached, opened;
    std::atomic<bool> first{true};
    Progress progress() {
        return [this](double, std::string_view) {
            if (first.exchange(false)) {
                reached.set_value();
                opened.get_future().wait();
            }
        };
    }
};

/// Whether something comes true within a minute.
template <class Condition>
bool comesTrue(const Condition& condition) {
    for (int i = 0; i < 6000; ++i) {
        if (condition())
            return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

} // namespace tandem::test
