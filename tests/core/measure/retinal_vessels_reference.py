#!/usr/bin/env python3
"""The numbers of retinal_vessels_test.cpp by other means: SciPy's Gaussian filters, NumPy's eigenvalues."""
import numpy as np
from scipy.ndimage import gaussian_filter, label

N = 384  # the picture is as large as the grid, so that a cell is a pixel
y, x = np.mgrid[:N, :N].astype(float)
radius = np.hypot(x - 192, y - 192)
depth = np.zeros((N, N))
for k in range(8):  # vessels from the disc outward, each with a branch
    angle = np.arctan2(y - 192, x - 192) - (2 * np.pi * k / 8 + 0.15 * np.sin(0.04 * radius + k))
    for turn in (0, 0.0022 * np.maximum(0, radius - 60)):
        off = np.angle(np.exp(1j * (angle - turn))) * radius
        depth = np.maximum(depth, np.exp(-0.5 * (off / 2.0) ** 2) * (radius > 3))
shade = 1 - 0.3 * (radius / 192) ** 2 + 0.02 * np.sin(0.9 * x) * np.sin(1.1 * y)
colours = np.stack([180 * shade, 80 * shade * (1 - 0.35 * depth), 30 * shade], -1)
colours[radius > 185] = 2
colours = colours.astype(np.float32).astype(float)

gauss = lambda v, s: gaussian_filter(v, s, truncate=np.ceil(3 * s) / s, mode="nearest")


def quantile(v, q):
    return np.sort(v, axis=None)[int(np.floor(q * (v.size - 1) + 0.5))]


lit = gauss((colours @ [0.299, 0.587, 0.114] < 20).astype(float), 6) < 1e-3
green = np.log(colours[..., 1] + 20)
green = np.where(lit, green, gauss(np.where(lit, green, 0), 12) / np.maximum(gauss(lit.astype(float), 12), 1e-3))
dark, bright = np.zeros((N, N)), np.zeros((N, N))
for s in (1.5, 2.5):
    v = gauss(green, s)
    hessian = np.zeros((N, N, 2, 2))
    c = v[1:-1, 1:-1]
    hessian[1:-1, 1:-1, 0, 0] = v[1:-1, :-2] - 2 * c + v[1:-1, 2:]
    hessian[1:-1, 1:-1, 1, 1] = v[:-2, 1:-1] - 2 * c + v[2:, 1:-1]
    hessian[1:-1, 1:-1, 0, 1] = hessian[1:-1, 1:-1, 1, 0] = (v[2:, 2:] + v[:-2, :-2] - v[:-2, 2:] - v[2:, :-2]) / 4
    small, large = np.moveaxis(np.linalg.eigvalsh(hessian), -1, 0)
    dark = np.maximum(dark, s**1.5 * (large - 0.5 * np.abs(small)) * lit)
    bright = np.maximum(bright, s**1.5 * (-small - 0.5 * np.abs(large)) * lit)
cut = quantile(dark[lit], 0.87)
mask = dark > cut
names, count = label(mask, np.ones((3, 3)))
sizes = np.bincount(names.ravel())
sizes[0] = 0
print("lit", lit.mean(), "dark / bright", quantile(dark[lit], 0.97) / quantile(bright[lit], 0.97), "parts", count,
      "long", sizes[sizes >= 300].sum() / sizes.sum(), "largest", sizes.max() / sizes.sum())
logits = np.where(lit, np.clip(4 * (dark / cut - 1), -6, 6), -6)
logits = np.where(mask & (sizes[names] < 45), -logits, logits)
truth = (depth > 0.5) & lit
print("dice", 2 * (truth & (logits > 0)).sum() / (truth.sum() + (logits > 0).sum()))
for px, py in [(192, 192), (230, 200), (120, 150), (300, 260), (100, 300), (5, 5), (192, 90)]:
    print(f"{{{px}, {py}, {logits[py, px]:.4f}F}},")
