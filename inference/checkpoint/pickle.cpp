#include "inference/checkpoint/pickle.h"

#include <array>
#include <bit>
#include <limits>
#include <optional>
#include <unordered_map>

// Source of the instructions: CPython Lib/pickletools.py; of the names and arguments: PyTorch torch/_utils.py
// and torch/serialization.py (persistent_load).
namespace tandem::checkpoint {
namespace {

// Limits that no state dict comes near; a hostile file must not cost more than a few hundred megabytes.
constexpr std::size_t kMostNodes = std::size_t{1} << 21, kMostDimensions = 16, kMostArguments = 16;

struct StorageName {
    std::string_view name;
    DType dtype;
};
constexpr std::array<StorageName, 10> kStorages{{{"torch FloatStorage", DType::F32},
                                                 {"torch HalfStorage", DType::F16},
                                                 {"torch BFloat16Storage", DType::BF16},
                                                 {"torch DoubleStorage", DType::F64},
                                                 {"torch LongStorage", DType::I64},
                                                 {"torch IntStorage", DType::I32},
                                                 {"torch ShortStorage", DType::I16},
                                                 {"torch CharStorage", DType::I8},
                                                 {"torch ByteStorage", DType::U8},
                                                 {"torch BoolStorage", DType::Bool}}};

std::optional<DType> storageType(std::string_view name) {
    for (const StorageName& s : kStorages)
        if (s.name == name)
            return s.dtype;
    return std::nullopt;
}

bool isKnownName(std::string_view name) {
    for (const std::string_view known : {"collections OrderedDict", "torch._utils _rebuild_tensor_v2",
                                         "torch._utils _rebuild_parameter", "torch Size"})
        if (name == known)
            return true;
    return storageType(name).has_value();
}

} // namespace

// The stack machine. A step that fails sets problem_ and returns false.
class Unpickler {
public:
    using Id = Pickle::Id;
    using Kind = Pickle::Kind;
    using Node = Pickle::Node;

    explicit Unpickler(std::span<const std::byte> bytes) : bytes_(bytes) {}

    bool run() {
        while (!done_)
            if (std::uint64_t op = 0; !number(1, op) || !step(static_cast<unsigned char>(op)))
                return false;
        return true;
    }
    Pickle take() { return std::move(out_); }
    const std::string& problem() const { return problem_; }
    bool refused() const { return refused_; }
    std::size_t position() const { return at_; }

private:
    bool damaged(std::string words) {
        problem_ = std::move(words);
        return false;
    }
    bool refuse(std::string words) {
        refused_ = true;
        return damaged(std::move(words));
    }

    // ---- bytes
    bool number(std::size_t size, std::uint64_t& out) {
        if (bytes_.size() - at_ < size)
            return damaged("it ends too early");
        out = 0;
        for (std::size_t i = 0; i < size; ++i)
            out |= std::to_integer<std::uint64_t>(bytes_[at_ + i]) << (8 * i);
        at_ += size;
        return true;
    }
    bool text(std::uint64_t size, std::string& out) {
        if (bytes_.size() - at_ < size)
            return damaged("it ends too early");
        out.assign(reinterpret_cast<const char*>(bytes_.data()) + at_, static_cast<std::size_t>(size));
        at_ += static_cast<std::size_t>(size);
        return true;
    }
    bool line(std::string& out) {
        out.clear();
        for (std::uint64_t c = 0; number(1, c);) {
            if (c == '\n')
                return true;
            out.push_back(static_cast<char>(c));
        }
        return false;
    }

