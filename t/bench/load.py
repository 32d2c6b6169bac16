"""The load: wrk for rates, and one thread with epoll for many at a time."""

import re
import select
import socket
import subprocess
import time

from servers import CORES


def percentile(values, p):
    """Nearest rank."""
    values = sorted(values)
    return values[max(int(-(-len(values) * p // 1)) - 1, 0)]


def seconds(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]


def wrk(server, uri, duration, connections=64):
    """Requests a second, CPU seconds of the server for each, latencies."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{duration}s", "--latency",
               server.base + uri]

    if len(CORES) > 1:
        command = ["taskset", "-c", str(CORES[-1])] + command

    cpu = server.cpu()
    out = subprocess.run(command, capture_output=True, text=True,
                         check=True).stdout
    cpu = server.cpu() - cpu

    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"{server.name} {uri}: not all was answered\n{out}")

    requests = int(re.search(r"(\d+) requests in", out).group(1))

    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out, re.M).group(1)),
        "cpu": cpu / requests,
        "p50": seconds(re.search(r"^\s+50%\s+(\S+)", out, re.M).group(1)),
        "p99": seconds(re.search(r"^\s+99%\s+(\S+)", out, re.M).group(1)),
        "max": seconds(re.search(r"Latency\s+\S+\s+\S+\s+(\S+)", out, re.M).group(1)),
    }


class Crowd:
    """So many requests, begun at an even rate, each on its own connection."""

    def __init__(self, server, uri, number, rate):
        self.server, self.rate, self.number = server, rate, number
        self.request = (f"GET {uri} HTTP/1.1\r\nHost: localhost\r\n"
                        "Connection: close\r\n\r\n").encode()
        self.epoll = select.epoll()
        self.open, self.took, self.failed = {}, [], 0
        self.begun, self.start = 0, time.perf_counter()

    def step(self, wait=.001):
        now = time.perf_counter()

        while (self.begun < self.number
               and now >= self.start + self.begun / self.rate):
            self.begin()
            now = time.perf_counter()

        for fd, _ in self.epoll.poll(wait):
            self.end(fd)

    def begin(self):
        s = socket.socket()
        s.connect(("127.0.0.1", self.server.port))
        s.setblocking(False)
        self.open[s.fileno()] = (s, time.perf_counter())
        s.send(self.request)
        self.epoll.register(s.fileno(), select.EPOLLIN)
        self.begun += 1

    def end(self, fd):
        now = time.perf_counter()
        s, sent = self.open.pop(fd)
        text = s.recv(4096)

        if text.startswith(b"HTTP/1.1 200"):
            self.took.append(now - sent)
        else:
            self.failed += 1

        self.epoll.unregister(fd)
        s.close()

    def begin_all(self):
        while self.begun < self.number:
            self.step()

    def end_all(self, timeout=120):
        until = time.perf_counter() + timeout

        while self.open and time.perf_counter() < until:
            self.step(.05)

        return self

    def drop(self):
        for s, _ in self.open.values():
            s.close()
        self.open = {}
