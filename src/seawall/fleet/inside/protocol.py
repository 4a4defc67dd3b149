"""uvicorn's reader of HTTP/1.1, made so that nothing after a request's header section changes the request."""

from typing import Any

from .work import hung_up

GONE = "seawall.gone"  # in the scope until BehindEdge takes it out: whether the client has gone


def strict(base: type[Any]) -> type[Any]:
    """The class for connections to use instead of `base`, the one uvicorn has chosen.

    Its h11 keeps trailers apart, as RFC 9110 section 6.5.1 wants it. Its httptools appends them to the headers: a
    visitor's X-Forwarded-For, which the edge deletes among the headers, comes through there.
    """
    if not hasattr(base, "on_headers_complete"):
        return base

    class Strict(base):  # type: ignore[misc]
        in_headers = False

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.in_headers = True

        def on_header(self, name: bytes, value: bytes) -> None:
            if self.in_headers:
                super().on_header(name, value)

        def on_headers_complete(self) -> None:
            self.in_headers = False
            self.scope[GONE] = self._gone
            super().on_headers_complete()

        def _gone(self) -> bool:
            # Once it is closing, its descriptor may be another connection's.
            return self.transport.is_closing() or hung_up(self.transport.get_extra_info("socket"))

    return Strict
