"""The domain: what decides, without I/O and on the standard library alone."""

VERSION = "0.1.0"
