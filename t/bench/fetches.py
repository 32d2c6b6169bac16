"""What a function fetches: beside proxy_pass to the same upstream, what lua
captures and njs requests; and ten fetches at once."""

import statistics

from load import ask
from rates import rates
from report import goal, results, row
import servers
from servers import CORES

TEN = 20


def fetches():
    started = []

    try:
        started.append(servers.small(CORES[-1]))

        for start in (servers.fetches, servers.peers):
            started.append(start(core=CORES[0]))

        one(started[1], started[2])
        ten(started[1])
    finally:
        for server in started:
            server.stop()


def one(ours, peers):
    got = rates("a fetch", {
        "proxy_pass": (ours, "/proxy"), "fetch": (ours, "/fetch"),
        "lua's capture": (peers, "/capture"),
        "njs's subrequest": (peers, "/subrequest")}, "fetch")

    used = got["fetch"]["cpu"]["median"] / got["proxy_pass"]["cpu"]["median"]
    row("a fetch: CPU time of that of proxy_pass", f"{used:.2f}", "at most 1.3",
        used <= 1.3)

    goal("a fetch", got, "fetch", "lua's capture", 1, by="CPU time")
    goal("a fetch", got, "fetch", "njs's subrequest", 1, by="CPU time")


def ten(ours):
    """Each takes 100 ms."""
    took = sorted(ask(ours, "/ten") for _ in range(TEN))
    results["ten fetches"] = took

    row("ten fetches of 100 ms in a gather",
        f"{statistics.median(took) * 1e3:.1f} ms "
        f"({took[0] * 1e3:.1f}-{took[-1] * 1e3:.1f})", "under 110 ms",
        .1 <= took[0] and took[-1] < .11)
