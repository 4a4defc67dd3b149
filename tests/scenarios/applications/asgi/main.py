"""FastAPI with a Starlette application inside: lifespan, a websocket, an answer in parts, and who asked."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

HERE = Path(__file__).parent


def note(what: str) -> None:
    with (HERE / "life.txt").open("a") as life:
        life.write(f"{what} {os.getpid()}\n")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    note("startup")
    yield
    note("shutdown")


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def who(request: Request) -> dict[str, object]:
    return {"process": os.getpid(), "url": str(request.url), "client": request.client.host if request.client else None}


@app.get("/items/")
async def items(request: Request) -> str:
    return str(request.url)


@app.get("/parts")
async def parts() -> StreamingResponse:
    """The second part comes when the file `go` is there: whoever holds the first back never sees the second."""

    async def body() -> AsyncIterator[str]:
        yield "first\n"
        while not (HERE / "go").exists():
            await asyncio.sleep(0.01)
        yield "second\n"

    return StreamingResponse(body(), media_type="text/plain")


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(str(websocket.url))
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def star(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(request.url_for("star")))


app.mount("/inside", Starlette(routes=[Route("/", star, name="star")]))
