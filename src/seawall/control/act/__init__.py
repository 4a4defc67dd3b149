"""Carries out actions, by subject. Never waits for a result: the next observation is the wait."""
