"""The reconciliation report: one canonical JSON document, and the CSV and HTML rendered from it."""
