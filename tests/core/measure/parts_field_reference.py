#!/usr/bin/env python3
"""The numbers of parts_field_test.cpp by other means: SciPy's Gaussian filters and labels."""
import numpy as np
from scipy.ndimage import gaussian_filter, label

N = 256  # the picture is as large as the grid, so that a cell is a pixel
y, x = np.mgrid[:N, :N].astype(float)
grey = 100 + 20 * np.cos(0.02 * x) + ((x * 7 + y * 13) % 5)
for j in range(12):
    for i in range(12):
        cx, cy = 14 + 20.5 * i + 3 * np.sin(5 * i + 3 * j), 14 + 20.5 * j + 3 * np.cos(4 * i - 7 * j)
        grey -= 30 / (1 + np.exp(np.hypot(x - cx, y - cy) - 5 - (i + j) % 2))
grey = grey.astype(np.float32).astype(float)

gauss = lambda v, s: gaussian_filter(v, s, truncate=np.ceil(3 * s) / s, mode="nearest")


def quantile(v, q):
    return np.sort(v, axis=None)[int(np.floor(q * (v.size - 1) + 0.5))]


low, high = quantile(grey, 0.01), quantile(grey, 0.99)
unit = np.clip((grey - low) / (high - low), 0, 1)
sigmas = [0.7, 1.4, 2.8, 5.6, 11.2, 22.4]
g = [gauss(unit, s) for s in sigmas]
bands = [a - b for a, b in zip(g, g[1:])]
print("bands", [float(np.std(np.clip(b, quantile(b, 0.02), quantile(b, 0.98)))) for b in bands])
q = g[1] - g[5]
sign = np.sign(((q - q.mean()) ** 3).mean())
logits = 2 * (sign * q / (np.sqrt(gauss(q * q, 22.4)) + 0.25 * q.std()) - 0.3)
names, count = label(logits > 0)
small = [n for n in range(1, count + 1) if (names == n).sum() < 12]
logits = np.where(np.isin(names, small), -logits, logits)
print("parts", count - len(small), "specks", len(small), "share", (logits > 0).mean())
for px, py in [(14, 17), (60, 80), (140, 50), (120, 150), (33, 101), (200, 230), (0, 0)]:
    print(f"{{{px}, {py}, {logits[py, px]:.4f}F}},")