    // ---- stack
    bool push(Node node) {
        if (out_.nodes_.size() >= kMostNodes)
            return refuse("it holds too many values");
        out_.nodes_.push_back(std::move(node));
        stack_.push_back(static_cast<Id>(out_.nodes_.size() - 1));
        return true;
    }
    bool push(Kind kind, std::int64_t integer = 0) {
        Node n;
        n.kind = kind;
        n.integer = integer;
        return push(std::move(n));
    }
    Node& top() { return out_.nodes_[stack_.back()]; }
    // Whether n values lie above the latest mark.
    bool need(std::size_t n) {
        const std::size_t floor = marks_.empty() ? 0 : marks_.back();
        return stack_.size() >= floor + n || damaged("its stack is empty");
    }
    bool popToMark(std::vector<Id>& items) {
        if (marks_.empty() || stack_.size() < marks_.back())
            return damaged("a mark is missing");
        items.assign(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
        stack_.resize(marks_.back());
        marks_.pop_back();
        return true;
    }
    std::vector<Id> popItems(std::size_t n) {
        std::vector<Id> items(stack_.end() - static_cast<std::ptrdiff_t>(n), stack_.end());
        stack_.resize(stack_.size() - n);
        return items;
    }

    // ---- instructions
    bool step(unsigned char op) {
        std::uint64_t n = 0;
        switch (op) {
        case 0x80: // PROTO
            return number(1, n) && (n <= 5 || refuse("its pickle protocol is newer than 5"));
        case 0x95: // FRAME
            return number(8, n);
        case '.':
            return stop();
        case '(':
            marks_.push_back(stack_.size());
            return true;
        case '0':
            return need(1) && (stack_.pop_back(), true);
        case '1':
            return popToMark(scratch_);
        case '2':
            return need(1) && (stack_.push_back(stack_.back()), true);
        case 'c':
        case 0x93:
            return global(op);
        case 'R':
            return reduce();
        case 'b':
            return build();
        case 'Q':
            return persistent();
        default:
            return memory(op) || (problem_.empty() && (value(op) || (problem_.empty() && container(op)))) ||
                   (problem_.empty() &&
                    refuse("it uses instruction " + std::to_string(op) + ", which weights do not need"));
        }
    }

    bool stop() {
        if (stack_.size() != 1 || !marks_.empty())
            return damaged("its stack does not end with one value");
        out_.root_ = stack_.back();
        return done_ = true;
    }

    bool remember(std::uint64_t n) {
        memo_[n] = stack_.back();
        return memo_.size() <= kMostNodes || refuse("it holds too many values");
    }

    // Returns false without a problem when the instruction is of another group.
    bool memory(unsigned char op) {
        std::uint64_t n = 0;
        switch (op) {
        case 'q':
        case 'r':
            return number(op == 'q' ? 1 : 4, n) && need(1) && remember(n);
        case 0x94:
            return need(1) && remember(memo_.size());
        case 'h':
        case 'j': {
            if (!number(op == 'h' ? 1 : 4, n))
                return false;
            const auto found = memo_.find(n);
            if (found == memo_.end())
                return damaged("it recalls a value that it never stored");
            stack_.push_back(found->second);
            return true;
        }
        default:
            return false;
        }
    }

    bool integer(std::size_t size, bool isSigned) {
        std::uint64_t n = 0;
        if (!number(size, n))
            return false;
        return push(Kind::Integer, isSigned ? static_cast<std::int32_t>(n) : static_cast<std::int64_t>(n));
    }

    // A whole number of any length; those beyond 64 bits become the largest one (no size is that large).
    bool longInteger(std::size_t lengthSize) {
        std::uint64_t size = 0;
        std::string digits;
        if (!number(lengthSize, size) || !text(size, digits))
            return false;
        if (digits.size() > 8)
            return push(Kind::Integer, std::numeric_limits<std::int64_t>::max());
        std::uint64_t v = !digits.empty() && (digits.back() & 0x80) ? ~std::uint64_t{0} : 0;
        for (std::size_t i = digits.size(); i-- > 0;)
            v = v << 8 | static_cast<unsigned char>(digits[i]);
        return push(Kind::Integer, static_cast<std::int64_t>(v));
    }

    bool real() {
        std::uint64_t bits = 0;
        for (int i = 0; i < 8; ++i) { // big-endian
            std::uint64_t byte = 0;
            if (!number(1, byte))
                return false;
            bits = bits << 8 | byte;
        }
        Node n;
        n.kind = Kind::Float;
        n.number = std::bit_cast<double>(bits);
        return push(std::move(n));
    }

    bool string(Kind kind, std::size_t lengthSize) {
        std::uint64_t size = 0;
        Node n;
        n.kind = kind;
        return number(lengthSize, size) && text(size, n.text) && push(std::move(n));
    }

    bool value(unsigned char op) {
        switch (op) {
        case 'N':
            return push(Kind::None);
        case 0x88:
        case 0x89:
            return push(Kind::Boolean, op == 0x88);
        case 'J':
            return integer(4, true);
        case 'K':
            return integer(1, false);
        case 'M':
            return integer(2, false);
        case 0x8a:
            return longInteger(1);
        case 0x8b:
            return longInteger(4);
        case 'G':
            return real();
        case 0x8c:
        case 'U':
            return string(Kind::Text, 1);
        case 'X':
        case 'T':
            return string(Kind::Text, 4);
        case 0x8d:
            return string(Kind::Text, 8);
        case 'C':
            return string(Kind::Bytes, 1);
        case 'B':
            return string(Kind::Bytes, 4);
        case 0x8e:
            return string(Kind::Bytes, 8);
        default:
            return false;
        }
    }

    bool tuple(std::vector<Id> items) {
        Node n;
        n.kind = Kind::Tuple;
        n.items = std::move(items);
        return push(std::move(n));
    }

    // Moves values into the list, set or dict below them.
    bool addTo(Kind kind, const std::vector<Id>& items) {
        if (!need(1) || top().kind != kind || (kind == Kind::Dict && items.size() % 2))
            return problem_.empty() ? damaged("values are added to something that cannot hold them") : false;
        top().items.insert(top().items.end(), items.begin(), items.end());
        return true;
    }

    bool container(unsigned char op) {
        std::vector<Id> items;
        switch (op) {
        case ']':
        case 0x8f: // a set is kept as a list
            return push(Kind::List);
        case '}':
            return push(Kind::Dict);
        case ')':
            return push(Kind::Tuple);
        case 't':
            return popToMark(items) && tuple(std::move(items));
        case 0x85:
        case 0x86:
        case 0x87:
            return need(op - 0x84u) && tuple(popItems(op - 0x84u));
        case 'a':
            return need(2) && addTo(Kind::List, popItems(1));
        case 'e':
        case 0x90:
            return popToMark(items) && addTo(Kind::List, items);
        case 's':
            return need(3) && addTo(Kind::Dict, popItems(2));
        case 'u':
            return popToMark(items) && addTo(Kind::Dict, items);
        default:
            return false;
        }
    }

    // A name of a class or function: known ones become a node, all others end the reading.
    bool global(unsigned char op) {
        std::string module, name;
        if (op == 'c') {
            if (!line(module) || !line(name))
                return false;
        } else {
            if (!need(2))
                return false;
            const std::vector<Id> parts = popItems(2);
            module = out_.nodes_[parts[0]].text;
            name = out_.nodes_[parts[1]].text;
        }
        Node n;
        n.kind = Kind::Global;
        n.text = module + " " + name;
        if (!isKnownName(n.text))
            return refuse("it asks for '" + module + "." + name +
                          "', which weights do not need. It was not run. Save the state dict alone");
        return push(std::move(n));
    }

    bool integersOf(const Node& tuple, std::vector<std::int64_t>& out) {
        if (tuple.items.size() > kMostDimensions)
            return refuse("a tensor has too many dimensions");
        for (const Id id : tuple.items) {
            const Node& n = out_.nodes_[id];
            if (n.kind != Kind::Integer)
                return damaged("a shape holds something other than numbers");
            out.push_back(n.integer);
        }
        return true;
    }

    bool rebuildTensor(const std::vector<Id>& args) {
        Node t;
        t.kind = Kind::Tensor;
        if (args.size() < 4 || out_.nodes_[args[0]].kind != Kind::Storage ||
            out_.nodes_[args[1]].kind != Kind::Integer)
            return damaged("a tensor's description is not usable");
        t.items = {args[0]};
        t.integer = out_.nodes_[args[1]].integer;
        return integersOf(out_.nodes_[args[2]], t.sizes) && integersOf(out_.nodes_[args[3]], t.strides) &&
               (t.sizes.size() == t.strides.size() || damaged("a tensor's description is not usable")) &&
               push(std::move(t));
    }

    // OrderedDict() or OrderedDict([(key, value), ...]).
    bool orderedDict(const std::vector<Id>& args) {
        Node d;
        d.kind = Kind::Dict;
        if (!args.empty())
            for (const Id pair : out_.nodes_[args[0]].items) {
                const Node& p = out_.nodes_[pair];
                if (++copied_ > kMostNodes)
                    return refuse("it holds too many values");
                if (p.items.size() != 2)
                    return damaged("a dict's entries are not pairs");
                d.items.insert(d.items.end(), p.items.begin(), p.items.end());
            }
        return push(std::move(d));
    }

    bool reduce() {
        if (!need(2))
            return false;
        const std::vector<Id> call = popItems(2);
        const Node& function = out_.nodes_[call[0]];
        const Node& tuple = out_.nodes_[call[1]];
        if (function.kind != Kind::Global || tuple.kind != Kind::Tuple || tuple.items.size() > kMostArguments)
            return refuse("it calls something that is not a function of a checkpoint");
        const std::vector<Id> args = tuple.items; // a copy: nodes move when the pool grows
        if (function.text == "torch._utils _rebuild_tensor_v2")
            return rebuildTensor(args);
        if (function.text == "collections OrderedDict")
            return orderedDict(args);
        if (args.empty())
            return damaged("a call lacks its arguments");
        if (function.text == "torch._utils _rebuild_parameter" || function.text == "torch Size") {
            stack_.push_back(args[0]);
            return true;
        }
        return refuse("it calls '" + function.text + "', which weights do not need");
    }

    // Attributes of a dict (its _metadata) are dropped; nothing else may have any.
    bool build() {
        if (!need(2))
            return false;
        stack_.pop_back();
        return top().kind == Kind::Dict || refuse("it sets attributes of something that is not a dict");
    }

    // ('storage', class, key, location, number of elements)
    bool persistent() {
        if (!need(1))
            return false;
        const std::vector<Id>& items = out_.nodes_[popItems(1)[0]].items;
        if (items.size() < 5 || out_.nodes_[items[0]].text != "storage")
            return damaged("a storage's description is not usable");
        const auto dtype = storageType(out_.nodes_[items[1]].text);
        if (!dtype || out_.nodes_[items[4]].kind != Kind::Integer)
            return damaged("a storage's description is not usable");
        Node s;
        s.kind = Kind::Storage;
        s.text = out_.nodes_[items[2]].text;
        s.integer = out_.nodes_[items[4]].integer;
        s.dtype = *dtype;
        return push(std::move(s));
    }

    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
    Pickle out_;
    std::vector<Id> stack_, scratch_;
    std::vector<std::size_t> marks_;
    std::unordered_map<std::uint64_t, Id> memo_;
    std::size_t copied_ = 0;
    std::string problem_;
    bool refused_ = false, done_ = false;
};

Result<Pickle> Pickle::parse(std::span<const std::byte> bytes, const std::string& file,
                             std::size_t* consumed) {
    Unpickler machine(bytes);
    if (!machine.run())
        return Error{machine.refused() ? ErrorCode::FormatUnsupported : ErrorCode::FormatInvalid,
                     file + " cannot be read as a checkpoint: " + machine.problem() + "."};
    if (consumed)
        *consumed = machine.position();
    return machine.take();
}

const Pickle::Node* Pickle::find(const Node& dict, std::string_view key) const {
    for (std::size_t i = 0; dict.kind == Kind::Dict && i + 1 < dict.items.size(); i += 2)
        if (nodes_[dict.items[i]].kind == Kind::Text && nodes_[dict.items[i]].text == key)
            return &nodes_[dict.items[i + 1]];
    return nullptr;
}

} // namespace tandem::checkpoint
