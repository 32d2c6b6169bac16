"""FastAPI's part of what is measured of a database: a pool of asyncpg's, as its
documentation has it, which prepares a statement once a connection."""

import os

import asyncpg
from fastapi import FastAPI

app = FastAPI()


@app.on_event("startup")
async def startup():
    size = int(os.environ["CONNECTIONS"])
    app.state.pool = await asyncpg.create_pool(min_size=size, max_size=size)


@app.on_event("shutdown")
async def shutdown():
    await app.state.pool.close()


@app.get("/note")
async def note(id: int):
    return await app.state.pool.fetch(
        "select id, author, text from notes where id = $1", id)
