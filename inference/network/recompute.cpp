#include "inference/network/layers.h"
#include "inference/network/mixed_precision.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace tandem::net {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using Block = std::function<at::Tensor(const at::Tensor&)>;

// Carries a block through the context of the autograd function.
struct Kept : torch::CustomClassHolder {
    explicit Kept(Block b) : block(std::move(b)) {}
    Block block;
};

// Remembers a block's input alone. The trained weights are arguments so that their gradients find the way
// out.
class Recompute : public torch::autograd::Function<Recompute> {
public:
    static at::Tensor forward(AutogradContext* context, const Block& block, const at::Tensor& x,
                              const at::TensorList& weights) {
        context->saved_data["block"] = c10::IValue::make_capsule(
            c10::static_intrusive_pointer_cast<torch::CustomClassHolder>(c10::make_intrusive<Kept>(block)));
        context->saved_data["bfloat16"] = MixedPrecision::inForce(x.is_cuda());
        variable_list saved{x};
        saved.insert(saved.end(), weights.begin(), weights.end());
        context->save_for_backward(std::move(saved));
        return block(x); // gradients are off here
    }

    static variable_list backward(AutogradContext* context, const variable_list& gradient) {
        const variable_list saved = context->get_saved_variables();
        const auto kept = c10::static_intrusive_pointer_cast<Kept>(context->saved_data["block"].toCapsule());
        const at::AutoGradMode gradients(true);
        variable_list inputs{saved[0].detach().requires_grad_(true)};
        inputs.insert(inputs.end(), saved.begin() + 1, saved.end());
        at::Tensor y;
        {
            const MixedPrecision mixed(context->saved_data["bfloat16"].toBool(), saved[0].is_cuda());
            y = kept->block(inputs[0]);
        }
        variable_list found = torch::autograd::grad({y}, inputs, {gradient[0]}, c10::nullopt, false, true);
        found.insert(found.begin(), at::Tensor()); // none for the block itself
        return found;
    }
};

} // namespace

at::Tensor recomputedVitBlock(const View& v, const at::Tensor& x, const NetworkConfig& c, int window,
                              const Forward& forward) {
    const std::vector<at::Tensor> weights = v.trained();
    if (!at::GradMode::is_enabled() || (weights.empty() && !x.requires_grad()))
        return vitBlock(v, x, c, window, forward);
    Forward plain; // the settings that a block heeds; the caller's may be gone before the backward pass
    plain.publishedAttention = forward.publishedAttention;
    const Block block = [v, c, window, plain](const at::Tensor& input) {
        return vitBlock(v, input, c, window, plain);
    };
    return Recompute::apply(block, x, at::TensorList(weights));
}

} // namespace tandem::net
