"""The search form: what a person typed, turned into flights."""

from datetime import UTC, datetime, time, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from schedule.models import Airport, Flight, FlightQuerySet

KINDS = [("", "All flights"), ("domestic", "Domestic"), ("international", "International")]
DAYS_AHEAD = 330  # as far as airlines usually sell


class AirportField(forms.CharField):
    """An airport by code or city; "London (LHR)", as the list of suggestions writes it, is understood too."""

    def clean(self, value: str) -> Airport | None:
        text = super().clean(value)
        if not text:
            return None
        code = text[-4:-1] if text.endswith(")") else text
        exact = Airport.objects.filter(Q(iata=code.upper()) | Q(city__iexact=text))
        found = exact.order_by("city", "iata").first() or Airport.objects.filter(city__istartswith=text).first()
        if found is None:
            raise ValidationError("No such airport.")
        return found


def _airport(label: str, example: str) -> AirportField:
    attributes = {"placeholder": example, "list": "airports", "autocomplete": "off"}
    return AirportField(label=label, required=False, max_length=80, widget=forms.TextInput(attrs=attributes))


class SearchForm(forms.Form):
    origin = _airport("From", "City or code")
    destination = _airport("To", "City or code")
    date = forms.DateField(
        label="Day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    kind = forms.ChoiceField(label="Flights", required=False, choices=KINDS)

    def clean_date(self) -> datetime | None:
        day = self.cleaned_data["date"]
        today = timezone.now().date()
        # A day of margin on either side: it may be another day already, or still, where the person is.
        if day and not today - timedelta(days=1) <= day <= today + timedelta(days=DAYS_AHEAD):
            raise ValidationError(f"Choose a day from today until {DAYS_AHEAD} days ahead.")
        return day

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """The chosen day at the origin, as UTC, without what has left already; without a day, the next 24 hours."""
        day, origin = self.cleaned_data["date"], self.cleaned_data["origin"]
        if not day:
            return now, now + timedelta(days=1)
        start = datetime.combine(day, time(), tzinfo=origin.zone if origin else UTC).astimezone(UTC)
        return max(start, now), start + timedelta(days=1)

    def flights(self, start: datetime, end: datetime) -> FlightQuerySet:
        if end <= start:
            return Flight.objects.none()
        chosen = {name: self.cleaned_data[name] for name in ("origin", "destination") if self.cleaned_data[name]}
        flights = Flight.objects.complete().filter(**chosen).leaving(start, end)
        kind = self.cleaned_data["kind"]
        return flights.filter(domestic=kind == "domestic") if kind else flights
