#!/usr/bin/env python3
"""Writes tests/data/images/numpy with NumPy itself: arrays whose values are formulas of their indices."""
import os

import numpy as np

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "images", "numpy")
os.makedirs(OUT, exist_ok=True)


def path(name):
    return os.path.join(OUT, name)


z, y, x = np.meshgrid(np.arange(3), np.arange(5), np.arange(7), indexing="ij")
imgs = (10 * z + 2 * y + x).astype(np.uint8)
gts = ((x >= 2) & (x < 5) & (y >= 1) & (y < 4) & (z >= 1)).astype(np.uint8) * 2
rgb = np.stack([x[0], y[0] * 10, x[0] + y[0]], -1).astype(np.uint8)
np.savez_compressed(path("CT_block_01.npz"), imgs=imgs, gts=gts, spacing=np.array([0.5, 0.75, 3.0]))
np.savez(path("stored.npz"), imgs=imgs, gts=gts)
np.save(path("grey_be_i2.npy"), (100 * y[0] - 3 * x[0]).astype(">i2"))
np.save(path("fortran_f4.npy"), np.asfortranarray((z + 0.25 * y + x / 16).astype(np.float32)))
np.save(path("rgb_u1.npy"), rgb)
np.save(path("rgb_f8.npy"), rgb / 255.0)
np.save(path("objects.npy"), np.array([{"a": 1}], dtype=object), allow_pickle=True)
np.save(path("half.npy"), x.astype(np.float16))
np.save(path("five_axes.npy"), np.zeros((2, 2, 2, 2, 2), np.uint8))
