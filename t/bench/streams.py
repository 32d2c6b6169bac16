"""Streams: a GB that one client reads, events to one client and to 1,000, and
the memory of a stream that waits; beside a file, ngx.print() with
ngx.flush(true), and what FastAPI yields."""

import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import time

from load import pinned
from rates import turns
from report import FEW, FULL, ROUNDS, SECONDS, goal, markdown, results, row, say, table
import servers
from servers import CORES, ROOT

SINK = os.path.join(servers.BUILD, "bench", "sink")
SIZE = (1024 if FULL else 128) << 20
CROWD = 1000
EVENT = len("event: tick\ndata: tick\n\n")

# events to each client, of a server and a URI: what takes the seconds asked for

amounts = {}


@contextlib.contextmanager
def running(core):
    """Ours, lua's and FastAPI's, one worker each."""
    started = []

    try:
        for start in (servers.streams, servers.lua_streams, servers.fastapi_streams):
            started.append(start(core))
        yield started
    finally:
        for server in started:
            server.stop()


def sink(server, uri, clients=1, events=False, pin=True):
    """What the client counts; processor time of both; how much of a core each
    used."""
    command = [SINK, str(server.port), uri, str(clients)] + ["events"] * events
    cpu = server.cpu()
    done = subprocess.run(pinned(command) if pin else command,
                          capture_output=True, text=True)
    cpu = server.cpu() - cpu

    if done.returncode:
        raise SystemExit(f"{server.name} {uri}: {done.stderr.strip()}")

    got = json.loads(done.stdout)
    got["used"], got["busy"] = cpu, cpu / got["seconds"]
    got["client"] = got.pop("cpu") / got["seconds"]

    return got


def figures(got, number):
    return {"rate": number / got["seconds"], "cpu": got["used"] / number,
            "busy": got["busy"], "client": got["client"], "begun": got["begun"]}


def pour(server, uri, _, pin=True):
    """All of it, to one client."""
    got = sink(server, uri, pin=pin)

    if got["bytes"] != SIZE:
        raise SystemExit(f"{server.name} {uri}: {got['bytes']} bytes, not {SIZE}")

    return figures(got, SIZE)


def exactly(server, uri, n, clients):
    got = sink(server, f"{uri}?n={n}", clients, True)

    if got["events"] != n * clients or got["bytes"] != n * clients * EVENT:
        raise SystemExit(f"{server.name} {uri}: {got['events']} events, "
                         f"{got['bytes']} bytes, not {n} to {clients}")

    return got


