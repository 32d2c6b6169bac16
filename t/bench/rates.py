"""Rates, one after the other in turns: quick, async and thread beside peers."""

import statistics

from load import Crowd, h2load, wrk
from report import FEW, ROUNDS, SECONDS, goal, results, row


def turns(name, contestants, load=wrk, rounds=ROUNDS, **more):
    """contestants: name -> (server, uri).  Medians of what the load returns."""
    got = {c: [] for c in contestants}

    for server, uri in contestants.values():
        load(server, uri, 1, **more)

    for _ in range(rounds):
        for c, (server, uri) in contestants.items():
            got[c].append(load(server, uri, SECONDS, **more))

    results[name] = {}

    for c, r in got.items():
        results[name][c] = {
            key: {"median": statistics.median(x[key] for x in r),
                  "min": min(x[key] for x in r), "max": max(x[key] for x in r)}
            for key in r[0]}

    return results[name]


def rates(name, contestants, ours=None, **more):
    """A row for each; the ratio is ours to theirs."""
    got = turns(name, contestants, **more)
    mine = got[ours]["rate"]["median"] if ours else 0

    for c, r in got.items():
        rate = r["rate"]
        row(f"{name}: {c}",
            f"{rate['median'] / 1000:.1f}k/s "
            f"({rate['min'] / 1000:.1f}-{rate['max'] / 1000:.1f}), "
            f"{r['cpu']['median'] * 1e6:.2f} us CPU, {r['busy']['median']:.0%} busy",
            "" if c == ours or not ours else f"ours is {mine / rate['median']:.2f} of it")

    return got


def early(name, server, uri, least):
    """How many sleeps end before their time, as the client sees it."""
    crowd = Crowd(server, [(uri, least)] * 2000, 1000)
    crowd.begin_all()
    late = crowd.end_all().late
    share = sum(t < 0 for t in late) / len(late)
    results["1 ms"][name]["early"] = share
    row(f"1 ms, as the client sees it: {name}", f"{share:.0%} too early",
        "none" if name == "async" else "", share == 0 if name == "async" else None)


def throughput(ours, peers, fastapi):
    got = rates("/quick", {
        "return": (ours, "/return"), "empty handler": (ours, "/empty"),
        "quick": (ours, "/quick"), "echo": (peers, "/echo"),
        "lua": (peers, "/lua"), "njs": (peers, "/njs"),
        "FastAPI": (fastapi, "/quick")}, "quick")

    # the load is near its limit with echo and lua: how busy they are tells more

    for peer, least, by in (("return", .97, None), ("echo", 1, "CPU time"),
                            ("lua", 1, "CPU time"), ("FastAPI", 15, None)):
        goal("/quick", got, "quick", peer, least, by=by)

    got = rates("no duration", {
        "return": (ours, "/return"), "async": (ours, "/fixed"),
        "FastAPI async def": (fastapi, "/async")}, "async")
    goal("no duration", got, "async", "return", .9)

    got = rates("1 ms", {
        "async": (ours, "/ms"), "echo_sleep": (peers, "/echo_sleep"),
        "ngx.sleep": (peers, "/lua_sleep"),
        "FastAPI async def": (fastapi, "/async?duration=0.001")}, "async")

    # the faster one is the one that sleeps less too long: no matter who is busy

    goal("1 ms, 64 at a time", got, "async", "echo_sleep", 1, by="rate")
    goal("1 ms, 64 at a time", got, "async", "ngx.sleep", 1, by="rate")

    early("async", ours, "/ms", .001)
    early("echo_sleep", peers, "/echo_sleep", .001)
    early("ngx.sleep", peers, "/lua_sleep", .001)

    # a thread that has run a task is SCHED_BATCH from then on: bare posts to the
    # same pool have such threads, too, those to a pool of their own have not

    got = rates("thread, nothing", {
        "thread": (ours, "/thread"), "bare post": (ours, "/bare"),
        "bare post, our pool": (ours, "/bare_shared"),
        "run_worker_thread": (peers, "/lua_thread"),
        "FastAPI def": (fastapi, "/thread")}, "thread")

    for peer, least in (("bare post", 1.5), ("run_worker_thread", 1.3),
                        ("FastAPI def", 14)):
        goal("thread", got, "thread", peer, least)

    got = turns("latency of one", {"async": (ours, "/fixed"),
                                   "thread": (ours, "/thread")}, connections=1)
    row("a task that does nothing, one client",
        f"async {got['async']['p50']['median'] * 1e6:.0f} us, "
        f"thread {got['thread']['p50']['median'] * 1e6:.0f} us")


def http2(ours):
    """On few connections, with many streams each."""
    got = rates("HTTP/2", {
        "return": (ours, "/return"), "quick": (ours, "/quick"),
        "async": (ours, "/fixed"), "thread": (ours, "/thread")}, load=h2load,
        rounds=FEW)
    goal("HTTP/2", got, "quick", "return")
    goal("HTTP/2", got, "async", "return")
