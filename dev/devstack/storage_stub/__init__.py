"""A blob service that can only list, and lists some 20,000 answers a second on one core.

Azurite takes half an hour to be seeded with 20,000 containers. This stands in for a large account, or for one of any
shape, when what is tried is the listing client or an audit's scale; where speed is measured, ``fast_stub`` does. It
answers List Containers and List Blobs with the XML of the real service, pages and markers included, in chunks behind a
byte order mark as that sends it, and checks nothing about who asks.
"""

import base64

ACCOUNT, KEY = "stub", base64.b64encode(b"the stub checks no signature").decode()
"""The account and a key to it; any other would do."""
