"""Background jobs beside Celery and RQ, as Debian has them, with a Redis of this
machine: how many are accepted and done in a second, how long one waits until it
begins, and what one costs.

All have two workers, and share the cores with the load.  A job does nothing but
tell when it has begun; it is done when its result can be read.
"""

import contextlib
import functools
import importlib.util
import itertools
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request

from load import held, percentile, wrk
from report import (FEW, FULL, SECONDS, markdown, others, package, results, row, say,
                    table)
from streams import settle
from uploads import status
import servers
from servers import PYTHON, ROOT, ticks

WORKERS = 2
PRODUCERS = 2
NUMBER = 5000 if FULL else 2000

# jobs a second of a light load, and for how long

RATE = 50
LIGHT = 5 if FULL else 2

# what is held for the figures of memory

HELD = 5000

# of a zone each job has its part, so it is not much larger than what is measured

LARGE = "1000m"
SMALL = "8m"

MODES = ("async", "thread")

# options of a Redis

REDIS = {
    "not persistent": ["--appendonly", "no"],
    "appendonly, everysec": ["--appendonly", "yes", "--appendfsync", "everysec"],
}

# what http{} has for a store of ours, and the options of its Redis

STORES = {
    "zone": ("task_job_zone jobs:SIZE;", None),
    **{f"file with {fsync}": (f"task_job_zone jobs:SIZE state=FILE fsync={fsync};", None)
       for fsync in ("no", "everysec", "always")},
    "Redis": ("task_job_redis name=jobs url=unix:SOCKET;", REDIS["not persistent"]),
    "Redis with everysec": ("task_job_redis name=jobs url=unix:SOCKET;",
                            REDIS["appendonly, everysec"]),
}

POST = 'wrk.method = "POST"\n'


class System:
    """All processes that make and run jobs.  environ leads a producer to them;
    uris are what makes a job by HTTP."""

    def __init__(self):
        self.name = self.module
        self.parts = []

    def cpu(self):
        return sum(part.cpu() for part in self.parts)

    def stop(self):
        for part in reversed(self.parts):
            part.stop()

        self.parts = []


class Ours(System):
    """One form of a function, in one store."""

    module = "queue_ours"

    def __init__(self, store, mode, workers=WORKERS, size=LARGE):
        super().__init__()
        text, options = STORES[store]
        self.client = None
        self.directory = tempfile.mkdtemp(dir=ROOT)
        os.chmod(self.directory, 0o777)
        text = text.replace("FILE", os.path.join(self.directory, "jobs.state"))

        try:
            if options:
                text = text.replace("SOCKET", self.engine(options))

            self.http = servers.queue(2700, text.replace("SIZE", size), workers,
                                      self.client is not None)
        except BaseException:
            self.stop()
            raise

        self.parts.append(self.http)
        self.uris = {"": f"/{mode}"}
        self.environ = {"JOB_PORT": "2700", "JOB_URI": f"/{mode}"}

    def stop(self):
        super().stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def engine(self, options):
        import redis

        engine = servers.Redis("ours", 2703, options)
        self.parts.append(engine)
        self.client = redis.Redis(unix_socket_path=engine.socket)

        return engine.socket

    def done(self):
        """A worker asks its engine once a second."""
        if self.client:
            return self.client.zcard("{task-jobs}:state:done")

        with urllib.request.urlopen(self.http.base + "/status") as r:
            return json.load(r)["jobs"][0]["states"]["done"]


class Peer(System):
    """The workers come to their Redis later, for the figures of memory."""

    uris = {"async def": "/async", "def": "/def"}

    def __init__(self, options, work=True):
        import redis

        super().__init__()
        self.redis = servers.Redis("redis", 2701, options)
        self.parts.append(self.redis)
        self.environ = {"REDIS_SOCKET": self.redis.socket, "QUEUE": self.module,
                        "PYTHONPATH": "t/bench"}
        self.client = redis.Redis(unix_socket_path=self.redis.socket, db=self.results)
        self.workers = []
        os.environ.update(self.environ)

        try:
            if work:
                self.http = servers.uvicorn("queue_http", 2702, "app_queue", None,
                                            WORKERS)
                self.parts.append(self.http)
                self.work()
        except BaseException:
            self.stop()
            raise

    def cpu(self):
        """Those that uvicorn has started among them."""
        return sum(servers.Program.cpu(part) for part in self.parts)

    def work(self):
        self.workers = [servers.pythons(*command) for command in self.commands()]
        self.parts += self.workers

    def rest(self):
        """The workers end."""
        for worker in self.workers:
            worker.stop()
            self.parts.remove(worker)

    def memory(self):
        time.sleep(.5)
        return self.client.info("memory")["used_memory"]