def tick(server, uri, seconds, clients):
    """As many events to each client as take about so long, and at once."""
    key = (server.name, uri, clients)
    n = amounts.get(key, 0)

    if not n:
        n = max(10, 1000 // clients)
        took = exactly(server, uri, n, clients)["seconds"]

        while took < SECONDS / 4:
            n = int(n * min(10, SECONDS / took))
            took = exactly(server, uri, n, clients)["seconds"]

        amounts[key] = n = max(1, int(n * seconds / took))

    return figures(exactly(server, uri, n, clients), n * clients)


def paced(server, uri, seconds, clients):
    """An event to each client every 10 ms."""
    n = int(seconds * 100)
    got = sink(server, f"{uri}&n={n}", clients, True)

    if got["events"] != n * clients:
        raise SystemExit(f"{server.name} {uri}: {got['events']} events")

    return figures(got, n * clients)


def spread(r, unit, digits):
    return (f"{r['median'] / unit:.{digits}f} "
            f"({r['min'] / unit:.{digits}f}-{r['max'] / unit:.{digits}f})")


def show(name, got, unit, digits, what, late=False):
    for c, r in got.items():
        each = (f"{r['cpu']['median'] * 1e9:.2f} s CPU a GB" if what == "GB/s"
                else f"{r['cpu']['median'] * 1e6:.2f} us CPU each")
        last = f", the last began after {r['begun']['median'] * 1e3:.0f} ms" if late else ""
        row(f"{name}: {c}",
            f"{spread(r['rate'], unit, digits)} {what}, {each}, "
            f"{r['busy']['median']:.0%} busy, client {r['client']['median']:.0%}{last}")


def throughput(core):
    """Without a core the kernel puts server and client where it likes."""
    with running(core) as (ours, lua, fastapi):
        name = "1 GB" if core is not None else "1 GB, not pinned"
        name = name if FULL else name.replace("1 GB", f"{SIZE >> 20} MB")
        contestants = {"file": (ours, "/file")}

        for piece in (4, 64):
            query = f"?size={SIZE}&piece={piece << 10}"
            contestants.update({
                f"thread, {piece} KB": (ours, "/flood_thread" + query),
                f"async, {piece} KB": (ours, "/flood" + query),
                f"lua, {piece} KB": (lua, "/flood" + query),
                f"FastAPI yield, {piece} KB": (fastapi, "/yield" + query),
                f"FastAPI yield in def, {piece} KB": (fastapi, "/yield_def" + query),
                f"FastAPI StreamingResponse, {piece} KB": (fastapi, "/flood" + query),
            })

        got = turns(name, contestants, pour, pin=core is not None)

    show(name, got, 1e9, 2, "GB/s")
    by = "rate" if core is None else None

    for piece in (4, 64):
        thread = f"thread, {piece} KB"
        goal(name, got, thread, "file", .7, by=by)

        for mine in (thread, f"async, {piece} KB"):
            for peer in ("lua", "FastAPI yield", "FastAPI yield in def",
                         "FastAPI StreamingResponse"):
                goal(name, got, mine, f"{peer}, {piece} KB", 1, by=by)


def events():
    with running(CORES[0]) as (ours, lua, fastapi):
        contestants = {
            "async": (ours, "/events"), "thread": (ours, "/events_thread"),
            "lua": (lua, "/events"), "FastAPI StreamingResponse": (fastapi, "/events"),
            "FastAPI EventSourceResponse": (fastapi, "/sse")}

        for clients in (1, CROWD):
            name = f"events, {clients} client{'s' * (clients > 1)}"
            got = turns(name, contestants, tick, clients=clients)
            show(name, got, 1e3, 1, "k/s", clients > 1)

            for mine in ("async", "thread"):
                for peer in list(contestants)[2:]:
                    goal(name, got, mine, peer, 1)

        name = f"an event every 10 ms, {CROWD} clients"
        got = turns(name, {
            "async": (ours, "/events?pause=10ms"),
            "thread": (ours, "/events_thread?pause=10ms"),
            "lua": (lua, "/events?pause=0.01"),
            "FastAPI StreamingResponse": (fastapi, "/events?pause=0.01"),
            "FastAPI EventSourceResponse": (fastapi, "/sse?pause=0.01")},
            paced, FEW, clients=CROWD)
        show(name, got, 1e3, 1, "k/s")

        for peer in list(got)[2:]:
            goal(name, got, "async", peer, 1, by="CPU time")


def settle(server):
    """Until it does nothing any more."""
    until = time.time() + 30

    while time.time() < until:
        before = server.cpu()
        time.sleep(.5)

        if server.cpu() - before < .005:
            return

    raise SystemExit(f"{server.name} does not come to rest")


def crowd(server, uri, number):
    """Clients that do not read, and have little room for what they do not."""
    clients = []

    for _ in range(number):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(20)
        s.connect(("127.0.0.1", server.port))
        s.send(f"GET {uri} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        clients.append(s)

    settle(server)

    for s in clients:
        if not s.recv(64, socket.MSG_PEEK).startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"{server.name} {uri}: not all has begun")

    return clients


def held(start, uri):
    """Bytes of the server for each stream, behind the first 100."""
    server = start(CORES[0])
    clients = []

    try:
        clients += crowd(server, uri, 100)
        before = server.memory()
        clients += crowd(server, uri, CROWD)
        return (server.memory() - before) / CROWD
    finally:
        server.stop()
        for s in clients:
            s.close()


def waiting():
    next_event = {"async": (servers.streams, "/events?n=2&pause=1h"),
                  "thread": (servers.streams, "/events_thread?n=2&pause=1h"),
                  "lua": (servers.lua_streams, "/events?n=2&pause=3600"),
                  "FastAPI StreamingResponse":
                      (servers.fastapi_streams, "/events?n=2&pause=3600"),
                  "FastAPI EventSourceResponse":
                      (servers.fastapi_streams, "/sse?n=2&pause=3600")}

    query = f"?size={1 << 30}&piece=4096"
    client = {"async": (servers.streams, "/flood" + query),
              "thread": (servers.streams, "/flood_thread" + query),
              "lua": (servers.lua_streams, "/flood" + query),
              "FastAPI yield": (servers.fastapi_streams, "/yield" + query),
              "FastAPI StreamingResponse": (servers.fastapi_streams, "/flood" + query)}

    for what, contestants in (("its next event", next_event),
                              ("a client that does not read", client)):
        got = {c: [held(*r) for _ in range(FEW if FULL else 1)]
               for c, r in contestants.items()}
        results[f"bytes of a stream that waits for {what}"] = got

        for c, sizes in got.items():
            row(f"a stream waits for {what}: {c}",
                f"{statistics.median(sizes):.0f} bytes "
                f"({min(sizes):.0f}-{max(sizes):.0f})")


def versions():
    """FastAPI and all that it needs are of another Debian than the rest."""
    def of(root, packages):
        out = subprocess.run(
            root + ["dpkg-query", "-W", "-f", "${Package} ${Version}\n"] + packages,
            capture_output=True, text=True).stdout
        return re.sub(r"(python3-|libnginx-mod-http-)", "",
                      ", ".join(out.split("\n")[:-1]))

    return (of([], ["nginx", "libnginx-mod-http-lua"]) + "; "
            + of(["chroot", servers.newest()],
                 ["python3-fastapi", "python3-starlette", "python3-uvicorn",
                  "python3-uvloop", "python3-httptools", "python3"]))


def streams():
    first = len(table)
    path = os.path.join(ROOT, "streams.bin")

    results["streams"] = {"versions": versions(),
                          "command": "FULL=1 " * FULL + "make bench NAMES=streams"}

    for name, text in results["streams"].items():
        row(f"streams: {name}", text)

    with open(path, "wb") as f:
        for _ in range(SIZE >> 20):
            f.write(b"x" * (1 << 20))

    try:
        throughput(CORES[0])

        if len(CORES) > 1:
            throughput(None)

        events()
        waiting()
    finally:
        os.unlink(path)
        say(f"\n{results['machine']}\n\n" + markdown(table[first:]))
