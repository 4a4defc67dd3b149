"""Flask with its usual session: a signed cookie that every server can read."""

import os

from flask import Flask, redirect, request, session, url_for
from werkzeug.wrappers import Response

app = Flask(__name__)
app.secret_key = "for tests only"


@app.get("/")
def greet() -> dict[str, object]:
    session["visits"] = session.get("visits", 0) + 1
    return {
        "name": session.get("name"),
        "visits": session["visits"],
        "process": os.getpid(),
        "url": request.url,
        "client": request.remote_addr,
    }


@app.post("/name")
def name() -> Response:
    session["name"] = request.form["name"]
    return redirect(url_for("greet", _external=True))


@app.post("/size")
def size() -> dict[str, int]:
    """How much of the body arrived."""
    return {"bytes": len(request.get_data())}
