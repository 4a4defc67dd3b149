"""The site as an ASGI application."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flights.settings")
# Under ASGI every request may come in another thread, and would leave a connection behind in it.
os.environ.setdefault("FLIGHTS_CONNECTION_AGE", "0")
application = get_asgi_application()
