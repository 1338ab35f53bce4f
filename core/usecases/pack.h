#pragma once

#include "core/result.h"
#include "core/usecases/image_reader.h"
#include "core/usecases/job.h"
#include "core/usecases/pairs.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace tandem {

/// What `tandem pack` takes from its pairs.
struct PackOptions {
    double keptOutShare = 0.15;        ///< of the patients, by patientHash
    std::uint64_t seed = 1;            ///< of that hash
    std::vector<std::string> leaveOut; ///< data sets that are kept out whole
    bool everything =
        false; ///< also pairs whose licence does not allow training (marked; trainers refuse them)
    std::int64_t slicesPerPlane = 40; ///< of one case and plane, evenly spread
    std::int64_t smallestObject = 20; ///< px; smaller structures of a slice are left out
    bool unlabelled = false;          ///< images without masks: any slice will do, none is kept out
};

struct PackReport {
    std::int64_t cases = 0, slices = 0, structures = 0, keptOutSlices = 0;
    std::vector<std::string> skipped; ///< sentences: pairs that could not be read, and why
};

/// Whether a patient is kept out of training under these options.
bool isKeptOut(const PairRow&, const PackOptions&);

/// An image with the masks that belong to it.
struct PackImage {
    std::shared_ptr<const Volume> volume;
    std::vector<PairLabels> masks;
};

/// One image to be packed, loaded when its turn comes.
struct PackCase {
    PairRow row; ///< case, patient, modality, data set, licence and train are used
    std::function<Result<PackImage>()> load;
    std::optional<bool> keptOut; ///< empty: by the options, see isKeptOut
};

/// The pairs as cases: rows of one image belong together, in the order of their first row. The reader must
/// outlive them.
std::vector<PackCase> casesFromPairs(const ImageReader&, const std::vector<PairRow>&);

/// The images of a folder (files of known kinds in it and below, masks beside an image passed over; a
/// folder's DICOM series) as cases without masks, for PackOptions::unlabelled. The reader must outlive them.
/// Error: FileNotFound, FormatInvalid if there is none.
Result<std::vector<PackCase>> casesFromImages(const ImageReader&, const std::filesystem::path& folder);

/// The pairs of a folder without a table: every NAME.nii.gz, .nii, .nrrd, .mha, .png with a NAME_seg or
/// NAME_mask beside it; nnU-Net's imagesTr/NAME_0000 with labelsTr/NAME (names and modality from
/// dataset.json, one channel); MedSAM's imgs/NAME.npy with gts/NAME.npy and its archives NAME.npz of imgs and
/// gts; DB-SAM's npy_images/NAME.npz with npy_gts/NAME.npy. Where NumPy files are single slices, NAME-12 is
/// of patient NAME. They may train: whoever packs them decides so. Error: FileNotFound, FormatInvalid if
/// there is none.
Result<std::vector<PairRow>> findPairs(const std::filesystem::path& folder);

/// Writes the labelled slices of cases as a pack: pack.json and shards of safetensors (see pack_file.h).
/// Volumes are cut in three planes where their spacing is nearly isotropic (ratio below 1.6), else in the
/// plane of their thickest axis. pack.json is written last, so that a pack is complete or none. Cases that
/// may not train are left out unless the options say otherwise; those that cannot be read are skipped and
/// reported. Errors: FileUnwritable, InvalidArgument if the folder holds a pack already, FormatInvalid if
/// nothing is left, Cancelled. Thread: a worker.
Result<PackReport> writePack(const std::vector<PackCase>&, const PackOptions&,
                             const std::filesystem::path& out, const Progress&, std::stop_token);
/// The same for pairs.
Result<PackReport> writePack(const ImageReader&, const std::vector<PairRow>&, const PackOptions&,
                             const std::filesystem::path& out, const Progress&, std::stop_token);

} // namespace tandem
