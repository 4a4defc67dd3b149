"""Finds credentials in bytes: rules, the engine that applies them all at once, and the judgement of what they match."""
