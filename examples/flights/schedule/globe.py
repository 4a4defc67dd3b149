"""Distances on the globe, and routes drawn as SVG paths on a map of 360 x 180 degrees."""

from functools import lru_cache
from math import acos, asin, atan2, cos, degrees, radians, sin, sqrt

EARTH_RADIUS = 6371.0  # km, mean
STEPS = 20  # straight pieces in a drawn route


def distance(latitude1: float, longitude1: float, latitude2: float, longitude2: float) -> float:
    """Great-circle distance in km between two points in degrees, by the haversine formula."""
    phi1, phi2 = radians(latitude1), radians(latitude2)
    half = sin((phi2 - phi1) / 2) ** 2
    half += cos(phi1) * cos(phi2) * sin(radians(longitude2 - longitude1) / 2) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(half)))


@lru_cache(maxsize=4096)
def route(latitude1: float, longitude1: float, latitude2: float, longitude2: float) -> str:
    """The great circle between two points as an SVG path, x = longitude + 180 and y = 90 - latitude, in degrees."""
    start, end = _vector(latitude1, longitude1), _vector(latitude2, longitude2)
    angle = acos(max(-1.0, min(1.0, sum(a * b for a, b in zip(start, end, strict=True)))))
    if angle < 1e-6:
        return ""
    path, last = [], None
    for step in range(STEPS + 1):
        share = step / STEPS
        weight1, weight2 = sin((1 - share) * angle) / sin(angle), sin(share * angle) / sin(angle)
        x, y = _on_map([weight1 * a + weight2 * b for a, b in zip(start, end, strict=True)])
        # A jump of half the map is the date line: lift the pen.
        pen = "L" if last is not None and abs(x - last) < 180 else "M"
        path.append(f"{pen}{x:.1f} {y:.1f}")
        last = x
    return "".join(path)


def _vector(latitude: float, longitude: float) -> tuple[float, float, float]:
    phi, lamda = radians(latitude), radians(longitude)
    return cos(phi) * cos(lamda), cos(phi) * sin(lamda), sin(phi)


def _on_map(vector: list[float]) -> tuple[float, float]:
    x, y, z = vector
    return degrees(atan2(y, x)) + 180, 90 - degrees(atan2(z, sqrt(x * x + y * y)))
