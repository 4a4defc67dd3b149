"""Takes credentials out of every version of everything, and proves that none is left."""
