"""A small application server on a unix socket, as a process that tests may kill and stop.

GET /?ms=20 answers after 20 ms with the server's name; /headers answers with the request as it arrived;
POST /?id=7 notes "7 NAME" in the journal when the work begins.
"""

import asyncio
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, journal: Path) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            writer.write(await _answer(head, body, name, journal))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)


async def _answer(head: bytes, body: bytes, name: str, journal: Path) -> bytes:
    method, target, _ = head.split(b" ", 2)
    url = urlsplit(target.decode())
    query = dict(parse_qsl(url.query))
    if method == b"POST":
        with journal.open("a") as file:
            file.write(f"{query.get('id')} {name}\n")
    await asyncio.sleep(float(query.get("ms", 0)) / 1000)
    content = head + body if url.path == "/headers" else name.encode()
    status = query.get("status", "200")
    return f"HTTP/1.1 {status} x\r\nServer: upstream\r\nContent-Length: {len(content)}\r\n\r\n".encode() + (
        b"" if method == b"HEAD" else content
    )


async def main(socket: str, name: str, journal: str) -> None:
    server = await asyncio.start_unix_server(lambda r, w: serve(r, w, name, Path(journal)), socket, backlog=1024)
    Path(socket).chmod(0o666)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
