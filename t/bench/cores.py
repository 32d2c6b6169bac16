"""More than one core: workers, threads at work on all of them, nothing pinned."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from load import ask, wrk
from rates import rates
from report import FEW, ROUNDS, SECONDS, results, row
import servers
from servers import CORES


def workers():
    """CPU time of a request, with so many workers on all cores."""
    got = {}

    for number in (1, 2, 4):
        server = servers.ours("workers", 9114, workers=number)

        try:
            wrk(server, "/fixed", 1)
            got[number] = statistics.median(wrk(server, "/fixed", SECONDS)["cpu"]
                                            for _ in range(ROUNDS))
        finally:
            server.stop()

    results["workers"] = got
    worst = max(got.values()) / min(got.values())
    row("CPU of a request, 1, 2, 4 workers on 2 cores" if len(CORES) == 2
        else "CPU of a request, 1, 2, 4 workers",
        ", ".join(f"{x * 1e6:.1f} us" for x in got.values()),
        "constant: within 20 %", worst <= 1.2)


def times_as_fast(server, limit):
    """Four at once, to one after the other."""
    uri = f"/primes?limit={limit}"
    one = sum(ask(server, uri) for _ in range(4))

    with ThreadPoolExecutor(4) as pool:
        start = time.perf_counter()
        list(pool.map(lambda _: ask(server, uri), range(4)))
        return one / (time.perf_counter() - start)


def speed_up():
    """Primes, four at once, on all cores; FastAPI's are Python's."""
    running = {"ours": servers.ours("cores", 9124), "FastAPI": servers.fastapi()}

    try:
        limit = 200000

        while ask(running["ours"], f"/primes?limit={limit}") < .25:
            limit *= 2

        got = {c: [] for c in running}

        for _ in range(3):
            for c, server in running.items():
                got[c].append(times_as_fast(server, limit if c == "ours" else 300000))
    finally:
        for server in running.values():
            server.stop()

    results["speed-up"] = got
    ours, fastapi = (statistics.median(r) for r in got.values())
    least = 1.95 * min(4, len(CORES)) / 2
    row(f"4 x primes at once, {len(CORES)} cores: speed-up",
        f"{ours:.2f} ({min(got['ours']):.2f}-{max(got['ours']):.2f}), "
        f"FastAPI def {fastapi:.2f}",
        f"at least {least:.2f}" if len(CORES) > 1 else "",
        ours >= least if len(CORES) > 1 else None)


def unpinned():
    """The server and wrk go where the kernel puts them."""
    server = servers.ours("unpinned", 9117)
    refused = servers.ours("refused", 9125, refuse=True)

    try:
        rates("not pinned", {
            "return": (server, "/return"), "quick": (server, "/quick"),
            "async": (server, "/fixed"), "thread": (server, "/thread"),
            "ordinary threads": (refused, "/thread"),
            "bare post": (server, "/bare")}, pin=False,
            rounds=FEW)
    finally:
        server.stop()
        refused.stop()


def cores():
    speed_up()
    workers()
    unpinned()
