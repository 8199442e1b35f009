"""The buckets of settings: one of S3, or of a service compatible with it, a container of Azure Storage, or a folder.

All functions raise ``SettingsError``: the setting, what is wrong with it, what to give. No message quotes any part of
the value, since it may hold a secret by mistake.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlsplit

from adapters.addresses import trouble
from adapters.connections import StorageConnection
from reconciliation.errors import SettingsError

FORMS = (
    "s3://<bucket>?endpoint=https://<host>&region=<region>, or a connection string (or an address in "
    "...__blobServiceUri) with the container's name in ...__container, or a folder's absolute path in ...__folder"
)
_OF_AWS = "s3.amazonaws.com"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_PATH = re.compile(r"[A-Za-z0-9._~/-]*")
_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*|\$root|\$web")
_PREFIX = re.compile(r"(?!.*//)[^/\x00-\x1f][^\x00-\x1f]{0,500}")
_PROOF = re.compile(r"[!-~]{1,1000}")


@dataclass(frozen=True)
class S3Connection:
    """How to reach a bucket of S3. ``endpoint`` is the address of the service (no trailing slash), None for AWS;
    without a ``region`` it is the one that AWS's own settings name.

    ``key`` is an access key's id and its secret; without one, what the environment or the app's role gives. ``prefix``
    (with a slash at its end, or empty) is where in the bucket its objects are.
    """

    setting: str
    bucket: str
    endpoint: str | None = None
    region: str | None = None
    key: tuple[str, str] | None = field(default=None, repr=False)
    prefix: str = ""

    @property
    def place(self) -> str:
        """Where it is, for reports: the service's host and path, the bucket, and the prefix."""
        host = self.endpoint.partition("://")[2] if self.endpoint else _OF_AWS
        return f"{host}/{self.bucket}/{self.prefix}".rstrip("/")


@dataclass(frozen=True)
class ContainerConnection:
    """How to reach a container of Azure Storage that is used as a bucket; ``prefix`` as in ``S3Connection``."""

    storage: StorageConnection
    container: str
    prefix: str = ""

    @property
    def setting(self) -> str:
        """The setting that names it."""
        return self.storage.setting

    @property
    def place(self) -> str:
        """Where it is, for reports: the account, the container, and the prefix."""
        return f"{self.storage.account}/{self.container}/{self.prefix}".rstrip("/")


@dataclass(frozen=True)
class FolderConnection:
    """A folder of this machine's file system that is used as a bucket, by its absolute path."""

    setting: str
    path: str

    @property
    def place(self) -> str:
        """Where it is, for reports."""
        return self.path


BucketConnection = S3Connection | ContainerConnection | FolderConnection


def is_of_s3(text: str) -> bool:
    """True for a value that is meant for ``by_s3_address``."""
    return text.strip().lower().startswith("s3:")


def by_s3_address(setting: str, text: str, key_id: str | None, secret: str | None) -> S3Connection:
    """A bucket by ``s3://bucket?endpoint=...&region=...``, and by the id and the secret of an access key: both, or
    neither.
    """
    try:
        parts = urlsplit(text.strip())
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _unusable(setting, ["it is no address"]) from None
    query = {name: value.rstrip("/") for name, value in given}
    problems = []
    if "@" in parts.netloc:
        problems.append(f"it has a user or password in it (...@): give {setting}__accessKeyId and __secretAccessKey")
    elif not _BUCKET.fullmatch(parts.netloc) or parts.path.strip("/") or parts.fragment:
        problems.append("it does not name a bucket, and nothing else, after s3://")
    if len(query) < len(given) or query.keys() - {"endpoint", "region"}:
        problems.append("after the ? it has something else than endpoint and region, or one of them twice")
    problems += [*_query_problems(query), *_key_problems(setting, key_id, secret)]
    if problems:
        raise _unusable(setting, problems)
    key = (key_id, secret) if key_id and secret else None
    return S3Connection(setting, parts.netloc, query.get("endpoint") or None, query.get("region") or None, key)


def in_container(storage: StorageConnection, container: str) -> ContainerConnection:
    """A container of an account by its name."""
    if not _CONTAINER.fullmatch(container):
        raise SettingsError(
            f"{storage.setting}__container is not usable: give the container's name, which has 3 to 63 lower-case "
            "letters, digits and single hyphens"
        )
    return ContainerConnection(storage, container)


def in_folder(setting: str, path: str) -> FolderConnection:
    """A folder by its absolute path. Whether it is there is asked when it is used: a share may be mounted late."""
    parts = path.rstrip("/").split("/")
    if parts[0] or len(parts) == 1 or any(part in {"", ".", ".."} for part in parts[1:]) or not path.isprintable():
        raise SettingsError(
            f"{setting}__folder is not usable: give the absolute path of a folder below /, without . and .. in it"
        )
    return FolderConnection(setting, path.rstrip("/"))


def below(connection: S3Connection | ContainerConnection, prefix: str) -> S3Connection | ContainerConnection:
    """The same bucket, of which only what is below a prefix is meant; a slash at its end may be left out."""
    if not _PREFIX.fullmatch(prefix):
        raise SettingsError(
            f"{connection.setting}__prefix is not usable: give the beginning of keys, such as files/2026/, "
            "without a slash in front or two in a row"
        )
    return replace(connection, prefix=prefix.rstrip("/") + "/")


def _query_problems(query: dict[str, str]) -> Iterator[str]:
    endpoint, region = query.get("endpoint", ""), query.get("region", "")
    if endpoint and (wrong := _endpoint_trouble(endpoint)):
        yield f"its endpoint {wrong}"
    if region and not _REGION.fullmatch(region):
        yield "its region is not lower-case letters, digits and hyphens"


def _endpoint_trouble(url: str) -> str:
    if wrong := trouble(url):
        return wrong
    return "" if "?" not in url and _PATH.fullmatch(urlsplit(url).path) else "has a path or query that no service has"


def _key_problems(setting: str, key_id: str | None, secret: str | None) -> Iterator[str]:
    if bool(key_id) != bool(secret):
        yield f"it has only one of {setting}__accessKeyId and {setting}__secretAccessKey: give both, or neither"
    for name, value in (("accessKeyId", key_id), ("secretAccessKey", secret)):
        if value and not _PROOF.fullmatch(value):
            yield f"{setting}__{name} holds characters that no key has: copy it again"


def _unusable(setting: str, problems: list[str]) -> SettingsError:
    return SettingsError(
        f"The address of the bucket in {setting} is not usable: {', and '.join(problems)}. Give {FORMS}"
    )