class Celery(Peer):
    module = "queue_celery"
    results = 1

    def commands(self):
        return [["celery", "celery", "-A", self.module, "worker", "-l", "WARNING",
                 "-c", str(WORKERS), "-O", "fair", "--without-gossip",
                 "--without-mingle", "--without-heartbeat"]]

    def done(self):
        """This database has nothing but results."""
        return self.client.dbsize()


class RQ(Peer):
    module = "queue_rq"
    results = 0

    def commands(self):
        url = f"unix://{self.redis.socket}?db={self.results}"

        return [[f"rq{n}", "rq.cli", "worker", "-u", url, "-w", "rq.SimpleWorker",
                 "--logging_level", "WARNING", "--disable-job-desc-logging"]
                for n in range(WORKERS)]

    def done(self):
        return self.client.zcard("rq:finished:default")


def stores():
    """Those that can be had."""
    missing = ([] if shutil.which("redis-server") else ["redis-server"]) + (
        [] if importlib.util.find_spec("redis") else ["Python's redis"]) + (
        [] if servers.has_redis() else ["hiredis"])

    if missing:
        say(f"queues: jobs in Redis are not measured, without {', '.join(missing)}")

    return [store for store, (_, options) in STORES.items()
            if not (options and missing)]


def systems():
    """Those of us, and of the others what is installed: name -> what starts it."""
    found = {f"{store}, {mode}": functools.partial(Ours, store, mode)
             for store in stores() for mode in MODES
             if mode == "async" or store == "zone"}

    for peer in (Celery, RQ):
        name = peer.__name__
        missing = [module for module in (name.lower(), "redis")
                   if not importlib.util.find_spec(module)]

        if missing:
            say(f"queues: {name} is not measured, as Python has no {missing[0]}")
        elif not shutil.which("redis-server"):
            say(f"queues: {name} is not measured, as there is no redis-server")
        else:
            found.update({f"{name}, Redis {how}": functools.partial(peer, options)
                          for how, options in REDIS.items()})

    return found


def settled(system, number=None, quiet=1):
    """How many jobs are done, and when the last of so many was; without a number,
    of those before a while in which none was."""
    last, at = system.done(), time.perf_counter()
    until = at + 300

    while last != number:
        now = time.perf_counter()

        if not number and now - at > quiet:
            break

        if now > until:
            raise SystemExit(f"queues: {last} jobs are done, not {number}")

        time.sleep(.01)
        done = system.done()

        if done != last:
            last, at = done, time.perf_counter()

    return last, at


