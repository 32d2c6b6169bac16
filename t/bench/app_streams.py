"""FastAPI's part of what is measured of streams.

As its documentation has it, a path operation that yields, with a
response_class; and a StreamingResponse of a generator that was called.
"""

import asyncio
from collections.abc import AsyncIterable, Iterable

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

TYPE = "application/octet-stream"
EVENT = b"event: tick\ndata: tick\n\n"

app = FastAPI()


@app.get("/yield", response_class=StreamingResponse)
async def flood_yield(size: int, piece: int) -> AsyncIterable[bytes]:
    text = bytes(piece)
    for _ in range(size // piece):
        yield text


@app.get("/yield_def", response_class=StreamingResponse)
def flood_yield_def(size: int, piece: int) -> Iterable[bytes]:
    text = bytes(piece)
    for _ in range(size // piece):
        yield text


async def pour(size, piece):
    text = bytes(piece)
    for _ in range(size // piece):
        yield text


def pour_def(size, piece):
    text = bytes(piece)
    for _ in range(size // piece):
        yield text


@app.get("/flood")
async def flood(size: int, piece: int):
    return StreamingResponse(pour(size, piece), media_type=TYPE)


@app.get("/flood_def")
async def flood_def(size: int, piece: int):
    return StreamingResponse(pour_def(size, piece), media_type=TYPE)


@app.get("/sse", response_class=EventSourceResponse)
async def sse(n: int, pause: float = 0) -> AsyncIterable[ServerSentEvent]:
    for _ in range(n):
        yield ServerSentEvent(event="tick", raw_data="tick")
        if pause:
            await asyncio.sleep(pause)


async def ticks(n, pause):
    for _ in range(n):
        yield EVENT
        if pause:
            await asyncio.sleep(pause)


@app.get("/events")
async def events(n: int, pause: float = 0):
    return StreamingResponse(ticks(n, pause), media_type="text/event-stream",
                             headers={"Cache-Control": "no-cache"})
