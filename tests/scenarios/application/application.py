"""A small WSGI application that scenario tests break: it counts, waits, dies and hangs on request."""

import os
import time
from urllib.parse import parse_qs

POSTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "posts.txt")


def application(environ, start_response):
    path = environ["PATH_INFO"]
    query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    time.sleep(float(query.get("ms", 0)) / 1000)
    status = "200 OK"
    if path == "/error":
        status = "500 Internal Server Error"
    if path == "/die":
        os._exit(3)
    if path == "/forever":
        time.sleep(3600)
    if environ["REQUEST_METHOD"] == "POST":
        # One write with O_APPEND is one line, whoever else writes.
        with open(POSTS, "a") as posts:
            posts.write(query["id"] + "\n")
    body = f"pid {os.getpid()} {environ['wsgi.url_scheme']} {environ['REMOTE_ADDR']} {environ['HTTP_HOST']}".encode()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
