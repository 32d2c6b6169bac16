"""RQ's part of the benchmark of jobs: its Redis has the socket $REDIS_SOCKET."""

import os
import time

import redis
import rq

connection = redis.Redis(unix_socket_path=os.environ["REDIS_SOCKET"])
queue = rq.Queue(connection=connection)


def job(n):
    return {"began": time.monotonic_ns(), "n": n}


def submit(n):
    return queue.enqueue(job, n).id


def began(id):
    return queue.fetch_job(id).return_value()["began"]
