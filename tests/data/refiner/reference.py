#!/usr/bin/env python3
"""The refiner in plain PyTorch modules, and the tensors that the C++ one must reproduce.

  reference.py OUT.safetensors

Writes a small refiner's state dict ("w." + key) with random numbers, inputs, the output with running and with batch
statistics, and the gradient of the mean square of the output for some weights; computed in float64, stored as float32.
Nothing of Tandem is used.
"""
import json, struct, sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CELLS, WIDTHS, LIKENESS, DETAIL, HEAD, CHANNELS = 32, (6, 8, 10, 12), 3, 2, 5, 7


class Unit(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Refiner(nn.Module):
    def __init__(self):
        super().__init__()
        w = WIDTHS
        self.down = nn.ModuleList(nn.Sequential(Unit(4 * CHANNELS if l == 0 else w[l - 1], w[l]), Unit(w[l], w[l]))
                                  for l in range(len(w)))
        self.up = nn.ModuleList(Unit(w[l] + w[l + 1], w[l]) for l in range(len(w) - 1))
        self.likeness = nn.Conv2d(w[0] + w[1], 4 * LIKENESS, 1)
        self.likeness_gain = nn.Parameter(torch.ones(4))
        self.detail = nn.Conv2d(w[0], 4 * DETAIL, 1)
        self.finish = Unit(DETAIL + CHANNELS + 4, HEAD)
        self.head = nn.Conv2d(HEAD, 1, 3, padding=1)
        self.keep = nn.Parameter(torch.ones(1))

    def forward(self, grey, box, start, prior, click_in, click_out, latest, in_box):
        up = lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        logit = lambda x: x.clamp(-8, 8) / 4
        maps = torch.cat([grey, box, logit(start), prior / 4, click_in, click_out, logit(latest)], 1)
        levels, x = [], F.pixel_unshuffle(maps, 2)
        for l, stage in enumerate(self.down):
            levels.append(stage(x if l == 0 else F.max_pool2d(x, 2)))
            x = levels[-1]
        for l in reversed(range(len(self.up))):
            x = self.up[l](torch.cat([levels[l], up(x)], 1))
        code = F.normalize(F.pixel_shuffle(self.likeness(torch.cat([levels[0], up(levels[1])], 1)), 2), dim=1)
        p, alike = torch.sigmoid(latest), []
        for weight in (click_in, click_out, p * in_box, 1 - p):
            mean = (code * weight).sum((2, 3), keepdim=True) / (weight.sum((2, 3), keepdim=True) + 1e-3)
            alike.append((code * mean).sum(1, keepdim=True))
        alike = torch.cat(alike, 1) * self.likeness_gain.view(1, 4, 1, 1)
        seen = torch.cat([F.pixel_shuffle(self.detail(x), 2), maps, alike], 1)
        return self.head(self.finish(seen)) + self.keep * latest


def write(path, tensors):
    header, data = {}, b""
    for name, t in tensors.items():
        a = t.detach().numpy()
        a = a.astype("<i8") if a.dtype == np.int64 else a.astype("<f4")
        header[name] = {"dtype": "I64" if a.dtype.kind == "i" else "F32", "shape": list(a.shape),
                        "data_offsets": [len(data), len(data) + a.nbytes]}
        data += a.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def main():
    torch.manual_seed(5)
    torch.set_default_dtype(torch.float64)
    net = Refiner()
    with torch.no_grad():
        for name, p in net.named_parameters():
            p.add_(0.2 * torch.randn_like(p))
        for name, b in net.named_buffers():
            if name.endswith("running_mean"):
                b.copy_(0.2 * torch.randn_like(b))
            if name.endswith("running_var"):
                b.copy_(0.5 + torch.rand_like(b))
    for tensor in list(net.parameters()) + list(net.buffers()):  # what the file holds is what is computed with
        if tensor.is_floating_point():
            tensor.data = tensor.data.float().double()
    shape = (2, 1, CELLS, CELLS)
    inputs = {"grey": torch.randn(shape), "box": torch.rand(shape) * 2 - 1, "start": 6 * torch.randn(shape),
              "prior": 3 * torch.randn(shape), "in": torch.rand(shape), "out": torch.rand(shape) ** 8,
              "latest": 6 * torch.randn(shape), "in_box": (torch.rand(shape) > 0.5).double()}
    inputs = {k: v.float().double() for k, v in inputs.items()}
    out = {"w.refiner." + k: v.clone() for k, v in net.state_dict().items()}
    out.update({"input." + k: v for k, v in inputs.items()})
    net.eval()
    running = net(*inputs.values())
    running.square().mean().backward()
    out["running"] = running
    for name in ("down.0.0.conv.weight", "likeness.weight", "likeness_gain", "keep", "up.2.bn.weight"):
        out["gradient.refiner." + name] = dict(net.named_parameters())[name].grad
    net.train()
    out["batch"] = net(*inputs.values())
    write(sys.argv[1], out)


if __name__ == "__main__":
    main()
