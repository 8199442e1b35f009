"""A service of S3 that only lists and reads, and does so fast: what is tried is an audit's scale.

moto looks at every key of a bucket for each listing, so an audit of many folders takes it hours. This finds them by
bisection. It answers ListObjectsV2 with the XML of the real service, folders and pages included, and GetObject; it
checks nothing about who asks.
"""
