"""Removing secrets from texts of others, before they are stored or shown."""

import re
import traceback

_HIDDEN = "***"
_MOST_OF_AN_ERROR = 20_000
_SECRETS = (
    re.compile(r"(?i)\b(sig|code)=[^;&\s'\"]+"),
    # As in a connection string, a libpq string, a shell's environment, or a printed dictionary.
    re.compile(
        r"(?i)(AccountKey|SharedAccessSignature|SharedAccessKey|password|pwd)"
        r"(?:['\"]?\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|[^;&\s'\"]+)"
    ),
    re.compile(r"(?i)\b(Bearer)\s+[A-Za-z0-9._~+/=-]+"),
    re.compile(r"(?i)\b(postgres(?:ql)?://)[^\s'\"]+"),
)


def redacted(text: str, most: int = 2000) -> str:
    """The text without keys, signatures, tokens, passwords and database addresses, cut to ``most`` characters."""
    for pattern in _SECRETS:
        text = pattern.sub(lambda match: f"{match[1]}{'' if match[1].endswith('/') else '='}{_HIDDEN}", text)
    return text if len(text) <= most else f"{text[:most]}..."


def in_full(error: BaseException) -> str:
    """The traceback of an unexpected error, without secrets, for the log."""
    return redacted("".join(traceback.format_exception(error)), _MOST_OF_AN_ERROR)
