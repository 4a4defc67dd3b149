"""What is wrong with the site at present: each trouble is told once, and forgotten when it is over."""

from collections.abc import Callable

from seawall.model import Event


class Troubles:
    """`say` tells an event."""

    def __init__(self, say: Callable[[Event], None]) -> None:
        self._say = say
        self._present: dict[str, str] = {}

    def note(self, subject: str, text: str) -> None:
        """`subject` is in trouble, as `text` says. Only what was not said before is told."""
        if self._present.get(subject) != text:
            self._present[subject] = text
            self._say(Event("trouble", subject, text))

    def over(self, subject: str) -> None:
        """`subject` is no longer in trouble, if it was."""
        self._present.pop(subject, None)

    @property
    def present(self) -> list[str]:
        """One sentence each."""
        return list(self._present.values())
