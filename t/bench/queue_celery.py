"""Celery's part of the benchmark of jobs: broker and results are two databases
of one Redis, whose socket is $REDIS_SOCKET.

As its guide "Optimizing" has it for many short tasks: a worker takes many of
them at once.  What is short and is not to be lost by it is acknowledged when it
begins, which is the default.  Results are kept, as ours are.
"""

import os
import time

from celery import Celery

URL = f"redis+socket://{os.environ['REDIS_SOCKET']}?virtual_host="

queue = Celery("queue_celery", broker=URL + "0", backend=URL + "1")
queue.conf.update(worker_prefetch_multiplier=64, task_ignore_result=False)


@queue.task
def job(n):
    return {"began": time.monotonic_ns(), "n": n}


def submit(n):
    return job.delay(n).id


def began(id):
    return queue.AsyncResult(id).result["began"]
