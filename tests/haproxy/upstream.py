"""A small application server on a unix socket, as a process that tests may kill and stop.

GET /?ms=20 answers after 20 ms with the server's name; /headers answers with the request as it arrived;
POST /?id=7 notes "7 NAME" in the journal when the work begins. /?crash ends the process, /?close only the connection,
/?stream=2000 is silent for 2 s in the middle of its answer, /?header=20000 has a header of that length,
/?type=text/plain a Content-Type.
"""

import asyncio
import os
import re
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

# The answer to the example key of RFC 6455: HAProxy checks it.
UPGRADED = "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, journal: Path) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            answer = await _answer(head, body, name, journal)
            writer.write(answer[:-1])
            await asyncio.sleep(_silence(head))
            writer.write(answer[-1:])
            if b" 101 " in answer[:16]:
                raise ConnectionError
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)


def _silence(head: bytes) -> float:
    """Seconds between two parts of the answer."""
    found = re.search(rb"[?&]stream=(\d+)", head)
    return int(found[1]) / 1000 if found else 0


async def _answer(head: bytes, body: bytes, name: str, journal: Path) -> bytes:
    method, target, _ = head.split(b" ", 2)
    url = urlsplit(target.decode())
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    if method == b"POST":
        with journal.open("a") as file:
            file.write(f"{query.get('id')} {name}\n")
    if "crash" in query:
        os._exit(3)
    if "close" in query:
        raise ConnectionError
    await asyncio.sleep(float(query.get("ms", 0)) / 1000)
    content = head + body if url.path == "/headers" else name.encode()
    status = query.get("status", "200")
    header = f"X-Seawall-Ended: {query['ended']}" if "ended" in query else "X: " + "x" * int(query.get("header", 1))
    header += f"\r\nContent-Type: {query['type']}" if "type" in query else ""
    header += UPGRADED if status == "101" else ""
    return f"HTTP/1.1 {status} x\r\nServer: upstream\r\n{header}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + (
        b"" if method == b"HEAD" else content
    )


async def main(socket: str, name: str, journal: str) -> None:
    server = await asyncio.start_unix_server(lambda r, w: serve(r, w, name, Path(journal)), socket, backlog=1024)
    Path(socket).chmod(0o666)
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
