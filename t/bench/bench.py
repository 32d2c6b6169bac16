#!/usr/bin/python3
"""The benchmark: all that is compared runs in turns, A B A B, on one machine.

    python3 t/bench/bench.py          about 4 minutes
    FULL=1 python3 t/bench/bench.py   about 15

It prints medians with minimum and maximum, and their ratio to ours, and
writes results.json, table.md and pictures to build/bench/.  The servers have
one worker on the first core, the load is on the last one.
"""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import servers
from load import Crowd, percentile, wrk
from servers import CORES, ROOT

FULL = bool(os.environ.get("FULL"))
ROUNDS = 9 if FULL else 5
SECONDS = 3 if FULL else 1
CROWD = 10000

results = {}
table = []


def say(text):
    print(text, flush=True)


def row(figure, value, goal="", met=None):
    mark = "" if met is None else "yes" if met else "**missed**"
    table.append((figure, value, goal, mark))
    say(f"{figure:44} {value:34} {goal:28} {mark}")


def turns(name, contestants, connections=64):
    """contestants: name -> (server, uri).  Medians of rate and CPU time."""
    rounds = {c: [] for c in contestants}

    for server, uri in contestants.values():
        wrk(server, uri, 1, connections)

    for _ in range(ROUNDS):
        for c, (server, uri) in contestants.items():
            rounds[c].append(wrk(server, uri, SECONDS, connections))

    results[name] = {}

    for c, r in rounds.items():
        results[name][c] = {
            key: {"median": statistics.median(x[key] for x in r),
                  "min": min(x[key] for x in r), "max": max(x[key] for x in r)}
            for key in r[0]}

    return results[name]


def rates(name, contestants, ours):
    """A row for each; the ratio is ours to theirs."""
    got = turns(name, contestants)
    mine = got[ours]["rate"]["median"]

    for c, r in got.items():
        rate = r["rate"]
        row(f"{name}: {c}",
            f"{rate['median'] / 1000:6.1f}k/s "
            f"({rate['min'] / 1000:.1f}-{rate['max'] / 1000:.1f}), "
            f"{r['cpu']['median'] * 1e6:.2f} us CPU",
            "" if c == ours else f"ours is {mine / rate['median']:.2f} of it")

    return got


def goal(name, got, a, b, least, what="rate"):
    """a is at least so much of b; of CPU time, b is so much of a."""
    x, y = got[a][what]["median"], got[b][what]["median"]
    ratio = x / y if what == "rate" else y / x
    word = "rate" if what == "rate" else "by CPU time"
    row(f"{name}: {a} of {b}, {word}", f"{ratio:.2f}", f"at least {least}",
        ratio >= least)


def throughput(ours, peers, fastapi):
    got = rates("/quick", {
        "return": (ours, "/return"), "empty handler": (ours, "/empty"),
        "quick": (ours, "/quick"), "echo": (peers, "/echo"),
        "lua": (peers, "/lua"), "njs": (peers, "/njs"),
        "FastAPI": (fastapi, "/quick")}, "quick")

    # wrk has used up its core there: nearer ones are told apart by CPU time

    for peer, least, what in (("return", .97, "rate"), ("echo", 1, "cpu"),
                              ("lua", 1, "cpu"), ("FastAPI", 15, "rate")):
        goal("/quick", got, "quick", peer, least, what)

    got = rates("no duration", {
        "return": (ours, "/return"), "async": (ours, "/fixed"),
        "FastAPI async def": (fastapi, "/async")}, "async")
    goal("no duration", got, "async", "return", .9)
    goal("no duration", got, "async", "return", .9, "cpu")

    got = rates("1 ms", {
        "async": (ours, "/ms"), "echo_sleep": (peers, "/echo_sleep"),
        "ngx.sleep": (peers, "/lua_sleep"),
        "FastAPI async def": (fastapi, "/async?duration=0.001")}, "async")
    goal("1 ms", got, "async", "echo_sleep", 1)
    goal("1 ms", got, "async", "ngx.sleep", 1)

    # how many of the peers' sleeps end before their time

    for name, server, uri in (("async", ours, "/ms"),
                              ("echo_sleep", peers, "/echo_sleep"),
                              ("ngx.sleep", peers, "/lua_sleep")):
        crowd = Crowd(server, uri, 2000, 1000)
        crowd.begin_all()
        took = crowd.end_all().took
        early = sum(t < .001 for t in took) / len(took)
        results["1 ms"][name]["early"] = early
        row(f"1 ms, as the client sees it: {name}", f"{early:.0%} too early",
            "none" if name == "async" else "",
            early == 0 if name == "async" else None)

    got = rates("thread, nothing", {
        "thread": (ours, "/thread"), "bare post": (ours, "/bare"),
        "run_worker_thread": (peers, "/lua_thread"),
        "FastAPI def": (fastapi, "/thread")}, "thread")

    for peer, least in (("bare post", .97), ("run_worker_thread", 1),
                        ("FastAPI def", 14)):
        goal("thread", got, "thread", peer, least)

    got = turns("latency of one", {"async": (ours, "/fixed"),
                                   "thread": (ours, "/thread")}, 1)
    row("a task that does nothing, one client",
        f"async {got['async']['p50']['median'] * 1e6:.0f} us, "
        f"thread {got['thread']['p50']['median'] * 1e6:.0f} us")


