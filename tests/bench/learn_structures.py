#!/usr/bin/env python3
"""What a few approved cases teach: for structures that the model in use was not trained on, a short fine-tune as a
project's own (app/learning.cpp) on 1, 2 and 4 patients, scored on all other patients from tight boxes and from boxes that are
3 % of the image's side looser (medsam), as people draw them. The unadapted model reads boxes as a stranger's; the fine-tuned
one in the light of the boxes on the approved patients and of those scored before (tandem evaluate --learning), as the window
does. Both are also scored the other way, so that what the weights and what the boxes taught can be told apart.

  learn_structures.py TANDEM PAIRS.csv --structure DATASET:ANATOMY [...] [--samples N] [--cases 1 2 4] [--json FILE]

DATASET is the folder of the image in PAIRS.csv. Patients are taken in the order of a seeded shuffle, the same for all counts.
Nothing is kept of the trained models: data sets whose licence allows no training are measured, not used. Prints one line for
each run and protocol: mean DSC of the unadapted and of the fine-tuned model on the same patients, and the minutes it took.
"""
import argparse, collections, csv, json, os, random, re, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
BUNDLED = os.path.join(HERE, "..", "..", "resources", "models", "tandem-small.safetensors")
with open(os.path.join(HERE, "..", "..", "app", "learning.cpp")) as source:  # the recipe that the program itself uses
    RECIPE = json.loads(re.search(r'R"\((.*?)\)"', source.read(), re.S)[1])["recipe"]
RECIPE["validateEverySamples"] = 0  # nobody is kept out of these packs


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("tandem")
    p.add_argument("pairs")
    p.add_argument("--structure", action="append", required=True, metavar="DATASET:ANATOMY")
    p.add_argument("--model", default=BUNDLED)
    p.add_argument("--cases", nargs="*", type=int, default=[1, 2, 4])
    p.add_argument("--samples", type=int, default=RECIPE["samples"])
    p.add_argument("--json")
    return p.parse_args()


def patients_of(pairs, structure):
    data_set, anatomy = structure.split(":", 1)
    folder = os.path.dirname(os.path.abspath(pairs))
    by_patient = collections.OrderedDict()
    with open(pairs) as f:
        for row in csv.DictReader(f):
            if row["anatomy"] == anatomy and data_set in row["image"].split("/"):
                row.update(image=os.path.join(folder, row["image"]), mask=os.path.join(folder, row["mask"]), train="yes")
                by_patient.setdefault(row["patient"], []).append(row)
    names = sorted(by_patient)
    random.Random(1).shuffle(names)
    return [by_patient[n] for n in names]


def write_pairs(path, patients):
    rows = [row for rows in patients for row in rows]
    with open(path, "w", newline="") as f:
        out = csv.DictWriter(f, rows[0].keys())
        out.writeheader()
        out.writerows(rows)


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def learn(a, patients, count, folder):
    """Minutes of a fine-tune on the first `count` patients; the model lies in folder/run."""
    write_pairs(os.path.join(folder, "train.csv"), patients[:count])
    run(a.tandem, "pack", os.path.join(folder, "train.csv"), "--out", os.path.join(folder, "pack"), "--kept-out", 0)
    with open(os.path.join(folder, "recipe.json"), "w") as f:
        json.dump({"recipe": {**RECIPE, "samples": a.samples}}, f)
    start = time.time()
    run(a.tandem, "train", os.path.join(folder, "recipe.json"), "--from", a.model, "--data", os.path.join(folder, "pack"),
        "--out", os.path.join(folder, "run"))
    return (time.time() - start) / 60


def score(a, approved, rest, model, protocol, folder, light):
    """Mean DSC of a model over the structures of the rest, and how many; in the light of the approved ones if asked."""
    write_pairs(os.path.join(folder, "scored.csv"), approved + rest if light else rest)
    scores = json.loads(run(a.tandem, "evaluate", os.path.join(folder, "scored.csv"), "--model", model, "--protocol", protocol,
                            "--json", "-", *(["--learning"] if light else [])))
    cases = {row["case"] for rows in rest for row in rows}
    dsc = [r["dsc"] for r in scores["rows"] if r["method"] not in ("ellipse", "otsu", "walker") and r["case"] in cases]
    return sum(dsc) / len(dsc), len(dsc)


def main():
    a = arguments()
    results = []
    for structure in a.structure:
        patients = patients_of(a.pairs, structure)
        if len(patients) <= max(a.cases):
            sys.exit(f"{structure}: only {len(patients)} patients.")
        for count in a.cases:
            with tempfile.TemporaryDirectory() as folder:
                minutes = learn(a, patients, count, folder)
                new = os.path.join(folder, "run", "model.safetensors")
                rest = patients[max(a.cases):]  # the same for all counts
                for protocol in ("tight", "medsam"):
                    dsc = {}
                    for which, model in (("before", a.model), ("after", new)):
                        for light in (False, True):
                            dsc[which, light], n = score(a, patients[:count], rest, model, protocol, folder, light)
                    results.append({"structure": structure, "cases": count, "protocol": protocol, "scored": n,
                                    "before": dsc["before", False], "after": dsc["after", True],
                                    "weights": dsc["after", False], "boxes": dsc["before", True], "minutes": minutes})
                    print(f"{structure}: {count} cases, {protocol}, {n} scored: {dsc['before', False]:.3f} -> "
                          f"{dsc['after', True]:.3f} (weights alone {dsc['after', False]:.3f}, boxes alone "
                          f"{dsc['before', True]:.3f}) in {minutes:.1f} min", flush=True)
    for count in a.cases:
        for protocol in ("tight", "medsam"):
            for what in ("after", "weights", "boxes"):
                gains = [r[what] - r["before"] for r in results if r["cases"] == count and r["protocol"] == protocol]
                print(f"{count} cases, {protocol}, {what}: {sum(gains) / len(gains):+.3f} on average, {min(gains):+.3f} at worst")
    if a.json:
        with open(a.json, "w") as f:
            json.dump(results, f, indent=1)


if __name__ == "__main__":
    main()
