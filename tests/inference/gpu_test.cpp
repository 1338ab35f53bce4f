// What only a GPU can show: that engine and trainer compute there what they compute on the CPU. Skips where
// LibTorch has none.
#include "tests/inference/golden_engine.h"
#include "tests/inference/train/tiny_trainer.h"

#include <gtest/gtest.h>

using namespace tandem;
using namespace tandem::test;
using predict::Engine;

// Truth: reference.py in float64.
TEST(Gpu, Float32_EmbeddingsAndMasksMatchTheGoldens) {
    if (!at::hasCUDA())
        GTEST_SKIP() << "LibTorch has no GPU here.";
    for (const std::string name :
         {"sam", "sam_relpos", "paper", "paper_block", "two_branch", "four_branch"}) {
        Engine engine(goldenModel(name), Arithmetic::Float32, predict::findAccelerator(Arithmetic::Float32));
        const std::string file = name + "/tensors.safetensors";
        const at::Tensor expected = test::goldenTensor(file, "enc.neck");
        const at::Tensor out = engine.encode(goldenInput(name, engine.config()), kNoStep, kNoPulse);
        EXPECT_LT(difference(out, expected), 3e-5) << name;
        EXPECT_FALSE(engine.gaveUp());
        if (name != "sam")
            continue;
        net::PromptTensors prompts;
        prompts.boxes = test::goldenTensor(file, "box.in.boxes");
        const net::Decoded masks = engine.decode(expected, prompts, false);
        EXPECT_LT(difference(masks.logits, test::goldenTensor(file, "box.low_res")), 3e-5);
    }
}

TEST(Gpu, Bfloat16_EmbeddingsAreNear) {
    if (!at::hasCUDA())
        GTEST_SKIP() << "LibTorch has no GPU here.";
    for (const std::string name : {"sam", "paper", "two_branch", "four_branch"}) {
        Engine engine(goldenModel(name), Arithmetic::Automatic,
                      predict::findAccelerator(Arithmetic::Automatic));
        const at::Tensor out = engine.encode(goldenInput(name, engine.config()), kNoStep, kNoPulse);
        const at::Tensor expected = test::goldenTensor(name + "/tensors.safetensors", "enc.neck");
        const double error = ((out - expected).norm() / expected.norm()).item<double>();
        EXPECT_LT(error, 0.03) << name;
        EXPECT_GT(error, 1e-5) << name << " was not computed in half precision";
    }
}

// The same batches and weights: the losses of a run on the CPU.
TEST(Gpu, Training_LossesAreThoseOfTheCpu) {
    if (!at::hasCUDA())
        GTEST_SKIP() << "LibTorch has no GPU here.";
    Recipe here = test::sceneRecipe(), there = here;
    here.gpu = false;
    train::Trainer cpu = test::newTrainer(test::tinyConfig(), here);
    train::Trainer gpu = test::newTrainer(test::tinyConfig(), there);
    for (int n = 0; n < 20; ++n)
        EXPECT_NEAR(*cpu.step(), *gpu.step(), 1e-3) << "step " << n;
    for (const auto& [key, w] : gpu.averageWeights())
        EXPECT_TRUE(w.is_cpu()) << key;
}