def instructions():
    out = subprocess.run(["perl", "t/bench/instructions.pl"], text=True,
                         capture_output=True, check=True).stdout
    found = dict(re.findall(r"^(\S.*?\S)\s+(\d+) instructions", out, re.M))
    n = results["instructions"] = {k: int(v) for k, v in found.items()}

    for name, count in n.items():
        row(f"instructions: {name}", f"{count}")

    for a, b, most in (("quick", "empty", 1.02), ("async, counted", "async", 1.03)):
        row(f"instructions: {a} of {b}", f"{n[a] / n[b]:.3f}", f"at most {most}",
            n[a] / n[b] <= most)


def held(start, uri, number=CROWD):
    """Bytes of the server for each request that it holds."""
    server = start()

    try:
        # what nginx allocates once, for the first ones

        crowd = Crowd(server, uri, 200, 2000)
        crowd.begin_all()
        time.sleep(.3)
        before = server.memory()
        more = Crowd(server, uri, number, 2500)
        more.begin_all()
        time.sleep(.5)
        after = server.memory()
        crowd.drop()
        more.drop()
        return (after - before) / number
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


def crowd():
    """10,000 tasks of 20 s at an even rate, and /quick beside them."""
    server = servers.ours("crowd", 9112, core=CORES[0])

    try:
        alone = [wrk(server, "/quick", 1, 1) for _ in range(3)]
        people = Crowd(server, "/async?duration=20s", CROWD, 1000)
        people.begin_all()
        beside = [wrk(server, "/quick", 1, 1) for _ in range(3)]
        people.end_all()
    finally:
        server.stop()

    late = [t - 20 for t in people.took]
    results["crowd"] = {
        "answers": len(late), "early": sum(t < 0 for t in late),
        "late": {p: percentile(late, p / 100) for p in (50, 99, 100)}}
    row("10,000 tasks of 20 s: answered, none early",
        f"{len(late)}, {sum(t < 0 for t in late)} early", "all, none",
        len(late) == CROWD and min(late) >= 0)
    row("10,000 tasks of 20 s: late, p50 and p99",
        f"{percentile(late, .5) * 1e3:.2f} ms, {percentile(late, .99) * 1e3:.2f} ms",
        "p99 under 5 ms", percentile(late, .99) < .005)

    for p in ("p50", "p99"):
        a = statistics.median(x[p] for x in alone)
        b = statistics.median(x[p] for x in beside)
        results["crowd"][f"/quick {p}"] = (a, b)
        row(f"/quick {p}: alone, beside 10,000 pending",
            f"{a * 1e6:.0f} us, {b * 1e6:.0f} us", "within 5 %", b <= a * 1.05)


