#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace tandem::kernels {

/// A block of float32 on a cache line boundary, not initialised. Movable; grows by throwing its content away.
class FloatBuffer {
public:
    FloatBuffer() = default;
    explicit FloatBuffer(std::size_t count) { reserve(count); }

    /// At least `count` floats; what was in the buffer is lost when it has to grow. Throws std::bad_alloc.
    float* reserve(std::size_t count) {
        if (count > size_) {
            data_.reset();
            size_ = 0;
            const std::size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
            data_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
            if (!data_)
                throw std::bad_alloc();
            size_ = count;
        }
        return data_.get();
    }
    void release() {
        data_.reset();
        size_ = 0;
    }
    float* data() { return data_.get(); }
    const float* data() const { return data_.get(); }
    std::size_t size() const { return size_; }

private:
    struct Free {
        void operator()(float* p) const { std::free(p); }
    };
    std::unique_ptr<float, Free> data_;
    std::size_t size_ = 0;
};

/// Rows of float32, `stride` floats apart. Borrows.
struct ConstMatrix {
    const float* data = nullptr;
    std::size_t rows = 0, columns = 0, stride = 0;
    const float* row(std::size_t r) const { return data + r * stride; }
};

/// The same, writable.
struct Matrix {
    float* data = nullptr;
    std::size_t rows = 0, columns = 0, stride = 0;
    float* row(std::size_t r) const { return data + r * stride; }
    operator ConstMatrix() const { return {data, rows, columns, stride}; }
    /// `count` rows from `first` on.
    Matrix slice(std::size_t first, std::size_t count) const {
        return {data + first * stride, count, columns, stride};
    }
};

} // namespace tandem::kernels
