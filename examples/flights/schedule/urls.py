"""Addresses of the schedule, its bookings and the JSON API."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from schedule import api, views


class IataConverter(StringConverter):
    regex = "[A-Z]{3}"


register_converter(IataConverter, "iata")

urlpatterns = [
    path("", views.departures, name="departures"),
    path("search/", views.search, name="search"),
    path("flights/<int:pk>/", views.flight, name="flight"),
    path("flights/<int:pk>/book/", views.book, name="book"),
    path("airports/<iata:iata>/", views.airport, name="airport"),
    path("bookings/", views.bookings, name="bookings"),
    path("bookings/<slug:reference>/cancel/", views.cancel, name="cancel"),
    path("api/airports", api.airports, name="api_airports"),
    path("api/departures", api.departures, name="api_departures"),
    path("api/flights/<int:pk>", api.flight, name="api_flight"),
]
