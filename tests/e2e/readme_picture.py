#!/usr/bin/env python3
"""Makes the picture of the README: the real window on a real scan with its masks.
Usage: readme_picture.py TANDEM SHARED_DATA OUT.png"""
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time

import desktop


def main():
    program, data, out = sys.argv[1:4]
    desktop.skip_without_tools()
    folder = tempfile.mkdtemp(prefix="tandem_picture_")
    with open(os.path.join(data, "pairs.csv")) as pairs:
        row = next(r for r in csv.DictReader(pairs) if r["case"] == "totalseg_ct")
    with open(folder + "/pairs.csv", "w", newline="") as pairs:
        writer = csv.DictWriter(pairs, row.keys())
        writer.writeheader()
        writer.writerow(row)
    image, mask = (os.path.join(data, row[column]) for column in ("image", "mask"))
    shutil.copy(image, folder + "/abdomen.nii.gz")
    project = folder + "/Study.tandem"
    for arguments in (["create", project, "--name", "Abdomen study"],
                      ["import", project, folder + "/abdomen.nii.gz", "--labels", mask, "--labels-from", folder + "/pairs.csv"]):
        subprocess.run([program, "project", *arguments], check=True, stdout=subprocess.DEVNULL)
    with desktop.Desktop(1440, 900) as screen:
        window = desktop.Window(screen, program, [project], folder, folder)
        window.wait("the scan", lambda s: s["document"].get("open") and "slice1" in s["views"] and "openingCurtain" not in s["items"], 60)
        window.wait("the model", lambda s: s["model"] == "Ready", 60)
        left, top, width, height = window.state()["items"]["slice1"]
        window.click(left + width * 0.36, top + height * 0.2)  # through liver, kidneys and spleen
        window.move(left + width * 0.5, top + height * 2.4)
        time.sleep(6)
        picture = window.screenshot("picture")
        x, y, w, h = (round(v) for v in window.state()["window"])
        subprocess.run(["convert", picture, "-crop", f"{w}x{h}+{x}+{y}", "+repage", "-strip", out], check=True)
        window.close()
    shutil.rmtree(folder)


main()
