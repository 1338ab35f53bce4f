"""Writes measure_expected.inc: values of numpy and scipy that the tests of core/measure compare with.
Run: python3 make_expected.py > measure_expected.inc"""
import numpy as np
import scipy.ndimage as ndi
import scipy.sparse as sp
import scipy.sparse.linalg as sl

rs = np.random.RandomState(5)


def put(kind, name, values):
    text = ", ".join(f"{v:.9g}" if kind != "std::uint8_t" else str(int(v)) for v in np.ravel(values))
    print(f"const std::vector<{kind}> {name}{{{text}}};")


def walker(grey, seeds, beta, prior=None, weight=None):
    h, w = grey.shape
    n = h * w
    idx = np.arange(n).reshape(h, w)
    pairs = np.concatenate([np.stack([idx[:, :-1].ravel(), idx[:, 1:].ravel()], 1),
                            np.stack([idx[:-1].ravel(), idx[1:].ravel()], 1)])
    g = grey.ravel()
    e = np.exp(-beta * (g[pairs[:, 0]] - g[pairs[:, 1]]) ** 2) + 1e-6
    a = sp.coo_matrix((e, (pairs[:, 0], pairs[:, 1])), (n, n)).tocsr()
    a = a + a.T
    m = sp.diags(np.asarray(a.sum(1)).ravel()) - a
    b = np.zeros(n)
    if prior is not None:
        m = m + sp.diags(weight.ravel())
        b = (weight * prior).ravel()
    s = seeds.ravel()
    fixed, x = s > 0, np.where(s == 1, 1.0, 0.0)
    free = ~fixed
    m = m.tocsr()
    x[free] = sl.spsolve(m[free][:, free].tocsc(), b[free] - m[free][:, fixed] @ x[fixed])
    return x


w, h = 9, 7
grey = np.round(np.clip(ndi.gaussian_filter(rs.rand(h, w), 1) * 2 - 0.5, 0, 1), 4)
seeds = np.zeros((h, w), int)
seeds[3, 4], seeds[0, :], seeds[6, 2] = 1, 2, 2
prior, weight = np.round(rs.rand(h, w), 4), np.round(rs.rand(h, w) * 0.2, 4)
put("float", "walkerGrey", grey)
put("std::uint8_t", "walkerSeeds", seeds)
put("float", "walkerPrior", prior)
put("float", "walkerWeight", weight)
put("float", "walkerSeedsOnly", walker(grey, seeds, 30))
put("float", "walkerWithPrior", walker(grey, seeds, 30, prior, weight))

mask = (rs.rand(4, 6, 8) > 0.93).astype(int)
put("std::uint8_t", "distanceFeature", mask)
put("double", "distanceExpected", ndi.distance_transform_edt(mask == 0, sampling=(2.5, 0.7, 1.3)) ** 2)

blobs = (ndi.gaussian_filter(rs.rand(3, 10, 12), 0.8) > 0.5).astype(int)
put("std::uint8_t", "componentMask", blobs)
for name, structure in (("Faces", ndi.generate_binary_structure(3, 1)), ("Corners", np.ones((3, 3, 3)))):
    label, n = ndi.label(blobs, structure)
    put("double", f"componentSizes{name}", sorted(np.bincount(label.ravel())[1:]))
