"""What stands beside work that needs the processor: /quick, and files."""

import contextlib
import os
import statistics
import threading
import time

from load import Crowd, ask, held, wrk
from report import FEW, SECONDS, results, row
import servers
from servers import CORES

KINDS = ("ordinary threads", "SCHED_BATCH")


def limit(server, uri, least):
    """A number that its primes take so many seconds to count."""
    number = 1000

    while min(ask(server, f"{uri}?limit={number}") for _ in range(3)) < least:
        number = int(number * 1.3)

    return number


@contextlib.contextmanager
def both(name, port, **more):
    """A server whose threads are as ordinary as the kernel made them, and one
    where those that run tasks are SCHED_BATCH; both on one core."""
    servers_of = {}

    try:
        for i, kind in enumerate(KINDS):
            servers_of[kind] = servers.ours(f"{name}{i}", port + i, core=CORES[0],
                                            refuse=(i == 0), **more)

        yield servers_of
    finally:
        for server in servers_of.values():
            server.stop()


def beside_tasks(running, uri, connections, tasks):
    """uri of both servers, in turns, alone and beside so many tasks of 20 ms of
    primes, in a pool of 32 threads."""
    primes = f"/primes_all?limit={limit(running[KINDS[0]], '/primes_all', .02)}"
    got = {(where, kind): [] for where in ("alone", "beside") for kind in KINDS}

    # all threads have run a task once

    for server in running.values():
        with held(server, primes, 40):
            time.sleep(1)
        ask(server, primes)

    for _ in range(FEW):
        for (where, kind), rounds in got.items():
            server = running[kind]

            if where == "alone":
                rounds.append(wrk(server, uri, SECONDS, connections))
                continue

            with held(server, primes, tasks):
                rounds.append(wrk(server, uri, SECONDS, connections))

            # what this has left behind in the queue is done

            ask(server, primes)

    return got


def middle(rounds, key):
    return statistics.median(x[key] for x in rounds)


def busy_threads():
    """All threads of a pool are busy, on the one core that nginx has."""
    with both("busy", 9120) as running:
        got = beside_tasks(running, "/quick", 1, 40)

    results["/quick on one core"] = {" ".join(key): r for key, r in got.items()}

    for (where, kind), rounds in got.items():
        where = "alone" if where == "alone" else "beside 32 tasks of primes"
        row(f"/quick on one core, {where}: {kind}",
            f"p50 {middle(rounds, 'p50') * 1e6:.0f} us, "
            f"p99 {middle(rounds, 'p99') * 1e3:.2f} ms, "
            f"max {max(x['max'] for x in rounds) * 1e3:.1f} ms")


def files():
    """A file of 256 KB, 16 at a time, by "aio threads" of the pool that tasks have,
    too, alone and beside 8 tasks."""
    path = os.path.join(servers.ROOT, "256k")

    with open(path, "wb") as f:
        f.write(b"x" * (256 << 10))

    with both("files", 9122, more=servers.FILES.replace("FILES", path)) as running:
        got = beside_tasks(running, "/file", 16, 8)

    results["files"] = {" ".join(key): r for key, r in got.items()}

    for (where, kind), rounds in got.items():
        where = "alone" if where == "alone" else "beside 8 tasks of primes"
        rates = [x["rate"] / 1000 for x in rounds]
        row(f"files of 256 KB by aio threads, {where}: {kind}",
            f"{statistics.median(rates):.2f}k/s ({min(rates):.2f}-{max(rates):.2f}), "
            f"p99 {middle(rounds, 'p99') * 1e3:.1f} ms")


def short_tasks():
    """An open loop of tasks of 1 ms on all cores, with /quick beside it."""
    server = servers.ours("threads", 9115)

    try:
        small = limit(server, "/primes", .0015)
        rate = 150 * len(CORES)
        people = Crowd(server, [(f"/primes?limit={small}", 0)] * (rate * 3), rate)
        got = {}
        t = threading.Thread(target=lambda: got.update(wrk(server, "/quick", 2, 1)))
        t.start()
        people.begin_all()
        people.end_all()
        t.join()
    finally:
        server.stop()

    results["open loop"] = got
    row(f"/quick beside {rate} tasks of 1 ms a second",
        f"p50 {got['p50'] * 1e6:.0f} us, p99 {got['p99'] * 1e3:.2f} ms",
        "p99 under 5 ms", got["p99"] < .005)


def bodies():
    """1 MB of JSON through a thread function: how long does /quick stand?"""
    server = servers.ours("body", 9116)
    text = b'{"name": "x", "pad": "' + b"y" * (1 << 20) + b'"}'

    try:
        worst = {"nothing": [], "1 MB of JSON": []}

        for name in ("nothing", "1 MB of JSON") * 3:
            got = {}
            t = threading.Thread(target=lambda: got.update(
                wrk(server, "/quick", 2, 1)))
            t.start()
            until = time.perf_counter() + 1.8
            n = 0

            while time.perf_counter() < until:
                if name == "nothing":
                    time.sleep(.05)
                else:
                    ask(server, "/json", data=text, method="POST",
                        headers={"Content-Type": "application/json"})
                    n += 1

            t.join()
            worst[name].append(got["max"])
    finally:
        server.stop()

    alone, beside = (statistics.median(w) for w in worst.values())
    results["body"] = worst
    row(f"/quick beside {n} bodies of 1 MB in 2 s: worst",
        f"{beside * 1e3:.2f} ms, alone {alone * 1e3:.2f} ms",
        "never over 2 ms", beside <= .002)


def beside():
    short_tasks()
    busy_threads()
    files()
    bodies()