def growth():
    """CPU time of one task more, with so many pending."""
    curve = []

    for number in (100, 1000, 5000, 10000, 18000):
        server = servers.ours("growth", 9113, core=CORES[0])

        try:
            people = Crowd(server, "/async?duration=60s", number, 4000)
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


def ask(server, uri, **more):
    start = time.perf_counter()
    request = urllib.request.Request(server.base + uri, **more)
    with urllib.request.urlopen(request) as r:
        r.read()
    return time.perf_counter() - start


def threads(fastapi):
    """All cores at work; an open loop of 1 ms tasks with /quick beside."""
    server = servers.ours("threads", 9115)

    try:
        limit = 200000

        while ask(server, f"/primes?limit={limit}") < .25:
            limit *= 2

        speed = {}

        for name, s, n in (("ours", server, limit), ("FastAPI", fastapi, 300000)):
            uri = f"/primes?limit={n}"
            one = sum(ask(s, uri) for _ in range(4))
            with ThreadPoolExecutor(4) as pool:
                start = time.perf_counter()
                list(pool.map(lambda _: ask(s, uri), range(4)))
                speed[name] = one / (time.perf_counter() - start)

        row(f"4 x primes at once, {len(CORES)} cores: speed-up",
            f"{speed['ours']:.2f}, FastAPI def {speed['FastAPI']:.2f}")
        results["speed-up"] = speed

        # a limit that takes about a millisecond

        small = 1000

        while min(ask(server, f"/primes?limit={small}") for _ in range(5)) < .0015:
            small = int(small * 1.3)

        rate = 150 * len(CORES)
        people = Crowd(server, f"/primes?limit={small}", rate * 3, rate)
        beside = {}
        t = threading.Thread(target=lambda: beside.update(
            wrk(server, "/quick", 2, 1)))
        t.start()
        people.begin_all()
        people.end_all()
        t.join()
        results["open loop"] = beside
        row(f"/quick beside {rate} tasks of 1 ms a second",
            f"p50 {beside['p50'] * 1e6:.0f} us, p99 {beside['p99'] * 1e3:.2f} ms",
            "p99 under 5 ms", beside["p99"] < .005)
    finally:
        server.stop()


def body():
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

        alone, beside = (statistics.median(w) for w in worst.values())
        results["body"] = worst
        row(f"/quick beside {n} bodies of 1 MB in 2 s: worst",
            f"{beside * 1e3:.2f} ms, alone {alone * 1e3:.2f} ms",
            "never over 2 ms", beside <= .002)
    finally:
        server.stop()


def machine():
    with open("/proc/cpuinfo") as f:
        model = re.search(r"model name\s+: (.*)", f.read()).group(1)
    version = subprocess.run([servers.NGINX, "-v"], capture_output=True,
                             text=True).stderr.strip().split("/")[-1]
    return (f"{len(CORES)} cores of {model}, Linux {platform.release().split('-')[0]}, "
            f"nginx {version}")


def main():
    os.makedirs(ROOT, exist_ok=True)
    where = machine()
    results["machine"] = where
    say(f"{where}; {ROUNDS} rounds of {SECONDS} s\n")

    core = CORES[0]
    running = [servers.ours(core=core), servers.peers(core),
               servers.fastapi(core)]

    try:
        throughput(*running)
    finally:
        for server in running:
            server.stop()

    instructions()
    memory()
    crowd()
    growth()
    workers()

    fastapi = servers.fastapi()

    try:
        threads(fastapi)
    finally:
        fastapi.stop()

    body()

    with open(os.path.join(ROOT, "results.json"), "w") as f:
        json.dump(results, f, indent=1)

    with open(os.path.join(ROOT, "table.md"), "w") as f:
        f.write(f"{where}\n\n| figure | measured | goal | met |\n|---|---|---|---|\n")
        for cells in table:
            f.write("| " + " | ".join(cells) + " |\n")

    try:
        import pictures
        pictures.draw(results)
    except ImportError:
        say("no pictures: python3-matplotlib is not installed")

    say(f"\nwritten to {os.path.relpath(ROOT)}: results.json, table.md, pictures")


main()
