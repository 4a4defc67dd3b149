"""The JSON API: airports, the next departures, one flight. Public and read-only; times are ISO 8601, UTC."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from schedule.models import Airport, Departure, Flight
from schedule.views import with_seats

ROWS = 50


def _error(status: int, text: str) -> JsonResponse:
    return JsonResponse({"error": text}, status=status)


def _departure(departure: Departure) -> dict[str, Any]:
    flight = departure.flight
    return {
        "flight": flight.pk,
        "code": flight.code,
        "airline": flight.airline.name,
        "origin": flight.origin_id,
        "destination": flight.destination_id,
        "domestic": flight.domestic,
        "departs_at": departure.departs_at,
        "arrives_at": departure.arrives_at,
        "seats_left": departure.seats_left,
        "price": flight.price,
        "status": departure.status,
    }


@require_safe
@cache_control(public=True, max_age=60 * 60)
def airports(request: HttpRequest) -> JsonResponse:
    fields = ("iata", "name", "city", "country", "latitude", "longitude", "timezone")
    return JsonResponse({"airports": list(Airport.objects.order_by("iata").values(*fields))})


@require_safe
def departures(request: HttpRequest) -> JsonResponse:
    """The next departures, of the whole world or with `?airport=LHR` of one airport."""
    flights = Flight.objects.all()
    if code := request.GET.get("airport"):
        if not Airport.objects.filter(pk=code.upper()).exists():
            return _error(404, "No such airport.")
        flights = flights.filter(origin=code.upper())
    board = with_seats(flights.board(timezone.now(), ROWS))
    return JsonResponse({"departures": [_departure(departure) for departure in board]})


@require_safe
def flight(request: HttpRequest, pk: int) -> JsonResponse:
    """One flight with its next departure."""
    line = Flight.objects.complete().filter(pk=pk).first()
    if line is None:
        return _error(404, "No such flight.")
    [departure] = with_seats([line.departure(timezone.now())])
    return JsonResponse(_departure(departure) | {"duration": line.duration, "seats": line.seats})
