"""One check, one file: pure functions from evidence to findings. registry.py lists them."""
