"""One report, told in four ways."""
