"""`python -m seawall.config` writes docs/settings.md."""

import sys

from seawall.config.reference import reference

sys.stdout.write(reference())
