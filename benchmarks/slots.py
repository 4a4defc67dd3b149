"""A server that works on four requests at a time, as a WSGI server with four threads does: /5 takes 5 ms.

python slots.py SOCKET. Every other path is answered at once, as heartbeats are.
"""

import asyncio
import os
import sys

SLOTS = 4


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, slots: asyncio.Semaphore) -> None:
    try:
        while True:
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1][1:]
            if path.isdigit():
                async with slots:
                    await asyncio.sleep(int(path) / 1000)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(socket: str) -> None:
    slots = asyncio.Semaphore(SLOTS)
    server = await asyncio.start_unix_server(lambda r, w: serve(r, w, slots), socket, backlog=1024)
    os.chmod(socket, 0o666)
    await server.serve_forever()


asyncio.run(main(sys.argv[1]))
