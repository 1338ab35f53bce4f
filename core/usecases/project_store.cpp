#include "core/usecases/project_store.h"

namespace tandem {

std::string_view caseStateName(CaseState state) {
    switch (state) {
    case CaseState::New:
        return "new";
    case CaseState::InProgress:
        return "in progress";
    case CaseState::Submitted:
        return "submitted";
    case CaseState::Approved:
        return "approved";
    case CaseState::Rejected:
        return "rejected";
    }
    return "new";
}

} // namespace tandem
