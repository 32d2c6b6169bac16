"""What was measured: kept for results.json, and as the rows of the table."""

import json
import os
import platform
import re
import subprocess
import time
from importlib import metadata

from servers import CORES, NGINX

FULL = bool(os.environ.get("FULL"))
ROUNDS = 7 if FULL else 5
SECONDS = 3 if FULL else 1

# of what has no goal

FEW = 3

# of its core: what uses less was not what limited the rate

BUSY = .95

results = {}
table = []


def say(text):
    print(text, flush=True)


def row(figure, value, goal="", met=None):
    mark = "" if met is None else "yes" if met else "**missed**"
    table.append((figure, value, goal, mark))
    say(f"{figure:44} {value:34} {goal:28} {mark}")


def goal(name, got, a, b, least=None, by=None):
    """a is at least so much of b.

    By CPU time, b's to a's, unless both servers were busy throughout: else the
    rates are those of the load, which had used up its own core.
    """
    x, y = got[a], got[b]
    ratios = {"rate": x["rate"]["median"] / y["rate"]["median"],
              "CPU time": y["cpu"]["median"] / x["cpu"]["median"]}

    if by:
        why = ""
    elif min(x["busy"]["median"], y["busy"]["median"]) >= BUSY:
        by, why = "rate", ""
    else:
        by, why = "CPU time", ", as the load is what limits"

    other = "rate" if by == "CPU time" else "CPU time"
    row(f"{name}: {a} of {b}",
        f"{ratios[by]:.2f} by {by}{why} (by {other} {ratios[other]:.2f})",
        f"at least {least}" if least else "", ratios[by] >= least if least else None)


def package(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"


def others():
    """How much of the machine is used before anything was started."""
    def times():
        with open("/proc/stat") as f:
            t = [int(x) for x in f.readline().split()[1:9]]
        return sum(t), t[3] + t[4]

    all_before, idle_before = times()
    time.sleep(1)
    all_after, idle_after = times()

    return 1 - (idle_after - idle_before) / (all_after - all_before)


def machine():
    with open("/proc/cpuinfo") as f:
        model = re.search(r"model name\s+: (.*)", f.read()).group(1)

    version = subprocess.run([NGINX, "-v"], capture_output=True,
                             text=True).stderr.strip().split("/")[-1]

    used = others()
    busy = "" if used < .03 else f"; other programs used {used:.0%} of it at the start"

    return (f"{len(CORES)} cores of {model}, Linux {platform.release().split('-')[0]}, "
            f"nginx {version}, FastAPI {package('fastapi')} under uvicorn "
            f"{package('uvicorn')}; {ROUNDS} rounds of {SECONDS} s, {FEW} of what has no goal"
            + busy)


def markdown(rows):
    return ("| figure | measured | goal | met |\n|---|---|---|---|\n"
            + "".join("| " + " | ".join(cells) + " |\n" for cells in rows))


def write(root):
    with open(os.path.join(root, "results.json"), "w") as f:
        json.dump(results, f, indent=1)

    with open(os.path.join(root, "table.md"), "w") as f:
        f.write(f"{results['machine']}\n\n" + markdown(table))
