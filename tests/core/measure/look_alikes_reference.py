#!/usr/bin/env python3
"""The numbers of look_alikes_test.cpp by other means: NumPy's eigenvectors and solver, SciPy's Gaussian filters."""
import numpy as np
from scipy.ndimage import gaussian_filter

H, W = 24, 30
y, x = np.mgrid[:H, :W].astype(float)
spots = np.sin(0.9 * x) * np.cos(0.8 * y)
colours = np.stack([140 + 80 * spots, 120 + 50 * spots + x, 160 - 60 * np.sin(0.3 * y)], -1).astype(np.float32)
x0, y0, x1, y1 = 9, 7, 20, 16  # box, inclusive
clicks = [(12, 10, True), (16, 13, False), (18, 9, True)]

around = 0.3 * (max(x1 - x0, y1 - y0) + 1)
left, right = x0 - 0.5 - around, x1 + 0.5 + around
top, bottom = y0 - 0.5 - around, y1 + 0.5 + around
w, h = round(right - left), round(bottom - top)  # cells of about one pixel
sx, sy = (right - left) / w, (bottom - top) / h
cx, cy = left + (np.arange(w) + 0.5) * sx, top + (np.arange(h) + 0.5) * sy


def samples(c):
    """A cell is a bilinear sample; where it is larger than a pixel, the mean of 2 along that axis."""
    def positions(centres, step):
        n = int(np.ceil(step - 1e-9))
        return [centres + ((a + 0.5) / n - 0.5) * step for a in range(n)]
    out = []
    for v in positions(cy, sy):
        for u in positions(cx, sx):
            i, j = np.floor(u).astype(int), np.floor(v).astype(int)
            fx, fy = u - i, (v - j)[:, None]
            at = lambda dj, di: c[np.ix_(j + dj, i + di)].astype(float)
            upper, lower = at(0, 0) + fx * (at(0, 1) - at(0, 0)), at(1, 0) + fx * (at(1, 1) - at(1, 0))
            out.append(upper + fy * (lower - upper))
    return np.mean(out, 0)


density = np.stack([-np.log(np.clip(samples(colours[..., c]) / 255, 0.02, 1)) for c in range(3)], -1)
density -= density.mean((0, 1))
values, vectors = np.linalg.eigh(np.cov(density.reshape(-1, 3).T))
components = density @ vectors[:, ::-1]

features = []
for c in range(3):
    g = [gaussian_filter(components[..., c], s, mode="nearest", radius=int(np.ceil(3 * s))) for s in (0.7, 1.5, 3, 6, 12)]
    features += [g[i] - g[i + 2] for i in range(3)] + g[:3]
    if c == 0:
        for blurred in g[1:3]:
            xx = np.zeros((h, w)); yy = xx.copy(); xy = xx.copy()
            xx[1:-1, 1:-1] = blurred[1:-1, :-2] - 2 * blurred[1:-1, 1:-1] + blurred[1:-1, 2:]
            yy[1:-1, 1:-1] = blurred[:-2, 1:-1] - 2 * blurred[1:-1, 1:-1] + blurred[2:, 1:-1]
            xy[1:-1, 1:-1] = (blurred[2:, 2:] + blurred[:-2, :-2] - blurred[:-2, 2:] - blurred[2:, :-2]) / 4
            hessians = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -1)
            eigenvalues = np.linalg.eigvalsh(hessians)
            features += [eigenvalues[..., 1], eigenvalues[..., 0]]
F = np.stack([(f - f.mean()) / f.std() for f in features] + [np.ones((h, w))], -1)

box = (cy[:, None] > y0 - 0.5) & (cy[:, None] < y1 + 0.5) & (cx > x0 - 0.5) & (cx < x1 + 0.5)
shown = np.zeros((h, w), int)
jj, ii = np.mgrid[:h, :w]
for px, py, belongs in clicks:
    i, j = np.floor((px - left) / sx), np.floor((py - top) / sy)
    shown[(ii - i) ** 2 + (jj - j) ** 2 <= 4] = 1 if belongs else 2
every = (ii % 2 == 0) & (jj % 2 == 0)
A, b = np.diag([10.0] * (F.shape[-1] - 1) + [0.01]), np.zeros(F.shape[-1])
for cells, weight, target in ((box & every, 0.15, 1), (~box & every, 0.15, -1), (shown == 1, 1, 1), (shown == 2, 1, -1)):
    X = F[cells]
    A += weight * X.T @ X / len(X)
    b += weight * target * X.mean(0)
logits = 4 * F @ np.linalg.solve(A, b)
print(w, h)
for j, i in ((4, 5), (6, 7), (9, 9), (8, 12), (12, 6)):
    print(f"{{{j}, {i}, {logits[j, i]:.5f}F}}, {box[j, i]}")
