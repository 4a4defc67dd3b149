"""Seawall serves a web application to the world from one machine."""

__version__ = "0.1.0"
