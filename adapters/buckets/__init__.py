"""Buckets of S3, and containers of Azure Storage that are used as one: the same answers from both."""
