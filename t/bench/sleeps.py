"""How late a sleep ends, as a client sees it, and what it costs the server.

Nothing is subtracted: the time from before the request is sent to when its
answer is read, less the sleep.  The row of an answer at once, by the same
client at a like rate, tells what of it is the client and HTTP.
"""

import random
import statistics

from load import Crowd, percentile, undisturbed
from report import FULL, ROUNDS, results, row

NUMBER = 10000
ARRIVALS = 5
LONGEST = 20
SHORTEST = .02


def long_sleeps():
    """Whole milliseconds: each begins within 5 s, and ends at a random moment
    after that, within 20 s, so that all are pending at once."""
    chance = random.Random(1)
    ends = [ARRIVALS + SHORTEST + i * (LONGEST - ARRIVALS - SHORTEST) / NUMBER
            for i in range(NUMBER)]
    chance.shuffle(ends)

    return [round(1000 * (end - i * ARRIVALS / NUMBER)) for i, end in enumerate(ends)]


def measure(server, uri, unit, sleeps, rate):
    """unit: a sleep of so many milliseconds as the server likes it."""
    asks = [(uri + unit(ms), ms / 1000) for ms in sleeps]

    with undisturbed():
        crowd = Crowd(server, asks, rate, exact=True)
        cpu = server.cpu()
        crowd.begin_all()
        pending = len(crowd.open)
        late = crowd.end_all().late
        cpu = server.cpu() - cpu

    if len(late) != len(sleeps):
        raise SystemExit(f"{server.name} {uri}: {len(late)} of {len(sleeps)} answered")

    return {"p50": percentile(late, .5), "p99": percentile(late, .99),
            "max": max(late), "early": sum(t < 0 for t in late),
            "pending": pending, "cpu": cpu / len(sleeps)}


def turns(name, contestants, rounds):
    """contestants: name -> arguments of measure().  A row for each."""
    got = {c: [] for c in contestants}

    for _ in range(rounds):
        for c, arguments in contestants.items():
            got[c].append(measure(*arguments))

    results[name] = got
    seen = {}

    for c, r in got.items():
        x = seen[c] = {key: statistics.median(m[key] for m in r) for key in r[0]}
        x["max"] = max(m["max"] for m in r)
        x["early"] = sum(m["early"] for m in r)
        row(f"{name}: {c}",
            f"late p50 {x['p50'] * 1e3:.3f} ms, p99 {x['p99'] * 1e3:.3f} ms, "
            f"max {x['max'] * 1e3:.2f} ms; {x['early']} early; "
            f"{x['cpu'] * 1e6:.1f} us CPU; {x['pending']:.0f} at once")

    x = seen["async"]
    row(f"{name}: late p50, p99, early",
        f"{x['p50'] * 1e3:.3f} ms, {x['p99'] * 1e3:.3f} ms, {x['early']}",
        "p50 at most 0.1 ms, p99 1 ms, none early",
        x["p50"] <= .0001 and x["p99"] <= .001 and x["early"] == 0)


def lateness(ours, peers):
    def nothing(ms):
        return ""

    def time(ms):
        return f"?duration={ms}ms"

    def number(ms):
        return f"?duration={ms / 1000:.3f}"

    # answers at once, at the rate at which the sleeps end

    sleeps = long_sleeps()
    rate = NUMBER / (LONGEST - ARRIVALS)
    turns("10,000 sleeps of 20 ms to 20 s", {
        "an answer at once": (ours, "/fixed", nothing, [0] * 2000, rate),
        "async": (ours, "/async", time, sleeps, NUMBER / ARRIVALS),
        "echo_sleep": (peers, "/echo_any", number, sleeps, NUMBER / ARRIVALS),
        "ngx.sleep": (peers, "/lua_any", number, sleeps, NUMBER / ARRIVALS),
    }, 3 if FULL else 1)

    # 50 at a time

    sleeps = [20] * 600
    turns("600 sleeps of 20 ms", {
        "an answer at once": (ours, "/fixed", nothing, [0] * 600, 2500),
        "async": (ours, "/async", time, sleeps, 2500),
        "echo_sleep": (peers, "/echo_any", number, sleeps, 2500),
        "ngx.sleep": (peers, "/lua_any", number, sleeps, 2500),
    }, ROUNDS)
