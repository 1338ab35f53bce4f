#!/usr/bin/env python3
"""Trains a network in PyTorch on the batches that Tandem's trainer kept, and compares the losses.

  torch_training.py CONFIG.json START.safetensors BATCHES [TOLERANCE]

CONFIG is the training configuration, START the weights that the run started from, BATCHES the folder of --keep-batches
(a run without clicks and without dropout). The network's operators are those of tests/data/golden/reference.py, the
optimiser is torch.optim.AdamW; nothing of Tandem is used. Prints step, loss of Tandem, loss of PyTorch; ends with 1 if
any two differ by more than TOLERANCE (1e-3).
"""
import glob, json, math, os, struct, sys

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "data", "golden"))
import reference as ref

PARTS = {"vit": "image_encoder.blocks.", "patch_embed": "image_encoder.patch_embed.",
         "pos_embed": "image_encoder.pos_embed", "adapter": "image_encoder.adapter.", "neck": "image_encoder.neck.",
         "prompt_encoder": "prompt_encoder.", "mask_decoder": "mask_decoder."}
NOT_TRAINED = {"rm", "rv", "n", "pe"}  # kinds of reference.layout


def metadata(path):
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        return json.loads(f.read(size)).get("__metadata__", {})


def rate(step, r):
    """Learning rate of a step as the recipe says."""
    steps, warm = max(1, r["samples"] // r["batch"]), r["warmupSteps"]
    if r.get("schedule", "cosine") == "polynomial":
        return r["learningRate"] / 2 if step < warm else \
            r["learningRate"] * (1 - min(1, (step - warm) / max(1, steps - warm))) ** 0.9
    if step < warm:
        return r["learningRate"] * (step + 1) / warm
    share = min(1, (step - warm) / max(1, steps - warm))
    return r["learningRate"] * 0.5 * (1 + math.cos(math.pi * share))


def iou_loss(logits, target, predicted):
    inside, truth = logits.detach() > 0, target > 0.5
    both, either = (inside & truth).sum((2, 3)).float(), (inside | truth).sum((2, 3)).float()
    return ((predicted - both / either.clamp(min=1)) ** 2).mean()


def loss_of(weights, config, batch, iou_weight):
    embedding = ref.encode(weights, config, batch["input"], train_bn=True)
    sparse, dense = ref.encode_prompts(weights, config, boxes=batch["boxes"], mask=batch.get("prior"))
    logits, predicted = ref.decode(weights, config, embedding, sparse, dense, False)
    return ref.dice_bce(logits, batch["target"])[0] + iou_weight * iou_loss(logits, batch["target"], predicted)


def trained(weights, config, recipe):
    frozen = [PARTS[p] for p in recipe.get("freeze", [])]
    decaying, plain = [], []
    for key, (shape, kind) in ref.layout(config).items():
        if kind in NOT_TRAINED or any(key.startswith(f) for f in frozen):
            continue
        weights[key].requires_grad_(True)
        matrix = len(shape) >= 2 and kind != "pos"
        (decaying if matrix or recipe.get("decayAll") else plain).append(weights[key])
    return decaying, plain


def main():
    torch.set_num_threads(1)
    config_file, start, batches = sys.argv[1:4]
    tolerance = float(sys.argv[4]) if len(sys.argv) > 4 else 1e-3
    whole = json.load(open(config_file))
    config, r = whole["network"], whole["recipe"]
    weights = ref.load_safetensors(start)
    decaying, plain = trained(weights, config, r)
    optimiser = torch.optim.AdamW([{"params": decaying, "weight_decay": r["weightDecay"]},
                                   {"params": plain, "weight_decay": 0.0}],
                                  lr=1, betas=(r["beta1"], r["beta2"]), eps=1e-8)
    worst, files = 0.0, sorted(glob.glob(os.path.join(batches, "batch-*.safetensors")))
    for step, file in enumerate(files):
        loss = loss_of(weights, config, ref.load_safetensors(file), r["iouWeight"])
        theirs = float(metadata(file)["loss"])
        print(f"{step:4d} {theirs:.6f} {loss.item():.6f}")
        worst = max(worst, abs(loss.item() - theirs)) if math.isfinite(loss.item()) else float("inf")
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(decaying + plain, r["clipNorm"])
        for group in optimiser.param_groups:
            group["lr"] = rate(step, r)
        optimiser.step()
    print(f"{len(files)} steps, largest difference {worst:.2e}")
    return 0 if files and worst <= tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
