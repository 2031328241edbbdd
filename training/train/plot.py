"""Draws the losses of a training. Needs matplotlib.

    python plot.py OUT/log.csv losses.png
"""

import csv
import sys

import matplotlib.pyplot as plt


def main() -> None:
    with open(sys.argv[1]) as file:
        rows = [[float(value) for value in row] for row in csv.reader(file)]
    minutes = [row[1] / 60 for row in rows]
    plt.figure(figsize=(7, 3.5))
    for column, name in ((3, "class"), (4, "box"), (5, "mask")):
        plt.plot(minutes, [row[column] for row in rows], label=name, linewidth=1)
    plt.xlabel("minutes")
    plt.ylabel("loss")
    plt.yscale("log")
    plt.legend()
    plt.tight_layout()
    plt.savefig(sys.argv[2], dpi=110)


if __name__ == "__main__":
    main()
