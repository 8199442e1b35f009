"""A blob service that only lists, in C, so that it is not what limits a measurement: some 100,000 answers a second on
one core, and with TLS some 80,000.

It answers as ``storage_stub`` does, for a uniform account of any size, and can take its time and refuse what is more
than a rate of requests. A C compiler and OpenSSL's headers make it on first use.
"""