class Producers:
    """Processes that make jobs by the API of the system; see producer.py."""

    def __init__(self, system, number, rate=0, processes=1):
        self.processes = [
            subprocess.Popen([PYTHON, "t/bench/producer.py", system.module,
                              str(number // processes), str(rate)],
                             env={**os.environ, **system.environ}, text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(processes)]

        for p in self.processes:
            self.line(p)

    def line(self, process):
        line = process.stdout.readline()

        if not line:
            raise SystemExit(f"queues: a producer has ended: {process.args}")

        return line

    def tell(self):
        for p in self.processes:
            p.stdin.write("\n")
            p.stdin.flush()

    def answers(self):
        return [json.loads(self.line(p)) for p in self.processes]

    def cpu(self):
        return sum(ticks(p.pid) for p in self.processes)

    def waits(self, times):
        """Seconds until each job began, from when it was asked for, and from when
        it was accepted."""
        self.tell()
        found = {"asked": [], "accepted": []}

        for began, of in zip(self.answers(), times):
            for key, list in found.items():
                list += [round((b - t) / 1e9, 6) for b, t in zip(began, of[key])]

        return found

    def end(self):
        for p in self.processes:
            p.stdin.close()
            p.stdout.close()
            p.wait()


@contextlib.contextmanager
def producers(*arguments, **more):
    made = Producers(*arguments, **more)

    try:
        yield made
    finally:
        made.end()


def script():
    path = os.path.join(ROOT, "post.lua")

    with open(path, "w") as f:
        f.write(POST)

    return path


def by_client(system):
    """So many jobs, as fast as its own API makes them."""
    with producers(system, NUMBER, processes=PRODUCERS) as made:
        before, _ = settled(system, quiet=.3)
        cpu, theirs, start = system.cpu(), made.cpu(), time.perf_counter()
        made.tell()
        _, end = settled(system, before + NUMBER)
        cpu, theirs = system.cpu() - cpu, made.cpu() - theirs
        times = made.answers()
        took = (max(t["accepted"][-1] for t in times)
                - min(t["asked"][0] for t in times)) / 1e9

        return {"accepted": NUMBER / took, "done": NUMBER / (end - start),
                "cpu": cpu / NUMBER, "producers": theirs / NUMBER,
                "waits": made.waits(times)}


def by_http(system, uri):
    """As many as are accepted in a while, and until the last of them is done."""
    before, _ = settled(system, quiet=.3)
    cpu, start = system.cpu(), time.perf_counter()
    got = wrk(system.http, uri, SECONDS, pin=False, script=script(), timeout=60)
    after, end = settled(system)
    done = after - before

    if done < got["number"]:
        raise SystemExit(f"queues: {got['number']} jobs were accepted, {done} done")

    return {"accepted": got["rate"], "done": done / (end - start),
            "cpu": (system.cpu() - cpu) / done}


def paced(system, beside=None):
    """How long jobs of a light load wait, or those beside that of HTTP."""
    with producers(system, RATE * LIGHT, RATE) as made:
        with beside or contextlib.nullcontext():
            made.tell()
            times = made.answers()

        settled(system)

        return made.waits(times)


def speed(start):
    used = others()
    system = start()

    try:
        settle(system)
        uri = next(iter(system.uris.values()))
        got = {"others": used, "light": paced(system), "client": by_client(system)}

        for form, uri in system.uris.items():
            got[f"HTTP {form}".strip()] = by_http(system, uri)

        got["full"] = paced(system, held(system.http, uri, 64, pin=False,
                                         script=script()))
    finally:
        system.stop()

    return got


def middle(rounds, key):
    return statistics.median(r[key] for r in rounds)


def spread(rounds, key):
    values = [r[key] for r in rounds]
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def show_rates(name, rounds):
    of = (f", {middle(rounds, 'producers') * 1e3:.3f} of the producers"
          if "producers" in rounds[0] else "")
    row(name, f"{spread(rounds, 'accepted')} accepted, {spread(rounds, 'done')} done a "
        f"second, {middle(rounds, 'cpu') * 1e3:.3f} s CPU a 1,000{of}")


def show_waits(name, rounds):
    """Of all rounds together."""
    def text(key):
        all = [t for r in rounds for t in r[key]]
        return (f"p50 {percentile(all, .5) * 1e3:.2f} ms, "
                f"p99 {percentile(all, .99) * 1e3:.2f} ms")

    row(name, f"{text('accepted')}; from when it was asked for {text('asked')}")


def show(got):
    used = [r["others"] for rounds in got.values() for r in rounds]
    row("queues: of the machine other programs used",
        f"{statistics.median(used):.0%} ({min(used):.0%}-{max(used):.0%})")

    for name, rounds in got.items():
        for key in rounds[0]:
            if key not in ("others", "light", "full"):
                show_rates(f"jobs by {key}: {name}", [r[key] for r in rounds])

    for name, rounds in got.items():
        show_waits(f"a job waits, {RATE} a second: {name}",
                   [r["light"] for r in rounds])
        show_waits(f"beside 64 clients of HTTP: {name}", [r["full"] for r in rounds])
        show_waits(f"of {NUMBER:,} at once: {name}",
                   [r["client"]["waits"] for r in rounds])


def compared(rounds):
    """The best form of a system: jobs a second, and what is to be little."""
    forms = [key for key in rounds[0] if key.startswith("HTTP")]

    def medians(of):
        return [middle([r[form] for r in rounds], of) for form in forms]

    def p99(key):
        return percentile([t for r in rounds for t in r[key]["accepted"]], .99)

    return (max(medians("done")),
            {"s CPU of 1,000 by HTTP": min(medians("cpu")) * 1e3,
             f"ms of p99 of a wait, {RATE} a second": p99("light") * 1e3,
             "ms of p99 of a wait, beside 64 clients": p99("full") * 1e3})


def goals(got):
    """Each of ours is ahead of the best of each of the others."""
    ours = [name for name in got if name.split(",")[0] in STORES]
    peers = {name: compared(got[name]) for name in got if name not in ours}

    for mine in ours:
        done, costs = compared(got[mine])

        for peer in (Celery, RQ):
            name = peer.__name__
            theirs = [r for key, r in peers.items() if key.startswith(name)]

            if not theirs:
                continue

            most = max(t[0] for t in theirs)
            row(f"done a second by HTTP: {mine}, {name}",
                f"{done:,.0f}, {most:,.0f}: {done / most:.1f} times", "5 times",
                done > 5 * most)

            for what, cost in costs.items():
                least = min(t[1][what] for t in theirs)
                row(f"{what}: {mine}, {name}", f"{cost:.3f}, {least:.3f}", "less",
                    cost < least)


def fill(system, uri=None):
    """Jobs that are held, the one that tells that all is ready among them."""
    if uri:
        system.environ["JOB_URI"] = uri

    with producers(system, HELD - 1) as made:
        made.tell()
        made.answers()


def resident(system):
    """Memory of a worker, and of its engine, or of the zone as far as it was ever
    used."""
    store = ({"Redis": system.client.info("memory")["used_memory"]} if system.client
             else {"the zone": status(system.http, "RssShmem")})

    return {**store, "the worker": status(system.http, "RssAnon")}


def our_memory(store):
    """All wait for one that takes long."""
    system = Ours(store, "async", workers=1, size=SMALL)

    try:
        before = resident(system)
        request = urllib.request.Request(f"{system.http.base}/held?duration=10s",
                                         method="POST")
        urllib.request.urlopen(request).close()
        fill(system, "/held")
        queued = resident(system)

        if system.done():
            raise SystemExit("queues: the jobs did not wait")

        settled(system, HELD + 1)
        ended = resident(system)
    finally:
        system.stop()

    return {"queued": {k: (queued[k] - before[k]) / HELD for k in before},
            "ended": {k: (ended[k] - before[k]) / HELD for k in before}}


def peer_memory(peer):
    system = peer(REDIS["not persistent"], work=False)

    try:
        before = system.memory()
        fill(system)
        queued = system.memory()
        system.work()
        settled(system, HELD)
        system.rest()
        ended = system.memory()
    finally:
        system.stop()

    return {"queued": {"Redis": (queued - before) / HELD},
            "ended": {"Redis": (ended - before) / HELD}}


def memory(names):
    got = results["memory of a job"] = {}

    mine = [store for store in stores() if store in ("zone", "Redis")]

    for store in mine:
        got[store] = our_memory(store)

    for peer in (Celery, RQ):
        if any(name.startswith(peer.__name__) for name in names):
            got[peer.__name__] = peer_memory(peer)

    peers = [name for name in got if name not in mine]

    for state in ("queued", "ended"):
        bytes = {name: sum(parts[state].values()) for name, parts in got.items()}

        for name, parts in got.items():
            row(f"memory of a job that is {state}: {name}", ", ".join(
                f"{size:.0f} bytes of {part}" for part, size in parts[state].items()))

        for store, name in itertools.product(mine, peers):
            row(f"memory of a job that is {state}: {store}, {name}",
                f"{bytes[store]:.0f}, {bytes[name]:.0f} bytes", "less",
                bytes[store] < bytes[name])


def versions():
    server = subprocess.run(["redis-server", "--version"], capture_output=True,
                            text=True).stdout.split() if shutil.which(
                                "redis-server") else ["", "", "none"]
    names = ("celery", "kombu", "rq", "redis", "hiredis", "fastapi", "uvicorn")

    return (", ".join(f"{name} {package(name)}" for name in names)
            + f", redis-server {server[2].removeprefix('v=')}")


def queues():
    first = len(table)
    about = results["queues"] = {
        "command": "FULL=1 " * FULL + "make bench NAMES=queues",
        "versions": versions()}

    for name, text in about.items():
        row(f"queues: {name}", text)

    started = systems()
    got = {name: [] for name in started}

    # what was measured is shown, whatever happens to the rest

    try:
        for _ in range(FEW):
            for name, start in started.items():
                got[name].append(speed(start))
    finally:
        got = {name: rounds for name, rounds in got.items() if rounds}
        about["systems"] = got

        if got:
            show(got)
            goals(got)

    memory(started)

    say(f"\n{results['machine']}\n\n" + markdown(table[first:]))
