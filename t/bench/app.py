"""FastAPI's part of the benchmark: the three /task, and /quick."""

import asyncio
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/quick")
async def quick():
    return {"status": "quick response"}


@app.get("/async")
async def task_async(duration: float = 0):
    await asyncio.sleep(duration)
    return {"status": "long_running task completed"}


@app.get("/sync")
async def task_sync(duration: float = 0):
    time.sleep(duration)
    return {"status": "long_running task completed"}


@app.get("/thread")
def task_thread(duration: float = 0):
    if duration:
        time.sleep(duration)
    return {"status": "long_running task completed"}


@app.get("/primes")
def primes(limit: int):
    sieve = [True] * (limit + 1)
    n = 2
    while n * n <= limit:
        if sieve[n]:
            for multiple in range(n * n, limit + 1, n):
                sieve[multiple] = False
        n += 1
    return {"count": sum(sieve[2:])}
