"""What is told about an application: something to change, or something to know."""

from typing import Any

Fact = dict[str, Any]  # level, problem, lines, why: see Advice in seawall/fleet/warm.py


def fix(problem: str, lines: tuple[str, ...], why: str) -> Fact:
    return {"level": "fix", "problem": problem, "lines": lines, "why": why}


def know(problem: str, why: str = "", lines: tuple[str, ...] = ()) -> Fact:
    return {"level": "information", "problem": problem, "lines": lines, "why": why}
