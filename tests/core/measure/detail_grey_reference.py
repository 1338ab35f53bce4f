#!/usr/bin/env python3
"""The numbers of detail_grey_test.cpp by other means: SciPy's generalised eigenvectors and Gaussian filters."""
import numpy as np
from scipy.linalg import eigh
from scipy.ndimage import gaussian_filter

N = 256  # the picture is as large as the grid, so that a cell is a pixel
y, x = np.mgrid[:N, :N].astype(float)
veins = np.maximum(0, np.sin(0.35 * x + 2 * np.sin(0.05 * y)) - 0.6)
shade = np.cos(0.02 * x) * np.cos(0.025 * y)
colours = np.stack([150 + 60 * shade - 20 * veins, 110 + 25 * shade - 70 * veins, 60 + 30 * shade + 10 * veins], -1)
colours[np.hypot(x - 128, y - 128) > 125] = 3  # the rim of an eyepiece
colours = colours.astype(np.float32)

gauss = lambda v, s: gaussian_filter(v, s, truncate=np.ceil(3 * s) / s, mode="nearest")
luminance = np.array([0.299, 0.587, 0.114])
lit = gauss(((colours @ luminance) < 20).astype(float), 4) < 1e-3
logs = [np.log(colours[..., c].astype(float) + 20) for c in range(3)]


def quantile(v, q):
    return np.sort(v)[int(np.floor(q * (len(v) - 1) + 0.5))]


details, shading = [], []
for v in logs:
    d = (gauss(v, 0.8) - gauss(v, 4))[lit]
    details.append(np.clip(d, quantile(d, 0.02), quantile(d, 0.98)))
    shading.append(gauss(v, 4)[lit])
a, b = np.cov(details, bias=True), np.cov(shading, bias=True)
values, vectors = eigh(a, b + np.eye(3) * np.trace(b) / 3)
w = vectors[:, -1]
w /= np.abs(w).sum()
w *= np.sign(w @ a @ luminance)
out = sum(w[c] * logs[c] for c in range(3))
out = np.maximum(out, quantile(out[lit], 0.02))
print("weights", w, "lit", lit.sum())
for px, py in [(128, 128), (60, 80), (140, 50), (120, 150), (33, 101), (0, 0)]:
    print(f"{{{px}, {py}, {out[py, px]:.5f}F}},")
