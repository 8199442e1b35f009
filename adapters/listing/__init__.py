"""Listing storage over its REST API: the part of the work that takes the time (docs/adr/0005)."""
