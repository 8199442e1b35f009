import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from adapters.addresses import web_address
from reconciliation.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://user:abc@acct.example", "has a user or password in it"),
        ("https://abc@acct.example", "has a user or password in it"),
        ("https://acct.example/?sig=abc", "has a query"),
        ("https://acct.example#abc", "has a fragment"),
        ("acct.example/abc", "is not an address"),
        ("ftp://acct.example/abc", "is not an address"),
        ("https:acct.example", "is not an address"),
        ("https:///abc", "has an invalid host name"),
        ("https://[abc", "is not an address"),
        ("https://acct.example:abc/", "is not an address"),
        ("https://acct.example:70000", "is not an address"),
        ("https://-abc-.example", "has an invalid host name"),
        ("https://" + "a" * 64, "has an invalid host name"),
        ("https://ac%63t.example", "has an invalid host name"),
        ("https://[fe80::1%25abc]", "has an invalid host name"),
        ("https://acct.example/abc\nabc", "holds characters"),
        ("https://acct.example/abc\udc80", "holds characters"),
        ("https://acct.example\\abc", "holds characters"),
        ("https://acct.example/a abc", "holds characters"),
    ],
)
def test_an_address_that_cannot_be_used_says_why_and_is_not_quoted(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        web_address("X", text)
    assert f"The address in X {told}" in str(caught.value)
    assert "abc" not in str(caught.value)


def test_the_address_of_a_webhook_may_have_a_query() -> None:
    address = "https://chat.example:8443/hooks/a?sig=b"
    assert web_address("X", address, query=True) == address
    assert web_address("X", " https://wiki.example/Aufnahmen/Löschen/ ") == "https://wiki.example/Aufnahmen/Löschen/"


pieces = st.sampled_from(
    [
        "https://",
        "http://",
        "a",
        "acct.example",
        ":",
        "8",
        "@",
        "/",
        "?",
        "#",
        "[",
        "]",
        "::1",
        "%",
        "%2f",
        "\\",
        ".",
        "é",
    ]
)
odd_texts = st.text(max_size=30) | st.lists(pieces, max_size=9).map("".join)


@given(odd_texts)
def test_whatever_is_taken_for_an_address_is_one_to_the_clients_as_well(text: str) -> None:
    try:
        taken = web_address("X", text, query=True)
    except SettingsError:
        return
    url = URL(taken)
    assert url.scheme in {"http", "https"}
    assert url.host
    assert not url.user
    assert not url.password
