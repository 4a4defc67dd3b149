"""A WSGI application that waits as long as it is asked to, /MS: as one that waits for a database does."""

import time


def application(environ, start_response):
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    time.sleep(int(environ["PATH_INFO"][1:] or 0) / 1000)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
