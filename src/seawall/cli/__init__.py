"""The command line: one file a verb, which imports what it needs when it runs, so that `status` answers at once."""
