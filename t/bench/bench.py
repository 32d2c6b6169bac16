#!/usr/bin/python3
"""The benchmark: all that is compared runs in turns, A B A B, on one machine.

    python3 t/bench/bench.py          about 20 minutes
    FULL=1 python3 t/bench/bench.py   about 55
    python3 t/bench/bench.py jobs     one part of it, or some

"streams" makes a root of a newer Debian in build/bench/forky, for its FastAPI:
that needs root, and takes a minute once.

It prints medians with minimum and maximum, and their ratio to ours, and
writes results.json, table.md and pictures to build/bench/.  The servers have
one worker on the first core, the load is on the last one, unless a part is
about several cores.
"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import beside
import cores
import crowds
import databases
import fetches
import jobs
import queues
import rates
import report
import servers
import sleeps
import streams
import uploads
from report import results, row, say
from servers import CORES, ROOT


def instructions():
    out = subprocess.run(["perl", "t/bench/instructions.pl"], text=True,
                         capture_output=True, check=True).stdout
    found = dict(re.findall(r"^(\S.*?\S)\s+(\d+) instructions", out, re.M))
    n = results["instructions"] = {k: int(v) for k, v in found.items()}

    for name, count in n.items():
        row(f"instructions: {name}", f"{count}")

    for a, b, most in (("quick", "empty", 1.01), ("async", "empty", 1.2),
                       ("thread", "bare post", 1.2),
                       ("async, counted", "async", 1.03)):
        row(f"instructions: {a} of {b}", f"{n[a] / n[b]:.3f}", f"at most {most}",
            n[a] / n[b] <= most)


def with_servers(part, *starts):
    """A part that needs these servers, on the first core."""
    def measure():
        running = []

        try:
            for start in starts:
                running.append(start(core=CORES[0]))

            part(*running)
        finally:
            for server in running:
                server.stop()

    return measure


PARTS = {
    "rates": with_servers(rates.throughput, servers.ours, servers.peers,
                          servers.fastapi),
    "http2": with_servers(rates.http2, servers.ours),
    "lateness": with_servers(sleeps.lateness, servers.ours, servers.peers),
    "pending": crowds.pending,
    "instructions": instructions,
    "memory": crowds.memory,
    "growth": crowds.growth,
    "jobs": jobs.jobs,
    "queues": queues.queues,
    "beside": beside.beside,
    "cores": cores.cores,
    "streams": streams.streams,
    "fetches": fetches.fetches,
    "databases": databases.databases,
    "uploads": uploads.uploads,
}


def main():
    names = sys.argv[1:] or list(PARTS)

    for name in names:
        if name not in PARTS:
            raise SystemExit(f"no part {name}; there are: {', '.join(PARTS)}")

    os.makedirs(ROOT, exist_ok=True)
    results["machine"] = report.machine()
    say(results["machine"] + "\n")

    failed = []

    for name in names:
        try:
            PARTS[name]()
        except SystemExit as e:
            say(f"{name}: {e}")
            failed.append(name)

        # what was measured is kept, whatever happens to the rest

        report.write(ROOT)

    if not failed and set(names) == set(PARTS):
        try:
            import pictures
            pictures.draw(results)
        except ImportError:
            say("no pictures: python3-matplotlib is not installed")

    say(f"\nwritten to {os.path.relpath(ROOT)}: results.json, table.md, pictures")

    if failed:
        raise SystemExit(f"failed: {' '.join(failed)}")


main()
