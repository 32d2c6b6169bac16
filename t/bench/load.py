"""The load: wrk and h2load for rates, one thread with epoll for many at a time."""

import contextlib
import gc
import os
import re
import select
import socket
import subprocess
import time
import urllib.request

from servers import CORES


def percentile(values, p):
    """Nearest rank."""
    values = sorted(values)
    return values[max(int(-(-len(values) * p // 1)) - 1, 0)]


def seconds(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]


def pinned(command):
    """On another core than the servers', if there is one."""
    if len(CORES) > 1:
        return ["taskset", "-c", str(CORES[-1])] + command
    return command


def run(server, uri, command):
    """What the command prints, and CPU seconds of the server meanwhile."""
    cpu = server.cpu()
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    cpu = server.cpu() - cpu

    if ("Non-2xx" in out or "Socket errors" in out
            or re.search(r"[1-9]\d* (failed|errored|timeout|[345]xx)", out)):
        raise SystemExit(f"{server.name} {uri}: not all was answered\n{out}")

    return out, cpu


def wrk(server, uri, duration, connections=64, pin=True, script=None, timeout=2):
    """Requests a second, CPU seconds of the server for each, how much of a core
    it used, latencies."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{duration}s", "--latency",
               "--timeout", f"{timeout}s"]
    command += ["-s", script] if script else []
    command += [server.base + uri]
    out, cpu = run(server, uri, pinned(command) if pin else command)

    number, took = re.search(r"(\d+) requests in (\S+),", out).groups()

    return {
        "number": int(number),
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out, re.M).group(1)),
        "cpu": cpu / int(number),
        "busy": cpu / seconds(took),
        "p50": seconds(re.search(r"^\s+50%\s+(\S+)", out, re.M).group(1)),
        "p99": seconds(re.search(r"^\s+99%\s+(\S+)", out, re.M).group(1)),
        "max": seconds(re.search(r"Latency\s+\S+\s+\S+\s+(\S+)", out, re.M).group(1)),
    }


def h2load(server, uri, duration):
    """The same by HTTP/2, on 4 connections with 64 streams each: on one the two
    would wait for each other.  h2load tells no percentiles."""
    out, cpu = run(server, uri, pinned(
        ["h2load", "-t1", "-c4", "-m64", f"-D{duration}", server.h2 + uri]))

    took, rate = re.search(r"finished in (\S+), ([\d.]+) req/s", out).groups()
    number = int(re.search(r"(\d+) succeeded", out).group(1))

    return {"rate": float(rate), "cpu": cpu / number, "busy": cpu / seconds(took)}


@contextlib.contextmanager
def held(server, uri, connections, pin=True, script=None):
    """So many requests at a time, again and again, beside what is measured."""
    command = ["wrk", "-t1", f"-c{connections}", "-d600s"]
    command += ["-s", script] if script else []
    command += [server.base + uri]
    process = subprocess.Popen(pinned(command) if pin else command,
                               stdout=subprocess.DEVNULL)
    time.sleep(.3)

    try:
        yield
    finally:
        process.terminate()
        process.wait()


def ask(server, uri, **more):
    """How long one request takes."""
    start = time.perf_counter()
    request = urllib.request.Request(server.base + uri, **more)
    with urllib.request.urlopen(request) as r:
        r.read()
    return time.perf_counter() - start


@contextlib.contextmanager
def undisturbed():
    """This thread has the core of the load, and goes before all else there: it
    measures how late an answer is.  Without privileges it goes on as it was.

    Not SCHED_FIFO: a thread that never sleeps is stopped then for 50 ms of each
    second, if anything else is to run there.
    """
    cores, nice = os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0)
    os.sched_setaffinity(0, CORES[-1:])
    gc.disable()

    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)

    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, nice)
        gc.enable()
        os.sched_setaffinity(0, cores)


class Crowd:
    """Requests that begin at an even rate, each on its own connection.

    asks: a URI, and how many seconds the answer should take, of each.  With
    exact all connections are made first, so that no accept() counts in, and
    the client looks all the time, so that nobody has to wake it.
    """

    def __init__(self, server, asks, rate, exact=False):
        self.server, self.asks, self.rate, self.exact = server, asks, rate, exact
        self.epoll = select.epoll()
        self.open, self.took, self.late, self.failed = {}, [], [], 0
        self.begun = 0
        self.ready = [self.connect() for _ in asks] if exact else []
        self.start = time.perf_counter()

    def connect(self):
        s = socket.socket()
        s.connect(("127.0.0.1", self.server.port))
        s.setblocking(False)
        self.epoll.register(s.fileno(), select.EPOLLIN)
        return s

    def step(self, wait=.001):
        """Begins what is due, ends what was answered.  A wait of epoll has whole
        milliseconds: select() waits for what is due next."""
        now = time.perf_counter()

        while self.begun < len(self.asks) and now >= self.due():
            self.begin()
            now = time.perf_counter()

        if self.exact:
            wait = 0
        elif self.begun < len(self.asks):
            select.select([self.epoll], [], [], min(self.due() - now, wait))
            wait = 0

        for fd, _ in self.epoll.poll(wait):
            self.end(fd)

    def due(self):
        return self.start + self.begun / self.rate

    def begin(self):
        uri, expected = self.asks[self.begun]
        s = self.ready[self.begun] if self.exact else self.connect()
        text = f"GET {uri} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        self.open[s.fileno()] = (s, expected, time.perf_counter())
        s.send(text)
        self.begun += 1

    def end(self, fd):
        now = time.perf_counter()
        s, expected, sent = self.open.pop(fd)
        text = s.recv(4096)

        if text.startswith(b"HTTP/1.1 200"):
            self.took.append(now - sent)
            self.late.append(now - sent - expected)
        else:
            self.failed += 1

        self.epoll.unregister(fd)
        s.close()

    def begin_all(self):
        while self.begun < len(self.asks):
            self.step()

    def end_all(self, timeout=120):
        until = time.perf_counter() + timeout

        while self.open and time.perf_counter() < until:
            self.step(.05)

        return self

    def drop(self):
        for s, _, _ in self.open.values():
            s.close()
        self.open = {}
        self.epoll.close()
