"""seawall.toml → Settings. It imports pydantic (60 ms): commands that need no settings leave it alone."""

from seawall.config.live import LIVE
from seawall.config.load import load
from seawall.config.reference import reference
from seawall.config.settings import Kind, Settings

__all__ = ["LIVE", "Kind", "Settings", "load", "reference"]
