#include "app/gui/shell/propagation_list.h"

#include "app/gui/document/document.h"
#include "app/gui/shell/jobs.h"
#include "app/gui/shell/model_chooser.h"
#include "app/gui/shell/notices.h"

#include <algorithm>

namespace tandem {

PropagationList::PropagationList(Document& document, ModelChooser& model, JobList& jobs, NoticeList& notices,
                                 QObject* parent)
    : QAbstractListModel(parent), document_(document), model_(model), jobs_(jobs), notices_(notices) {
    connect(&document_, &Document::openChanged, this, &PropagationList::forget);
}

bool PropagationList::possible() {
    if (!document_.isOpen() || running_ || document_.strokeInHand())
        return false;
    if (model_.state() != ModelChooser::Ready) {
        notices_.add(NoticeList::Warning, tr("There is no network yet to propagate with."));
        return false;
    }
    if (document_.proposalState() != Document::Ready && document_.activeLabelName().isEmpty()) {
        sayNothingHere();
        return false;
    }
    return document_.readyToDraw();
}

void PropagationList::sayNothingHere() {
    const QString name = document_.activeLabelName();
    notices_.add(NoticeList::Info,
                 name.isEmpty()
                     ? tr("There is no mask on this slice. Draw one, or take a proposal, then propagate it.")
                     : tr("“%1” has no mask on this slice. Draw one, or take a proposal, then propagate it.")
                           .arg(name));
}

void PropagationList::start() {
    if (!possible())
        return;
    document_.acceptProposal();
    document_.edits()->whenSaved([this] { launch(); });
}

void PropagationList::launch() {
    if (running_ || !document_.isOpen())
        return;
    const LabelId label{static_cast<std::uint16_t>(document_.activeLabel())};
    const auto plane = static_cast<Plane>(document_.activePlane());
    PropagateRequest request{document_.volume(),
                             document_.imageHash(),
                             document_.window(),
                             seedsFromLabel(document_.edits()->labels(), plane, label),
                             {}};
    const SliceKey here = document_.sliceOf(plane);
    const bool isHere = std::any_of(request.seeds.begin(), request.seeds.end(),
                                    [&here](const PropagationSeed& s) { return s.slice == here; });
    if (!isHere)
        return sayNothingHere();
    dismiss();
    running_ = true;
    Q_EMIT changed();
    const Volume* volume = document_.volume().get();
    job_ = jobs_.start<Outcome>(
        tr("Propagate %1").arg(document_.activeLabelName()),
        [request = std::move(request),
         segmenter = model_.segmenter()](const JobControl& control) -> Result<Outcome> {
            Result<Propagation> done = propagate(request, *segmenter, control.progress, control.stop);
            if (!done)
                return done.error();
            std::vector<SliceFinding> findings = reviewPropagation(*done);
            return Outcome{std::make_shared<const Propagation>(std::move(*done)), std::move(findings)};
        },
        this, [this, volume, label](Result<Outcome> outcome) { take(volume, label, outcome); });
}

void PropagationList::take(const Volume* volume, LabelId label, const Result<Outcome>& outcome) {
    running_ = false;
    Q_EMIT changed();
    if (!outcome)
        return notices_.add(outcome.error(), tr("Propagation"));
    if (document_.volume().get() != volume)
        return; // another case is open now
    const auto& slices = outcome->propagation->slices;
    const auto added =
        std::count_if(slices.begin(), slices.end(), [](const PropagatedSlice& s) { return !s.seed; });
    if (added == 0)
        return notices_.add(NoticeList::Info,
                            tr("The neighbouring slices do not continue this mask, so nothing was changed."));
    if (!document_.commitPropagation(outcome->propagation, label))
        return;
    beginResetModel();
    findings_ = outcome->findings;
    endResetModel();
    summary_ = count() == 0 ? tr("%1 slices added").arg(added)
                            : tr("%1 slices added, %2 to look at").arg(added).arg(count());
    shown_ = true;
    Q_EMIT changed();
}

void PropagationList::stop() {
    jobs_.cancel(job_);
}

void PropagationList::goTo(int row) {
    if (row < 0 || row >= count() || !document_.isOpen())
        return;
    const SliceKey& slice = findings_[static_cast<std::size_t>(row)].slice;
    document_.setActivePlane(static_cast<int>(slice.plane));
    document_.setSlice(static_cast<int>(slice.plane), static_cast<int>(slice.index));
}

void PropagationList::dismiss() {
    beginResetModel();
    findings_.clear();
    endResetModel();
    shown_ = false;
    Q_EMIT changed();
}

void PropagationList::forget() {
    if (running_)
        stop();
    dismiss();
}

QVariant PropagationList::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() < 0 || index.row() >= count())
        return {};
    const SliceFinding& f = findings_[static_cast<std::size_t>(index.row())];
    switch (role) {
    case SentenceRole:
        return QString::fromStdString(f.sentence);
    case SliceRole:
        return static_cast<int>(f.slice.index);
    default:
        return {};
    }
}

QHash<int, QByteArray> PropagationList::roleNames() const {
    return {{SentenceRole, "sentence"}, {SliceRole, "slice"}};
}

} // namespace tandem
