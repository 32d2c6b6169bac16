"""Many pending tasks: their memory, /quick beside them, and one task more."""

import statistics
import time

from load import Crowd, wrk
from report import SECONDS, results, row
import servers
from servers import CORES

CROWD = 10000


def held(start, uri):
    """Bytes of the server for each request that it holds."""
    server = start()

    try:
        # what nginx allocates once, for the first ones

        crowd = Crowd(server, [(uri, 0)] * 200, 2000)
        crowd.begin_all()
        time.sleep(.3)
        before = server.memory()
        more = Crowd(server, [(uri, 0)] * CROWD, 4000)
        more.begin_all()
        time.sleep(.5)
        after = server.memory()
        crowd.drop()
        more.drop()
        return (after - before) / CROWD
    finally:
        server.stop()


def memory():
    core = CORES[0]
    sizes = {}

    for pool in ("", "request_pool_size 6k;"):
        for name, uri in (("floor", "/hold"), ("async", "/async?duration=20s")):
            sizes[f"{name}{' 6k' if pool else ''}"] = held(
                lambda: servers.ours("held", 9111, pool, core=core), uri)

    sizes["echo_sleep"] = held(lambda: servers.peers(core), "/echo_20")
    sizes["ngx.sleep"] = held(lambda: servers.peers(core), "/lua_20")
    sizes["FastAPI"] = held(lambda: servers.fastapi(core), "/async?duration=60")
    results["bytes a pending task"] = sizes

    for name, size in sizes.items():
        row(f"memory of a pending task: {name}", f"{size:.0f} bytes")

    for pool in ("", " 6k"):
        ratio = sizes["async" + pool] / sizes["floor" + pool]
        row(f"memory: async{pool} of the floor", f"{ratio:.3f}", "at most 1.01",
            ratio <= 1.01)

    ratio = sizes["FastAPI"] / sizes["async"]
    row("memory: FastAPI of async", f"{ratio:.1f}", "at least 3", ratio >= 3)


def pending():
    """Five rounds in turns: /quick of a server that has nothing else to do, and
    of one that holds 10,000 tasks, which end when all is measured."""
    core = CORES[0]
    rounds = 5
    idle = servers.ours("alone", 9119, core=core)
    full = servers.ours("crowd", 9112, core=core)
    got = {"alone": [], "beside": []}

    try:
        length = 15 + 3 * rounds * SECONDS
        people = Crowd(full, [(f"/async?duration={length}s", length)] * CROWD, 2000)
        people.begin_all()

        for server in (idle, full):
            wrk(server, "/quick", 1, 1)

        for _ in range(rounds):
            got["alone"].append(wrk(idle, "/quick", SECONDS, 1))
            got["beside"].append(wrk(full, "/quick", SECONDS, 1))

        # none has ended meanwhile: then they were beside it all the time

        people.step()
        still = len(people.open)
        people.drop()
    finally:
        idle.stop()
        full.stop()

    results["/quick beside 10,000 pending"] = got

    if still != CROWD:
        raise SystemExit(f"only {still} of {CROWD} were pending to the end")

    for p in ("p50", "p99"):
        a, b = (statistics.median(x[p] for x in r) for r in got.values())
        row(f"/quick {p}: alone, beside 10,000 pending",
            f"{a * 1e6:.0f} us, {b * 1e6:.0f} us: {b / a:.2f} of it",
            "at most 1.1" if p == "p99" else "",
            b <= a * 1.1 if p == "p99" else None)


def growth():
    """CPU time of one task more, with so many pending."""
    curve = []

    for number in (100, 1000, 5000, 10000, 18000):
        server = servers.ours("growth", 9113, core=CORES[0])

        try:
            people = Crowd(server, [("/async?duration=60s", 60)] * number, 4000)
            people.begin_all()
            one = statistics.median(wrk(server, "/ms", SECONDS)["cpu"]
                                    for _ in range(3))
            curve.append((number, one))
            people.drop()
        finally:
            server.stop()

    results["growth"] = curve
    ratio = curve[-1][1] / curve[0][1]
    row("a task of 1 ms beside 18,000 pending, CPU", f"{ratio:.2f} of that beside 100",
        "flat: at most 1.15", ratio <= 1.15)
