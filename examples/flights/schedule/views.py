"""Pages of the schedule: the board, search, flights, airports and bookings."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from people.credits import NotEnough
from schedule import booking
from schedule.forms import SearchForm
from schedule.models import Airport, Booking, Departure, Flight
from schedule.timetable import next_occurrence

BOARD_ROWS = 18
AIRPORT_ROWS = 30
RESULTS_A_PAGE = 25
WEEKS_OFFERED = 6


@require_safe
def departures(request: HttpRequest) -> HttpResponse:
    """The front page: what leaves next, anywhere."""
    now = timezone.now()
    board = Flight.objects.board(now, BOARD_ROWS)
    return render(request, "schedule/departures.html", {"board": board, "now": now, "form": SearchForm()})


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    context = {"form": form}
    if form.is_valid():
        start, end = form.window(timezone.now())
        page = Paginator(form.flights(start, end), RESULTS_A_PAGE).get_page(request.GET.get("page"))
        context |= {"page": page, "found": with_seats(flight.departure(start) for flight in page)}
    return render(request, "schedule/search.html", context)


def with_seats(computed: Iterable[Departure]) -> list[Departure]:
    """The same departures with the seats that are really left, in one query."""
    departures = list(computed)
    if not departures:
        return []
    times = [departure.departs_at for departure in departures]
    flights = [departure.flight_id for departure in departures]
    sold = Departure.objects.filter(flight__in=flights, departs_at__range=(min(times), max(times)))
    left = {(row.flight_id, row.departs_at): row.seats_left for row in sold}
    for departure in departures:
        departure.seats_left = left.get((departure.flight_id, departure.departs_at), departure.seats_left)
    return departures


@require_safe
def flight(request: HttpRequest, pk: int) -> HttpResponse:
    """One line of the timetable and its next departures."""
    now = timezone.now()
    line = get_object_or_404(Flight.objects.complete(), pk=pk)
    weeks = [line.departure(now + timedelta(weeks=week)) for week in range(WEEKS_OFFERED)]
    upcoming = with_seats(departure for departure in weeks if departure.departs_at > now)
    mine = set()
    if request.user.is_authenticated:
        booked = Booking.objects.filter(person=request.user, departure__flight=line)
        mine = set(booked.values_list("departure__departs_at", flat=True))
    context = {"flight": line, "upcoming": upcoming, "mine": mine, "next": upcoming[0]}
    return render(request, "schedule/flight.html", context)


@require_safe
def airport(request: HttpRequest, iata: str) -> HttpResponse:
    place = get_object_or_404(Airport, pk=iata)
    board = place.outgoing.board(timezone.now(), AIRPORT_ROWS)
    return render(request, "schedule/airport.html", {"airport": place, "board": board})


@require_POST
@login_required
def book(request: HttpRequest, pk: int) -> HttpResponse:
    """Buy a seat on the departure of the day in the form."""
    line = get_object_or_404(Flight.objects.complete(), pk=pk)
    departs_at = next_occurrence(line.minute, _midnight(request.POST.get("date", "")))
    try:
        _, new = booking.book(request.user, line, departs_at, timezone.now())
    except booking.SoldOut:
        messages.error(request, "The last seat on this departure has just been sold.")
    except booking.Gone:
        messages.error(request, "This departure has already left.")
    except NotEnough:
        messages.error(request, "You do not have enough credits for this flight.")
    else:
        messages.success(request, "Your seat is booked." if new else "You already have a seat on this departure.")
        return redirect("bookings")
    return redirect(line)


def _midnight(day: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=UTC)
    except ValueError:
        raise Http404("No such day.") from None


@require_safe
@login_required
def bookings(request: HttpRequest) -> HttpResponse:
    mine = Booking.objects.filter(person=request.user).order_by("departure__departs_at")
    mine = mine.select_related(*(f"departure__flight__{name}" for name in ("airline", "origin", "destination")))
    now = timezone.now()
    context = {
        "upcoming": [seat for seat in mine if seat.departure.departs_at > now],
        "past": [seat for seat in mine if seat.departure.departs_at <= now][::-1],
    }
    return render(request, "schedule/bookings.html", context)


@require_POST
@login_required
def cancel(request: HttpRequest, reference: str) -> HttpResponse:
    """Give back one's own seat; somebody else's looks like none at all."""
    seat = get_object_or_404(Booking.objects.select_related("departure"), reference=reference, person=request.user)
    try:
        booking.cancel(seat, timezone.now())
    except booking.Gone:
        messages.error(request, "This flight has already left.")
    else:
        messages.success(request, f"Booking {seat.reference} is cancelled and {seat.price} credits are back.")
    return redirect("bookings")
