#pragma once

#include "core/image/label_map.h"
#include "core/image/volume.h"
#include "core/result.h"
#include "core/usecases/image_reader.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tandem {

/// One row of a PAIRS.csv: an image and a mask of it.
struct PairRow {
    std::string caseName, patient, modality, anatomy, labels, maskRead, source, licence, train;
    std::string dataSet;               ///< name of the folder that the image lies in
    std::filesystem::path image, mask; ///< absolute, or relative to the working folder
};

/// Reads a PAIRS.csv: a header with at least image and mask (case, patient, modality, anatomy, labels,
/// mask_read, source, licence, train are used where they are there), paths relative to the file; quoted
/// fields as in RFC 4180. Errors: FileNotFound, FileUnreadable, FormatInvalid with the line.
Result<std::vector<PairRow>> readPairs(const std::filesystem::path&);

/// The structures of a pair: labels on the image's grid.
struct PairLabels {
    LabelMap map;
    std::map<int, std::string> names; ///< every label that occurs
    bool instances = false;           ///< labels number things of one kind
};

/// Reads a row's mask as its mask_read says: empty (label values), "value=N", "value!=0" (every value an
/// instance) or "threshold>T" (pictures; the first component above T is label 1). The grid must be the
/// image's. Errors: the reader's, GridMismatch, FormatInvalid for a mask_read that is not known or a mask
/// that is empty.
Result<PairLabels> readPairLabels(const ImageReader&, const PairRow&, const Geometry& imageGrid);

/// 0..1 by a hash of seed and patient (FNV-1a, splitmix64): a patient is kept out where this is below the
/// share.
double patientHash(std::string_view patient, std::uint64_t seed);

} // namespace tandem
