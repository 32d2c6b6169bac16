"""Pictures of the benchmark's results."""

import os

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "task"

import matplotlib.pyplot as plt

from servers import ROOT

OURS = {"quick", "async", "thread"}
LIMITS = {"return", "empty handler", "bare post", "bare post, our pool"}


def bars(ax, title, figures):
    names = list(figures)[::-1]
    values = [figures[n]["rate"]["median"] / 1000 for n in names]
    low = [v - figures[n]["rate"]["min"] / 1000 for n, v in zip(names, values)]
    high = [figures[n]["rate"]["max"] / 1000 - v for n, v in zip(names, values)]
    colours = ["#3b6fd4" if n in OURS else "#b9c0cc" if n in LIMITS
               else "#8a93a3" for n in names]

    ax.barh(names, values, xerr=[low, high], color=colours, ecolor="#555555",
            error_kw={"linewidth": 1})
    ax.set_title(title, loc="left", fontsize=10)
    ax.set_xlabel("thousand requests a second", fontsize=8)
    ax.tick_params(labelsize=8)

    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def draw(results):
    figure, axes = plt.subplots(2, 2, figsize=(9, 5.4))

    for ax, (name, title) in zip(axes.flat, (
            ("/quick", "/quick"),
            ("no duration", "async tasks of no duration"),
            ("1 ms", "async tasks of 1 ms, 64 at a time"),
            ("thread, nothing", "thread tasks that do nothing"))):
        bars(ax, title, results[name])

    figure.tight_layout()

    for kind in ("svg", "png"):
        figure.savefig(os.path.join(ROOT, "rates." + kind), dpi=110,
                       metadata={"Date": None} if kind == "svg" else None)

    figure, ax = plt.subplots(figsize=(5, 3))
    x, y = zip(*results["growth"])
    ax.plot(x, [t * 1e6 for t in y], marker="o", color="#3b6fd4")
    ax.set_ylim(bottom=0)
    ax.set_xlabel("tasks pending", fontsize=8)
    ax.set_ylabel("CPU of one task more, us", fontsize=8)
    ax.tick_params(labelsize=8)
    figure.tight_layout()

    for kind in ("svg", "png"):
        figure.savefig(os.path.join(ROOT, "growth." + kind), dpi=110,
                       metadata={"Date": None} if kind == "svg" else None)
