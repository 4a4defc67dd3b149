"""What should happen. Pure functions of what is wanted, seen and remembered: no I/O, clock, logging or randomness."""
