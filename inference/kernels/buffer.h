#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace tandem::kernels {

namespace memory {
/// `bytes` on a cache line boundary; from 1 MB on straight from the system in large pages where it has them
/// (fewer page faults, and no allocator keeps them afterwards). Throws std::bad_alloc.
void* take(std::size_t bytes);
/// Gives back what take(bytes) gave; null is allowed.
void giveBack(void*, std::size_t bytes) noexcept;
} // namespace memory

/// A block of float32 on a cache line boundary, not initialised. Movable; grows by throwing its content away.
class FloatBuffer {
public:
    FloatBuffer() = default;
    explicit FloatBuffer(std::size_t count) { reserve(count); }
    ~FloatBuffer() { release(); }
    FloatBuffer(FloatBuffer&& other) noexcept { swap(other); }
    FloatBuffer& operator=(FloatBuffer&& other) noexcept {
        swap(other);
        return *this;
    }

    /// At least `count` floats; what was in the buffer is lost when it has to grow. Throws std::bad_alloc.
    float* reserve(std::size_t count) {
        if (count > size_) {
            release();
            data_ = static_cast<float*>(memory::take(count * sizeof(float)));
            size_ = count;
        }
        return data_;
    }
    void release() noexcept {
        memory::giveBack(data_, size_ * sizeof(float));
        data_ = nullptr;
        size_ = 0;
    }
    float* data() { return data_; }
    const float* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    void swap(FloatBuffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }
    float* data_ = nullptr;
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

/// Rows of bfloat16 numbers (bfloat16.h), `stride` of them apart. Borrows.
struct HalfMatrix {
    std::uint16_t* data = nullptr;
    std::size_t rows = 0, columns = 0, stride = 0;
    std::uint16_t* row(std::size_t r) const { return data + r * stride; }
};

} // namespace tandem::kernels
