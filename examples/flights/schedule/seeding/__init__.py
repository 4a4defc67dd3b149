"""Makes a world of flights: real airports, invented airlines, the same every time."""
