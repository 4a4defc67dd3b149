"""Certificates: the local authority, what it signs for a site, and who trusts it."""
