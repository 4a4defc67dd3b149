"""Stops the next credential: looks only at what is about to be committed or pushed."""
