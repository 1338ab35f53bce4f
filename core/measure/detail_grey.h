#pragma once

#include "core/image/volume.h"
#include "core/usecases/segmenter.h"

namespace tandem {

/// A slice with one component in which the details of a colour slice (8 bits a colour) stand out from its
/// shading: nuclei, vessels, glands in a picture full of them. Of the logarithms log(v + 20) of red, green
/// and blue the mix with the largest variance at scales between 0.8 and 4 cells in units of that above 4
/// cells, on 256 cells along the box's longer side; turned so that brighter details stay brighter. Around
/// what is all but black, as the rim of an eyepiece, nothing is looked at; the mix is cut at the darkest 2 %
/// of the rest. Thread: any; pure. Source of the criterion: generalised eigenvectors, as Fisher's.
SliceImage detailGrey(const SliceImage& colours, const SliceBox&);

} // namespace tandem
