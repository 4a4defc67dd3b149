"""Everything a git repository remembers, and what credentials are in it."""
