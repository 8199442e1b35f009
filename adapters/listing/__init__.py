"""Listing storage over its REST API, where most of an audit's time goes (docs/adr/0005)."""
