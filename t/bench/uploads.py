"""Uploads: one file of 1 GB in a form, beside FastAPI's UploadFile, and nginx that
only spools it; how fast, the memory that it takes, and /quick meanwhile."""

import copy
import json
import os
import shutil
import subprocess
import tempfile

from load import Crowd, percentile, pinned, undisturbed
from rates import turns
from report import FEW, FULL, goal, markdown, results, row, say, table
import servers
from servers import CORES, ROOT

SOURCE = os.path.join(servers.BUILD, "bench", "source")
SIZE = (1024 if FULL else 128) << 20
SMALLER = SIZE // 10
TIMES = 5 if FULL else FEW
MEMORY = 4 << 20

# each thread of the pool has run a task once, and has its stack and its arena

WARM = 100

# /quick a second, beside an upload

RATE = 100

# what takes less ahead is at a port of its own

OURS = {"thread": "/thread", "thread, not read": "/thread_only",
        "async": "/async", "async, not read": "/async_only",
        "thread, buffer of 16 KB": "/thread_16k"}
SMALL = {"thread, rcvbuf=256k": "/thread", "async, rcvbuf=256k": "/async"}
FASTAPI = {"FastAPI async def": "/upload", "FastAPI def": "/upload_def"}


def status(server, key):
    """Bytes of the first of its processes."""
    with open(f"/proc/{server.pids[0]}/status") as f:
        for line in f:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024


def start(server, uri, size):
    return subprocess.Popen(pinned([SOURCE, str(server.port), uri, str(size)]),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(server, uri, size, process):
    """What the client measured; all of the file has arrived."""
    out, error = process.communicate()

    if process.returncode:
        raise SystemExit(f"{server.name} {uri}: {error.strip()}")

    got, answer = out.split("\n", 1)

    if answer.startswith("{") and json.loads(answer)["size"] != size:
        raise SystemExit(f"{server.name} {uri}: {answer}")

    return json.loads(got)


def upload(server, uri, _=None, size=SIZE):
    """Bytes a second; processor time of a byte; how much of a core server and
    client used; the most memory that the server had, and how much of it beside
    what it has at rest."""
    rest = status(server, "VmRSS")

    with open(f"/proc/{server.pids[0]}/clear_refs", "w") as f:
        f.write("5")

    cpu = server.cpu()
    got = end(server, uri, size, start(server, uri, size))
    cpu = server.cpu() - cpu
    most = status(server, "VmHWM")

    return {"rate": size / got["seconds"], "cpu": cpu / size,
            "busy": cpu / got["seconds"], "client": got["cpu"] / got["seconds"],
            "most": most, "more": most - rest}


def beside(server, uri):
    """How long each /quick takes while a file is sent; without uri, alone."""
    process = start(server, uri, SIZE) if uri else subprocess.Popen(["sleep", "1"])

    with undisturbed():
        crowd = Crowd(server, [("/quick", 0)] * (RATE * 300), RATE)

        while process.poll() is None:
            crowd.step()

        crowd.asks = crowd.asks[:crowd.begun]
        late = crowd.end_all().late

    if uri:
        end(server, uri, SIZE, process)

    if len(late) != crowd.begun:
        raise SystemExit(f"{server.name} {uri}: {len(late)} of {crowd.begun} answered")

    return late


def size_of(size):
    return "1 GB" if size == 1 << 30 else f"{size / (1 << 20):.0f} MB"


def show(name, got):
    for c, r in got.items():
        rate = r["rate"]
        row(f"{name}: {c}",
            f"{rate['median'] / 1e6:.0f} MB/s "
            f"({rate['min'] / 1e6:.0f}-{rate['max'] / 1e6:.0f}), "
            f"{r['cpu']['median'] * (1 << 30):.2f} s CPU a GB, "
            f"{r['busy']['median']:.0%} busy, client {r['client']['median']:.0%}")


def speed(where, contestants):
    """Each of ours beside the faster of FastAPI's."""
    name = f"{size_of(SIZE)}, {where}"
    got = turns(name, contestants, upload, TIMES)
    peer = max(FASTAPI, key=lambda c: got[c]["rate"]["median"])
    show(name, got)

    for mine in list(OURS) + list(SMALL):
        goal(name, got, mine, peer, 1, by="rate")

    return got


def memory(got, contestants):
    """Of the larger file as of the smaller one."""
    less = turns(f"{size_of(SMALLER)}, memory", contestants, upload, FEW, size=SMALLER)

    for c, r in got.items():
        most = max(less[c]["more"]["max"], r["more"]["max"])
        ours = c in OURS or c in SMALL
        row(f"memory: {c}",
            f"{r['most']['max'] / 1e6:.1f} MB at most; beside its rest "
            f"{less[c]['more']['max'] / 1e6:.2f} MB for {size_of(SMALLER)}, "
            f"{r['more']['max'] / 1e6:.2f} MB for {size_of(SIZE)}",
            f"at most {MEMORY >> 20} MB" if ours else "",
            most <= MEMORY if ours else None)


def quick(contestants):
    late = {c: [] for c in contestants}

    for _ in range(FEW):
        for c, arguments in contestants.items():
            late[c] += beside(*arguments)

    results[f"/quick beside {size_of(SIZE)}"] = late

    for c, l in late.items():
        row(f"/quick beside {size_of(SIZE)}: {c}",
            f"p50 {percentile(l, .5) * 1e3:.2f} ms, p90 {percentile(l, .9) * 1e3:.1f} ms, "
            f"p99 {percentile(l, .99) * 1e3:.1f} ms, max {max(l) * 1e3:.1f} ms; {len(l)}")


def measure(where, spool, all_of_it):
    """All files of both are in one directory."""
    started = []

    try:
        started.append(servers.uploads(spool, CORES[0]))
        started.append(servers.fastapi_uploads(spool, CORES[0]))

        ours, fastapi = started
        small = copy.copy(ours)
        small.port = servers.SMALL

        contestants = {"nginx alone": (ours, "/spool")}

        for server, uris in ((ours, OURS), (small, SMALL), (fastapi, FASTAPI)):
            contestants.update({c: (server, uri) for c, uri in uris.items()})

        for _ in range(WARM):
            upload(ours, "/thread", size=1 << 20)

        got = speed(where, contestants)

        if all_of_it:
            memory(got, contestants)
            quick({"nothing, ours": (ours, None), "nothing, FastAPI": (fastapi, None),
                   **contestants})
    finally:
        for server in started:
            server.stop()


def uploads():
    first = len(table)

    results["uploads"] = {"command": "FULL=1 " * FULL + "make bench NAMES=uploads"}
    row("uploads: command", results["uploads"]["command"])

    # beside what is measured on tmpfs, where no disk has a part, on what the
    # build is on

    for where, at in (("tmpfs", "/dev/shm"), ("disk", ROOT)):
        if not os.path.isdir(at) or shutil.disk_usage(at).free < 3 * SIZE:
            say(f"uploads: no room for 3 files of {size_of(SIZE)} in {at}")
            continue

        with tempfile.TemporaryDirectory(prefix="uploads.", dir=at) as spool:
            measure(where, spool, where == "tmpfs")

    say(f"\n{results['machine']}\n\n" + markdown(table[first:]))
