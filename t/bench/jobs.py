"""Jobs: how many are accepted, done and asked for in a second."""

import json
import os
import statistics
import time
import urllib.request

from load import wrk
from report import ROUNDS, SECONDS, results, row
import servers

ZONE = "task_job_zone jobs:300m;"

# requests for one after the other of the paths in a file

SCRIPT = """
local requests = {}
local last = 0

function init(args)
    for path in io.lines("%s") do
        requests[#requests + 1] = wrk.format("GET", path)
    end
end

function request()
    last = last %% #requests + 1
    return requests[last]
end
"""


def start():
    return servers.ours("jobs", 9118, ZONE, core=servers.CORES[0], more=servers.JOBS)


def states(server):
    with urllib.request.urlopen(server.base + "/status") as r:
        return json.load(r)["jobs"][0]["states"]


def accept(server):
    """One second of jobs that do nothing, and until the last is done."""
    cpu, begin = server.cpu(), time.perf_counter()
    got = wrk(server, "/job", 1)

    while True:
        now = states(server)
        if not now["queued"] + now["running"]:
            break
        time.sleep(.001)

    took = time.perf_counter() - begin
    got["done"] = now["done"] / took
    got["cpu"] = (server.cpu() - cpu) / now["done"]

    return got


def show(name, rounds, key="rate"):
    values = [r[key] for r in rounds]
    row(name, f"{statistics.median(values) / 1000:.1f}k/s "
        f"({min(values) / 1000:.1f}-{max(values) / 1000:.1f}), "
        f"{statistics.median(r['cpu'] for r in rounds) * 1e6:.2f} us CPU, "
        f"{statistics.median(r['busy'] for r in rounds):.0%} busy")


def accepted():
    """Each round begins with an empty zone, which has room for all of them."""
    rounds = []

    for _ in range(ROUNDS):
        server = start()

        try:
            rounds.append(accept(server))
        finally:
            server.stop()

    results["jobs"] = rounds
    show("jobs that do nothing: accepted", rounds)
    show("jobs that do nothing: done", rounds, "done")


def polled():
    """GET /jobs/ID of 10,000 ended jobs, each in its turn."""
    server = start()
    paths = os.path.join(servers.ROOT, "jobs", "paths")
    script = os.path.join(servers.ROOT, "jobs", "polls.lua")

    try:
        with open(paths, "w") as f:
            for _ in range(10000):
                with urllib.request.urlopen(server.base + "/job") as r:
                    f.write(json.load(r)["href"] + "\n")

        with open(script, "w") as f:
            f.write(SCRIPT % paths)

        wrk(server, "/", 1, script=script)
        rounds = [wrk(server, "/", SECONDS, script=script) for _ in range(ROUNDS)]
    finally:
        server.stop()

    results["polls"] = rounds
    show("polls of 10,000 ended jobs", rounds)


def jobs():
    accepted()
    polled()
