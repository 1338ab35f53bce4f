#include "inference/network/training_ops.h"

#ifdef TANDEM_KERNELS

#include "inference/kernels/deformable.h"
#include "inference/kernels/softmax_rows.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace tandem::net {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Calls rows(first, count) for shares of a tensor's rows on LibTorch's threads.
template <class Rows>
void shareRows(const at::Tensor& x, const Rows& rows) {
    const std::int64_t columns = x.size(-1);
    at::parallel_for(0, x.numel() / columns, 64, [&](std::int64_t first, std::int64_t last) {
        rows(first * columns, static_cast<std::size_t>(last - first), static_cast<std::size_t>(columns));
    });
}

std::uint16_t* halves(const at::Tensor& x) {
    return reinterpret_cast<std::uint16_t*>(x.data_ptr<at::BFloat16>());
}

void softmaxInPlace(const at::Tensor& x, float scale) {
    shareRows(x, [&](std::int64_t at, std::size_t rows, std::size_t columns) {
        if (x.scalar_type() == at::kFloat)
            kernels::softmaxRows(rows, columns, scale, x.data_ptr<float>() + at);
        else
            kernels::softmaxRows(rows, columns, scale, halves(x) + at);
    });
}

void softmaxGradient(const at::Tensor& weights, const at::Tensor& g, float scale) {
    shareRows(g, [&](std::int64_t at, std::size_t rows, std::size_t columns) {
        if (g.scalar_type() == at::kFloat)
            kernels::softmaxRowsGradient(rows, columns, scale, weights.data_ptr<float>() + at,
                                         g.data_ptr<float>() + at);
        else
            kernels::softmaxRowsGradient(rows, columns, scale, halves(weights) + at, halves(g) + at);
    });
}

// Attention of n matrices, so many at a time that their scores stay in the cache.
struct Slices {
    const at::Tensor &q, &k, &value;
    std::int64_t step;

    Slices(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values)
        : q(queries), k(keys), value(values) {
        constexpr std::int64_t cache = 1 << 22; // bytes
        const std::int64_t bytes = q.size(1) * k.size(1) * static_cast<std::int64_t>(q.element_size());
        step = std::clamp<std::int64_t>(cache / bytes, 1, q.size(0));
    }
    at::Tensor scoreMemory() const { return at::empty({step, q.size(1), k.size(1)}, q.options()); }
    // The weights of `count` slices from `first` on, in that memory.
    at::Tensor weights(at::Tensor& memory, std::int64_t first, std::int64_t count, double scale) const {
        at::Tensor s = memory.narrow(0, 0, count);
        at::bmm_out(s, q.narrow(0, first, count), k.narrow(0, first, count).transpose(1, 2));
        softmaxInPlace(s, static_cast<float>(scale));
        return s;
    }
    template <class Share>
    void forEach(const Share& share) const {
        for (std::int64_t first = 0; first < q.size(0); first += step)
            share(first, std::min(step, q.size(0) - first));
    }
};

class Attend : public torch::autograd::Function<Attend> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                              const at::Tensor& value, double scale) {
        context->save_for_backward({q, k, value});
        context->saved_data["scale"] = scale;
        const Slices slices(q, k, value);
        at::Tensor out = at::empty_like(q), memory = slices.scoreMemory();
        slices.forEach([&](std::int64_t first, std::int64_t count) {
            at::Tensor o = out.narrow(0, first, count);
            at::bmm_out(o, slices.weights(memory, first, count, scale), value.narrow(0, first, count));
        });
        return out;
    }

    static variable_list backward(AutogradContext* context, const variable_list& gradient) {
        const variable_list saved = context->get_saved_variables();
        const double scale = context->saved_data["scale"].toDouble();
        const Slices slices(saved[0], saved[1], saved[2]);
        const at::Tensor g = gradient[0].contiguous();
        at::Tensor byQ = at::empty_like(slices.q), byK = at::empty_like(slices.k),
                   byValue = at::empty_like(slices.value);
        at::Tensor memory = slices.scoreMemory(), other = slices.scoreMemory();
        slices.forEach([&](std::int64_t first, std::int64_t count) {
            const auto share = [&](const at::Tensor& x) { return x.narrow(0, first, count); };
            at::Tensor q = share(byQ), k = share(byK), value = share(byValue), by = other.narrow(0, 0, count);
            const at::Tensor w = slices.weights(memory, first, count, scale);
            at::bmm_out(value, w.transpose(1, 2), share(g));
            at::bmm_out(by, share(g), share(slices.value).transpose(1, 2));
            softmaxGradient(w, by, static_cast<float>(scale));
            at::bmm_out(q, by, share(slices.k));
            at::bmm_out(k, by.transpose(1, 2), share(slices.q));
        });
        return {byQ, byK, byValue, at::Tensor()};
    }
};

