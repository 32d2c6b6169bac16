"""FastAPI in front of a queue of jobs: the module $QUEUE.  What submits a job
waits for Redis, so FastAPI's documentation has it in a "def", which is a thread's;
in an "async def" it holds the event loop meanwhile, and takes less time."""

import importlib
import os

from fastapi import FastAPI

queue = importlib.import_module(os.environ["QUEUE"])
app = FastAPI()


@app.post("/def", status_code=202)
def job_def(n: int = 0):
    return {"id": queue.submit(n)}


@app.post("/async", status_code=202)
async def job_async(n: int = 0):
    return {"id": queue.submit(n)}
