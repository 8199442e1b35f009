import string

from hypothesis import given
from hypothesis import strategies as st

from adapters.redaction import in_full, redacted

BASE64 = string.ascii_letters + string.digits + "+/"
URL_SAFE = string.ascii_letters + string.digits + "-._~%"
ANY_VISIBLE = "".join(map(chr, range(33, 127)))

keys = st.text(BASE64, min_size=12, max_size=88).map(lambda text: text + "==")
signatures = st.text(URL_SAFE, min_size=12, max_size=60)
passwords = st.text(URL_SAFE + "!$*()", min_size=12, max_size=40)
anything = st.text(ANY_VISIBLE.replace('"', "").replace("'", "").replace("\\", ""), min_size=12, max_size=40)
around = st.text(max_size=60)

PLACES = st.one_of(
    st.tuples(
        st.sampled_from(
            [
                "AccountName=acct;AccountKey={};EndpointSuffix=core.windows.net",
                "accountkey={}",
                "Endpoint=sb://x;SharedAccessKeyName=n;SharedAccessKey={};EntityPath=p",
                "Authorization: Bearer {}",
                "{{'Authorization': 'Bearer {}'}}",
            ]
        ),
        keys,
    ),
    st.tuples(
        st.sampled_from(
            [
                "https://acct.blob.core.windows.net/c?sv=2023-11-03&sig={}&se=2026",
                "https://acct.blob.core.windows.net/c?sig={}",
                "BlobEndpoint=https://acct/;SharedAccessSignature=sv=2023&sig={}",
                "https://app/api/audits?code={}",
                "https://app/runtime/webhooks/durabletask?taskHub=h&code={}&connection=Storage",
            ]
        ),
        signatures,
    ),
    st.tuples(
        st.sampled_from(
            [
                "postgresql://reader:{}@db.example:5432/pre",
                "postgres://reader:{}@db.example/pre?sslmode=require",
                "connection to 'postgresql://reader:{}@db/pre' failed",
                "host=db user=reader password={} dbname=pre",
                "Server=db;Pwd={};Database=pre",
                "PGPASSWORD={} psql",
                "DB_PASSWORD={}",
            ]
        ),
        passwords,
    ),
    st.tuples(
        st.sampled_from(
            [
                "host=db user=reader password='{}' dbname=pre",
                '{{"password": "{}"}}',
                "{{'password': '{}', 'user': 'reader'}}",
                '{{"AccountKey": "{}"}}',
            ]
        ),
        anything,
    ),
)


@given(PLACES, around, around)
def test_a_secret_in_any_usual_place_never_survives(place: tuple[str, str], before: str, after: str) -> None:
    form, secret = place
    text = redacted(f"{before} {form.format(secret)} {after}")
    if secret not in before and secret not in after:
        assert secret not in text
    assert "***" in text


def test_a_text_without_secrets_is_left_alone() -> None:
    text = (
        "Cannot list container 'x' in account 'acct': storage answered 403 (AuthorizationFailure). Check the role, its "
        "password or Entra mapping; code 42501, status code: 503, signal 9, config=3."
    )
    assert redacted(text) == text


def test_a_long_text_is_cut() -> None:
    assert redacted("x" * 5000, most=10) == "x" * 10 + "..."


def test_an_error_is_told_in_full_with_what_led_to_it_and_without_secrets() -> None:
    error = ExceptionGroup("two", [KeyError("AccountKey=c2VjcmV0"), ValueError("password=hunter2 and more")])
    error.__cause__ = OSError("postgresql://u:hunter3@h/d")
    told = in_full(error)
    for words in ("ExceptionGroup: two", "KeyError", "ValueError", "OSError", "and more"):
        assert words in told
    for secret in ("c2VjcmV0", "hunter2", "hunter3"):
        assert secret not in told
