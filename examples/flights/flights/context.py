"""What every template is given: which server process renders it."""

import os

from django.http import HttpRequest


def server(request: HttpRequest) -> dict[str, str]:
    """The server's name as its supervisor set it (never from a request header), else its process id."""
    name = os.environ.get("SEAWALL_SERVER")
    return {"answered_by": f"server {name}" if name else f"process {os.getpid()}"}
