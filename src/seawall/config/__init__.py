"""seawall.toml → Settings. It imports pydantic (60 ms): commands that need no settings leave it alone."""

from seawall.config.live import LIVE
from seawall.config.load import load
from seawall.config.reference import reference
from seawall.config.settings import CONCURRENCY, Kind, Settings, size_in_bytes

__all__ = ["CONCURRENCY", "LIVE", "Kind", "Settings", "load", "reference", "size_in_bytes"]
