"""producer.py MODULE NUMBER RATE

Submits so many jobs by the module, so many a second, or with 0 one after the
other.  It makes one, says that it is ready and waits for a line, then makes all,
and prints when it has asked for each, and when that was accepted; waits for one
more line, and prints when each has begun.  Times are nanoseconds of the monotonic
clock, as those of the jobs.
"""

import importlib
import json
import sys
import time


def main(module, number, rate):
    queue = importlib.import_module(module)
    pause = 1e9 / rate if rate else 0
    ids, asked, accepted = [], [], []

    queue.submit(0)
    print("ready", flush=True)

    if not sys.stdin.readline():
        return

    start = time.monotonic_ns()

    for n in range(number):
        if pause:
            time.sleep(max(0, start + n * pause - time.monotonic_ns()) / 1e9)

        asked.append(time.monotonic_ns())
        ids.append(queue.submit(n))
        accepted.append(time.monotonic_ns())

    print(json.dumps({"asked": asked, "accepted": accepted}), flush=True)

    if sys.stdin.readline():
        print(json.dumps([queue.began(id) for id in ids]), flush=True)


main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