// The rows of one item of a batch: B, rows, columns.
kernels::Matrix item(const at::Tensor& x, std::int64_t b) {
    const auto rows = static_cast<std::size_t>(x.size(1)), columns = static_cast<std::size_t>(x.size(2));
    return {x.data_ptr<float>() + b * x.stride(0), rows, columns, columns};
}

// What SampleMaps is made of, beside its tensors.
struct SampledMaps {
    std::vector<kernels::MapSize> levels;
    std::size_t heads = 0, points = 0;

    explicit SampledMaps(const std::vector<std::int64_t>& numbers)
        : heads(static_cast<std::size_t>(numbers[0])), points(static_cast<std::size_t>(numbers[1])) {
        for (std::size_t i = 2; i < numbers.size(); i += 2)
            levels.push_back(
                {static_cast<std::size_t>(numbers[i]), static_cast<std::size_t>(numbers[i + 1])});
    }
};

// A share of a batch's items for each of LibTorch's threads.
template <class Item>
void shareItems(std::int64_t count, const Item& each) {
    at::parallel_for(0, count, 1, [&](std::int64_t first, std::int64_t last) {
        kernels::Workers alone(1);
        for (std::int64_t b = first; b < last; ++b)
            each(alone, b);
    });
}

class SampleMaps : public torch::autograd::Function<SampleMaps> {
public:
    // @param numbers  heads, points, then height and width of each level
    static at::Tensor forward(AutogradContext* context, const at::Tensor& values, const at::Tensor& offsets,
                              const at::Tensor& logits, const at::Tensor& reference,
                              const std::vector<std::int64_t>& numbers) {
        context->save_for_backward({values, offsets, logits, reference});
        context->saved_data["numbers"] = numbers;
        const SampledMaps maps(numbers);
        at::Tensor out = at::empty({offsets.size(0), offsets.size(1), values.size(2)}, values.options());
        shareItems(values.size(0), [&](kernels::Workers& alone, std::int64_t b) {
            kernels::deformableAttention(alone, maps.heads, maps.points, maps.levels, item(values, b),
                                         item(reference, 0), item(offsets, b), item(logits, b), item(out, b));
        });
        return out;
    }

    static variable_list backward(AutogradContext* context, const variable_list& gradient) {
        const variable_list saved = context->get_saved_variables();
        const at::Tensor &values = saved[0], &offsets = saved[1], &logits = saved[2], &reference = saved[3];
        const SampledMaps maps(context->saved_data["numbers"].toIntVector());
        const at::Tensor g = gradient[0].contiguous();
        const at::Tensor byValue = at::zeros_like(values), byOffset = at::empty_like(offsets),
                         byLogit = at::empty_like(logits);
        shareItems(values.size(0), [&](kernels::Workers& alone, std::int64_t b) {
            kernels::deformableAttentionGradients(alone, maps.heads, maps.points, maps.levels,
                                                  item(values, b), item(reference, 0), item(offsets, b),
                                                  item(logits, b), item(g, b),
                                                  {item(byValue, b), item(byOffset, b), item(byLogit, b)});
        });
        return {byValue, byOffset, byLogit, at::Tensor(), at::Tensor()};
    }
};

} // namespace

std::optional<at::Tensor> attendInCache(const at::Tensor& q, const at::Tensor& k, const at::Tensor& value,
                                        double scale) {
    const at::ScalarType type = q.scalar_type();
    if (!q.is_cpu() || (type != at::kFloat && type != at::kBFloat16))
        return std::nullopt;
    return Attend::apply(q.contiguous(), k.contiguous(), value.contiguous(), scale);
}

std::optional<at::Tensor> sampleMaps(const at::Tensor& values, const at::Tensor& offsets,
                                     const at::Tensor& logits, const at::Tensor& reference,
                                     const std::vector<std::array<std::int64_t, 2>>& shapes, int heads,
                                     int points) {
    const std::size_t samples = shapes.size() * static_cast<std::size_t>(points);
    if (!values.is_cpu() || values.scalar_type() == at::kDouble || samples > kernels::kMostDeformableSamples)
        return std::nullopt;
    std::vector<std::int64_t> numbers{heads, points};
    for (const auto& [height, width] : shapes)
        numbers.insert(numbers.end(), {height, width});
    const auto floats = [](const at::Tensor& x) { return x.to(at::kFloat).contiguous(); };
    return SampleMaps::apply(floats(values), floats(offsets), floats(logits), floats(reference), numbers);
}

} // namespace tandem::net

#else

namespace tandem::net {

std::optional<at::Tensor> attendInCache(const at::Tensor&, const at::Tensor&, const at::Tensor&, double) {
    return std::nullopt;
}
std::optional<at::Tensor> sampleMaps(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                     const at::Tensor&, const std::vector<std::array<std::int64_t, 2>>&, int,
                                     int) {
    return std::nullopt;
}

} // namespace tandem::net

#endif
