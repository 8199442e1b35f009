"""A blob service that can only list, and lists fast: some 40,000 answers a second on one core.

Azurite takes half an hour to be seeded with 20,000 containers. This stands in for a large account when what is tried is
the listing client or an audit's scale. It answers List Containers and List Blobs with the XML of the real service,
pages and markers included, and checks nothing about who asks.
"""
