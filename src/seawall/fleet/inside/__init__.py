"""What runs in the application's own interpreter. Imports nothing from Seawall: it may not be installed there."""
