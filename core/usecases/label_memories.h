#pragma once

#include "core/geometry/slice_plane.h"
#include "core/usecases/label_lean.h"
#include "core/usecases/project_store.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace tandem {

/// What the masks of a project taught, for each label and plane. Kept in the project as settings. A memory is
/// about an owner (a model, a label's name) and begins anew with another one. Thread: one at a time.
class LabelMemories {
public:
    /// Null where nothing is known. Errors of the store count as nothing known.
    std::shared_ptr<const BoxLean> lean(ProjectStore&, LabelId, Plane, const std::string& owner);
    void add(ProjectStore&, LabelId, Plane, const std::string& owner, LabelExample);
    /// Errors: the store's.
    Result<void> save(ProjectStore&);
    /// Forgets everything about a project, in it too. Errors: the store's.
    Result<void> forget(ProjectStore&);
    /// Leaves the project: the next call is about another one.
    void leave() { known_.clear(); }

private:
    struct Known {
        std::string owner;
        LabelMemory memory;
        bool saved = true;
    };
    using Key = std::pair<LabelId, Plane>;
    Known& of(ProjectStore&, const Key&);

    std::map<Key, Known> known_;
};

} // namespace tandem
