import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.database_url import database_options
from reconciliation.errors import SettingsError


def refusal(url: str) -> str:
    with pytest.raises(SettingsError) as caught:
        database_options("PRE_DATABASE", url)
    told = str(caught.value)
    assert told.startswith("PRE_DATABASE ")
    assert "give postgresql://user@host:5432/database" in told
    assert "pa55" not in told
    return told


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("postgresql://u@h/d", {"user": "u", "host": "h", "dbname": "d"}),
        (
            "postgres://u:p%40%2F%23%25@h:1/d",
            {"user": "u", "host": "h", "dbname": "d", "password": "p@/#%", "port": "1"},
        ),
        ("postgresql://u@[::1]/d", {"user": "u", "host": "::1", "dbname": "d"}),
        ("postgresql://u@a,b/d?port=5432", {"user": "u", "host": "a,b", "dbname": "d", "port": "5432"}),
        ("postgresql://u@%2Ftmp/d", {"user": "u", "host": "/tmp", "dbname": "d"}),
        ("postgresql:///d?host=h&user=u", {"user": "u", "host": "h", "dbname": "d"}),
        ("postgresql://u:@h/d", {"user": "u", "host": "h", "dbname": "d"}),
        (
            "postgresql://u@h/d?sslmode=verify-full&sslrootcert=system&gssencmode=require",
            {"user": "u", "host": "h", "dbname": "d", "sslmode": "verify-full", "sslrootcert": "system",
             "gssencmode": "require"},
        ),
    ],
)  # fmt: skip
def test_a_postgres_url_is_read_as_libpq_reads_it(url: str, options: dict[str, str]) -> None:
    assert database_options("PRE_DATABASE", url) == options


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://u:pa55@h/d", "is not a Postgres URL"),
        ("host=h password=pa55", "is not a Postgres URL"),
        ("postgresql://u:pa55@[h/d", "is not a Postgres URL"),
        ("postgresql://u:pa55%zz@h/d", "is not a Postgres URL"),
        ("postgresql://u:pa55%ff@h/d", "is not a Postgres URL"),
        ("postgresql://u:pa55%00@h/d", "is not a Postgres URL"),
        ("postgresql://u:pa55@h/d\n", "is not a Postgres URL"),
        ("postgresql://u:pa55@h/d\0", "is not a Postgres URL"),
        ("postgresql://u:pa55\udc80@h/d", "is not a Postgres URL"),
        ("postgresql://u:pa55@h/d?pa55=1", "has an option that Postgres does not know"),
        ("postgresql://u:pa55@/d", "has no host"),
        ("postgresql://u:pa55@h", "has no database name"),
        ("postgresql://h/d", "has no user"),
        ("postgresql://", "has no host and no database name and no user"),
        ("postgresql://u:pa55@h/d?service=x", "has options that the app does not use (service)"),
        ("postgresql://u@h/d?passfile=pa55", "has options that the app does not use (passfile)"),
        ("postgresql://u:pa55@h/d?replication=true", "has options that the app does not use (replication)"),
        ("postgresql://u:1@pa55@h/d", "has more than one @"),
        ("postgresql://u:hun@pa55/pw@h:5432/d", "has more than one @"),
        ("postgresql://u:1@a..b/d", "has an invalid host name"),
        ("postgresql://u:1@h/d?hostaddr=pa55%20", "has an invalid host name"),
        ("postgresql://u:pa55/x@h/d", "has no user"),
        ("postgresql://u:pa55@h:x/d", "has a port or an option with a value that Postgres does not know"),
        ("postgresql://u:pa55@h:99999/d", "has a port or an option"),
        ("postgresql://u:pa55@h/d?sslmode=pa55", "has a port or an option"),
        ("postgresql://u:pa55@h/d?sslmode=require&sslrootcert=system", "has a port or an option"),
        ("postgresql://u:pa55@h/d?target_session_attrs=pa55", "has a port or an option"),
        ("postgresql://u:pa55@h/d?connect_timeout=pa55", "needs a whole number for connect_timeout"),
        ("postgresql://u:pa55@h/d?keepalives_idle=pa55", "needs a whole number for keepalives_idle"),
    ],
)
def test_a_postgres_url_that_cannot_be_used_says_why_and_is_not_quoted(url: str, told: str) -> None:
    assert told in refusal(url)
    assert "%40 for @" in refusal(url)


@given(st.lists(st.sampled_from(["postgresql://", "u", ":", "pa55", "@", "h", ",", "/", "d", "?", "port", "=", "1", "&",
                                 "sslmode", "%", "%40", "%ff", "[", "]", "host", " ", "'"]), max_size=14).map("".join)
       | st.text(max_size=20).map("postgresql://u@h/d".__add__))  # fmt: skip
def test_any_text_is_a_postgres_url_or_told_to_be_none(text: str) -> None:
    try:
        result: dict[str, str] | str = database_options("PRE_DATABASE", text)
    except SettingsError as error:
        result = str(error)
    if isinstance(result, dict):
        assert result["host"]
        assert result["dbname"]
        assert result["user"]
    else:
        assert "pa55" not in result


def test_what_libpq_would_take_from_the_environment_is_taken_out_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPASSWORD", "PGSERVICE", "PGOPTIONS", "PGCLIENTENCODING", "PGTZ", "PGSSLMODE", "PGHOSTADDR"):
        monkeypatch.setenv(name, "nonsense")
    monkeypatch.setenv("PGX_SOMETHING_ELSE", "kept")
    assert database_options("PRE_DATABASE", "postgresql://u@h/d") == {"user": "u", "host": "h", "dbname": "d"}
    assert [name for name in os.environ if name.startswith("PG")] == ["PGX_SOMETHING_ELSE"]
