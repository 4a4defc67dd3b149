"""Application servers on this machine: finding the application, the warm process that forks them, one server."""
