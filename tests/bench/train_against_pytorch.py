#!/usr/bin/env python3
"""Times Tandem's trainer and the same network in eager PyTorch (Debian's python3-torch) in turn, on the same batches.

  train_against_pytorch.py TANDEM MODEL [--config CONFIG.json] [--data PACK...] [--steps N] [--threads N] [--rounds N] [--muon]

CONFIG is a training configuration without clicks (default: resources/training/small.json with clickShare 0), MODEL a model
of that network, whose weights PyTorch starts from. Both sides use AdamW, so that they do the same work; with --muon
Tandem's side uses Muon where CONFIG does, which costs more and learns faster. Prints a JSON object: samples/s of both (best of the rounds' medians),
their ratio, and Tandem's share of time in the loader. The PyTorch side reads its batches before the clock starts.
"""
import argparse, glob, json, os, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "inference", "train"))


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("tandem")
    p.add_argument("model")
    p.add_argument("--config", default=os.path.join(HERE, "..", "..", "resources", "training", "small.json"))
    p.add_argument("--data", nargs="*", default=[])
    p.add_argument("--steps", type=int, default=10)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--muon", action="store_true")
    return p.parse_args()


def tandem_round(a, config, folder):
    data = ["--data", *a.data] if a.data else []
    out = subprocess.run([a.tandem, "bench", "train", "--config", config, *data, "--steps", str(a.steps), "--threads",
                          str(a.threads), "--json", "-"], check=True, capture_output=True, text=True).stdout
    if not glob.glob(os.path.join(folder, "batch-*")):  # kept in a run of its own: writing takes time
        subprocess.run([a.tandem, "bench", "train", "--config", config, *data, "--steps", "4", "--keep-batches", folder,
                        "--json", "-"], check=True, capture_output=True)
    return json.loads(out)


class Eager:
    """One step of training as a PyTorch user writes it."""

    def __init__(self, a, config, folder):
        import torch
        import torch_training as tt
        torch.set_num_threads(a.threads)
        self.torch, self.tt = torch, tt
        whole = json.load(open(config))
        paper = json.load(open(os.path.join(HERE, "..", "data", "golden", "configs", "paper_vit_b.json")))
        self.config, self.recipe = {**paper, **whole["network"]}, whole["recipe"]  # what a configuration may leave out
        self.config["adapter"] = {**paper["adapter"], **whole["network"]["adapter"]}
        self.weights = {k: w.float() if w.is_floating_point() else w
                        for k, w in tt.ref.load_safetensors(a.model).items()}
        self.decaying, self.plain = tt.trained(self.weights, self.config, self.recipe)
        self.optimiser = torch.optim.AdamW([{"params": self.decaying, "weight_decay": self.recipe["weightDecay"]},
                                            {"params": self.plain, "weight_decay": 0.0}], lr=1e-5)
        self.batches = [tt.ref.load_safetensors(f) for f in sorted(glob.glob(os.path.join(folder, "batch-*")))]

    def step(self, n):
        loss = self.tt.loss_of(self.weights, self.config, self.batches[n % len(self.batches)], self.recipe["iouWeight"])
        self.optimiser.zero_grad()
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.decaying + self.plain, self.recipe["clipNorm"])
        self.optimiser.step()

    def round(self, steps):
        self.step(0)
        times = []
        for n in range(steps):
            begin = time.perf_counter()
            self.step(n)
            times.append(time.perf_counter() - begin)
        return self.recipe["batch"] / statistics.median(times)


def main():
    a = arguments()
    with tempfile.TemporaryDirectory() as folder:
        whole = json.load(open(a.config))
        whole["recipe"]["clickShare"] = 0
        whole["recipe"]["muon"] = whole["recipe"].get("muon", False) and a.muon
        config = os.path.join(folder, "config.json")
        json.dump(whole, open(config, "w"))
        ours, theirs, eager = [], [], None
        for _ in range(a.rounds):
            ours.append(tandem_round(a, config, folder))
            eager = eager or Eager(a, config, folder)
            theirs.append(eager.round(a.steps))
        best = max(ours, key=lambda r: r["samples_per_s"])
        print(json.dumps({"samples_per_s": best["samples_per_s"], "loader_share": best["loader_share"],
                          "stages": best["stages"], "pytorch_samples_per_s": max(theirs),
                          "ratio": best["samples_per_s"] / max(theirs)}, indent=1))


if __name__ == "__main__":
    main()
