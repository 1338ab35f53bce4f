// The way a GPU goes, walked on the CPU device: fused attention, half precision, and giving up.
#include "inference/predict/embedding_store.h"
#include "inference/predict/engine.h"
#include "inference/predict/predictor.h"
#include "tests/inference/golden_engine.h"

#include <gtest/gtest.h>

#include <stdexcept>

using namespace tandem;
using namespace tandem::test;
using predict::Accelerator;
using predict::Engine;

namespace {

const Accelerator kFloat32{at::kCPU, at::kFloat};

// Fails as a GPU without memory does, at its first call alone.
class ShortOfMemory {
public:
    void operator()() {
        if (++calls_ == 1)
            throw std::runtime_error("CUDA out of memory. Tried to allocate 20.00 MiB");
    }

private:
    int calls_ = 0;
};

} // namespace

// Truth: reference.py in float64.
TEST(Accelerator, Float32_EmbeddingsMatchTheGoldens) {
    for (const std::string name :
         {"sam", "sam_relpos", "paper", "paper_block", "two_branch", "four_branch"}) {
        Engine engine(goldenModel(name), Arithmetic::Automatic, kFloat32);
        const at::Tensor out = engine.encode(goldenInput(name, engine.config()), kNoStep, kNoPulse);
        EXPECT_LT(difference(out, test::goldenTensor(name + "/tensors.safetensors", "enc.neck")), 3e-5)
            << name;
        EXPECT_FALSE(engine.gaveUp());
    }
}

// bfloat16 has 8 bits: 1 in 256 a number, more after a few layers. Coordinates in it would be off by pixels
// and the embedding by far more.
TEST(Accelerator, Bfloat16_EmbeddingsAreNear) {
    for (const std::string name : {"sam", "paper", "two_branch", "four_branch"}) {
        Engine engine(goldenModel(name), Arithmetic::Automatic, Accelerator{at::kCPU, at::kBFloat16});
        const at::Tensor out = engine.encode(goldenInput(name, engine.config()), kNoStep, kNoPulse);
        const at::Tensor expected = test::goldenTensor(name + "/tensors.safetensors", "enc.neck");
        EXPECT_EQ(out.scalar_type(), at::kFloat);
        const double error = ((out - expected).norm() / expected.norm()).item<double>();
        EXPECT_LT(error, 0.03) << name;
        EXPECT_GT(error, 1e-5) << name << " was not computed in half precision";
    }
}

TEST(Accelerator, Decode_MatchesTheGolden) {
    const std::string file = "sam/tensors.safetensors";
    for (const auto type : {at::kFloat, at::kBFloat16}) { // the decoder is float32 in both
        Engine engine(goldenModel("sam"), Arithmetic::Automatic, Accelerator{at::kCPU, type});
        net::PromptTensors prompts;
        prompts.boxes = test::goldenTensor(file, "box.in.boxes");
        const at::Tensor code = test::goldenTensor(file, "enc.neck");
        for (int turn = 0; turn < 2; ++turn) { // the second finds the embedding on the device
            const net::Decoded out = engine.decode(code, prompts, false);
            EXPECT_LT(difference(out.logits, test::goldenTensor(file, "box.low_res")), 3e-5);
        }
        const net::Decoded other = engine.decode(code * 0.5, prompts, false);
        EXPECT_GT(difference(other.logits, test::goldenTensor(file, "box.low_res")), 1e-2);
    }
}

TEST(Accelerator, OutOfMemory_TheProcessorGoesOnWithTheSameNumbers) {
    Engine engine(goldenModel("paper"), Arithmetic::Float32, Accelerator{at::kCPU, at::kBFloat16});
    ShortOfMemory fail;
    const at::Tensor out = engine.encode(
        goldenInput("paper", engine.config()), [&](std::string_view, double) { fail(); }, kNoPulse);
    EXPECT_TRUE(engine.gaveUp());
    EXPECT_LT(difference(out, test::goldenTensor("paper/tensors.safetensors", "enc.neck")), 3e-5);
}

TEST(Accelerator, AnotherFailure_IsNotHidden) {
    Engine engine(goldenModel("paper"), Arithmetic::Float32, kFloat32);
    const auto fail = [](std::string_view, double) { throw std::runtime_error("an illegal instruction"); };
    EXPECT_THROW(engine.encode(goldenInput("paper", engine.config()), fail, kNoPulse), std::runtime_error);
    EXPECT_FALSE(engine.gaveUp());
}

TEST(Accelerator, OutOfMemory_APersonIsTold) {
    predict::Predictor predictor(goldenModel("paper"), "id",
                                 std::make_shared<predict::EmbeddingStore>(predict::EmbeddingBudget{1 << 26}),
                                 Arithmetic::Float32, kFloat32);
    SegmentRequest request;
    request.volume = test::greyVolume(40, 40, 3);
    request.imageHash = "hash";
    request.window = {40, 400};
    request.slice.index = 1;
    request.objects = {{SliceBox{10, 10, 30, 30}, {}}};
    std::vector<std::string> sentences;
    int calls = 0;
    predict::Watch watch;
    watch.progress = [&](double, std::string_view sentence) {
        sentences.emplace_back(sentence);
        if (++calls == 3) // within the encode
            throw std::runtime_error("CUDA out of memory.");
    };
    const auto answer = predictor.predict(request, watch);
    ASSERT_TRUE(answer.has_value()) << answer.error().sentence;
    EXPECT_EQ(sentences.front(), "Encoding slice 1");

    sentences.clear();
    request.slice.index = 2;
    ASSERT_TRUE(predictor.predict(request, watch).has_value());
    EXPECT_EQ(sentences.front(),
              "Encoding slice 2 on the processor: the GPU's memory is too small for this model");
}
