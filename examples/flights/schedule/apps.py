"""The schedule application: airports, flights and bookings."""

from django.apps import AppConfig


class ScheduleConfig(AppConfig):
    name = "schedule"
