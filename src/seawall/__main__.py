"""Hands over to the command line."""

from seawall.cli.main import main

if __name__ == "__main__":
    main()
