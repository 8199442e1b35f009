"""Values that break what reads them: huge, empty, control characters, ways out of a path, wrong types, bytes."""

import json
from urllib.parse import quote

from hypothesis import strategies as st

TRICKS = (
    "", ".", "..", "../", "..%2f..%2f..%2fetc%2fpasswd", "..%5c..", "%2e%2e%2f", "%252e%252e%252f", "%c0%ae%c0%ae/",
    "%00", "a%00b", "%0d%0aSet-Cookie:%20x=1", "%0a", "%09", "%20", "%ff%fe", "%ed%a0%80", "%E2%80%AE", "%F0%9F%92%A9",
    "%", "%zz", "null", "undefined", "NaN", "-1", "1e400", "0x10", "true", "[]", "{}", "*", "%27%20OR%201=1--",
    "%3Cscript%3Ealert(1)%3C/script%3E", "${jndi:ldap://x}", "{{7*7}}", "active", "run.json", "active%2Fpre.json",
    "20260131-093000-1a2b3c4d%2Frun.json", "20260131-093000-1a2b3c4d%00", "20260131-093000-1a2b3c4d%0a",
    "20260131-093000-1A2B3C4D", "99999999-999999-ffffffff", "00000000-000000-00000000", "A" * 7000, "%41" * 2000,
)  # fmt: skip
PLAUSIBLE = (
    "pre-capture-sessions", "NO_RECORDING", "NULL", "full", "fast", "json", "html", "2024-07-18T00:00:00Z",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2024-07-18T00:00:60Z",
    "6490b590-03a8-493d-b6e2-44a63208d243",
)  # fmt: skip

texts = st.text(max_size=40) | st.sampled_from(PLAUSIBLE) | st.text(min_size=200, max_size=600)
numbers = st.integers() | st.floats() | st.sampled_from([2**31, 2**63, -(2**63), 10**400, 1e308, 0, -1])


def encoded(value: str | bytes) -> str:
    return quote(value, safe="", errors="surrogatepass") if isinstance(value, str) else quote(value, safe="")


in_addresses = st.sampled_from(TRICKS) | texts.map(encoded) | st.binary(max_size=30).map(encoded) | numbers.map(str)
"""What may stand for a parameter in an address, encoded already."""

json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def deep(opening: str, closing: str) -> st.SearchStrategy[bytes]:
    return st.integers(1, 30_000).map(lambda depth: (opening * depth + "1" + closing * depth).encode())


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


values = (
    json_values.map(as_json)
    | deep("[", "]")
    | deep('{"a":', "}")
    | st.sampled_from(
        [b"NaN", b"Infinity", b"-0", b"1e400", b"9" * 5000, b'"\\ud800"', b'"\\u0000"', b"'x'", b"\xff", b'"\xff"']
    )
)
"""What may stand for a member of a body, as JSON or nearly so."""


def repeated(name: str) -> st.SearchStrategy[bytes]:
    """An object that has the same member twice."""
    pair = b'"%s":' % name.encode()
    return st.tuples(values, values).map(lambda both: b"{" + pair + both[0] + b"," + pair + both[1] + b"}")


bodies = (
    st.binary(max_size=200)
    | json_values.map(as_json)
    | deep("[", "]")
    | st.sampled_from(
        [b"", b" \n", b"{", b"{}{}", b"\xef\xbb\xbf{}", b"{}\x00", "{}".encode("utf-16"), b"null", b"[]", b'{"":""}',
         b"{}" + b" " * 70_000, b'{"a":"' + b"x" * 1_000_000 + b'"}', b'{"profile":' * 20_000, b"mode=fast&x=%ff"]
    )
)  # fmt: skip
"""Whole bodies."""
