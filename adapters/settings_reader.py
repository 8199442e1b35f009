"""Reading app settings variable by variable; what is wrong with any of them is collected, and told at once."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from adapters.addresses import web_address
from adapters.api_connection import ApiConnection, api_connection
from adapters.buckets.connections import (
    FORMS,
    BucketConnection,
    FolderConnection,
    below,
    by_s3_address,
    in_container,
    in_folder,
    is_of_s3,
)
from adapters.connections import StorageConnection, by_connection_string, by_identity
from adapters.database_url import database_options
from adapters.redaction import redacted
from reconciliation.errors import SettingsError
from reconciliation.profile import Connection, Profile, Technology

Given = StorageConnection | BucketConnection | ApiConnection | str
"""What a setting connects to; a database by its URL."""
_MOST_DIGITS = 9
ValueT = TypeVar("ValueT")


class SettingsReader:
    """Reads variables one by one and collects their problems. A blank one counts as not set: None."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def text(self, variable: str) -> str | None:
        return self.environment.get(variable, "").strip() or None

    def checked(self, read: Callable[[], ValueT]) -> ValueT | None:
        """The result of ``read``; None, and a problem, if it raises ``SettingsError``."""
        try:
            return read()
        except SettingsError as error:
            self.problems.append(str(error))
            return None

    def storage(self, *names: str, needed: bool = False) -> StorageConnection | None:
        """The connection of the first of the names that is set."""
        for name in names:
            if (given := self.text(name)) is not None:
                return self.checked(partial(by_connection_string, name, given))
            if (given := self.text(f"{name}__blobServiceUri")) is not None:
                return self.checked(partial(by_identity, name, given))
        if needed:
            either = " (or ".join(names) + ")" * (len(names) - 1)
            self.problems.append(f"{either} is not set: give a connection string, or an address in ...__blobServiceUri")
        return None

    def database(self, variable: str, *, needed: bool) -> str | None:
        url = self.text(variable)
        if url is not None:
            self.checked(lambda: database_options(variable, url))
        elif needed:
            self.problems.append(f"{variable} is not set: give postgresql://user@host:5432/database")
        return url

    def api(self, variable: str, *, needed: bool) -> ApiConnection | None:
        token, basic = self.text(f"{variable}__bearerToken"), self.text(f"{variable}__basicAuth")
        url = self.text(variable)
        if url is not None:
            return self.checked(lambda: api_connection(variable, url, token, basic))
        if needed or token or basic:
            self.problems.append(f"{variable} is not set: give https://<host>/..., the address of an API")
        return None

    def bucket(self, name: str, *, needed: bool) -> BucketConnection | None:
        """A bucket of S3, or a container of an account, by how the setting begins; or a folder."""
        found, prefix = self._bucket(name, needed=needed), self.text(f"{name}__prefix")
        if prefix is None or found is None:
            return found
        if isinstance(found, FolderConnection):
            self.problems.append(f"{name}__prefix is for storage: give the path of the folder itself in {name}__folder")
            return None
        return self.checked(partial(below, found, prefix))

    def _bucket(self, name: str, *, needed: bool) -> BucketConnection | None:
        given, container, folder = self.text(name), self.text(f"{name}__container"), self.text(f"{name}__folder")
        if folder is not None:
            beside = [
                one for one in (name, f"{name}__blobServiceUri", f"{name}__container") if self.text(one) is not None
            ]
            self.problems += [f"{name}__folder is given, and {one} as well: give one of them" for one in beside]
            return self.checked(partial(in_folder, name, folder))
        if given is not None and is_of_s3(given):
            key_id, secret = self.text(f"{name}__accessKeyId"), self.text(f"{name}__secretAccessKey")
            if container is not None:
                self.problems.append(
                    f"{name}__container is for a container of Azure Storage: the bucket has its name in {name}"
                )
            return self.checked(partial(by_s3_address, name, given, key_id, secret))
        told = len(self.problems)
        storage = self.storage(name)
        if storage is not None and container is not None:
            return self.checked(partial(in_container, storage, container))
        if len(self.problems) > told:
            self.problems[-1] += f"; or {FORMS}"
        elif storage is not None:
            self.problems.append(f"{name}__container is not set: give the container's name")
        elif needed:
            self.problems.append(f"{name} is not set: give {FORMS}")
        return None

    def connections(self, declared: Sequence[Connection]) -> dict[str, Given]:
        """The declared connections that are set, by setting; one that several profiles declare is needed if any of them
        needs it.
        """
        found: dict[str, Given] = {}
        readers: dict[Technology, Callable[..., Given | None]] = {
            Technology.STORAGE: self.storage,
            Technology.DATABASE: self.database,
            Technology.BUCKET: self.bucket,
            Technology.API: self.api,
        }
        needed = {one.setting for one in declared if one.needed}
        for one in {one.setting: one for one in declared}.values():
            given = readers[one.of](one.setting, needed=one.setting in needed)
            if given is not None:
                found[one.setting] = given
        return found

    def settings_of(self, profiles: Iterable[Profile]) -> None:
        """Check the texts of the profiles' own settings."""
        for one in [one for profile in profiles for one in profile.settings]:
            if self.text(one.name) is None and one.default is None:
                self.problems.append(f"{one.name} is not set: give {one.allowed}")
            self.like(one.name, re.compile(one.form).fullmatch, one.allowed)

    def address(self, variable: str, *, query: bool = False) -> str | None:
        given = self.text(variable)
        return None if given is None else self.checked(lambda: web_address(variable, given, query=query))

    def like(self, variable: str, is_allowed: Callable[[str], object], allowed: str) -> str | None:
        given = self.text(variable)
        if given is not None and not is_allowed(given):
            self.problems.append(f"{variable} is {_shown(given)}: give {allowed}")
        return given

    def number(self, variable: str, low: int, high: int) -> int | None:
        given = self.text(variable)
        if given is None:
            return None
        most_digits = max(_MOST_DIGITS, len(str(high)))
        if not given.isdecimal() or len(given) > most_digits or not low <= int(given) <= high:
            self.problems.append(f"{variable} is {_shown(given)}: give a whole number from {low} to {high}")
            return None
        return int(given)

    def days_of(self, variable: str, profiles: Sequence[str], most: int) -> dict[str, int]:
        """Days by profile, ``profile=number`` with commas between; or one number for all, under ``""``."""
        given = self.text(variable)
        if given is None:
            return {}
        pairs = [part.strip().rpartition("=") for part in given.split(",")]
        names = {name for name, _, _ in pairs}
        usable = len(names) == len(pairs) and all(
            number.isdecimal() and len(number) <= _MOST_DIGITS and int(number) <= most for _, _, number in pairs
        )
        if not usable or not ((names == {""} and len(pairs) == 1) or names <= set(profiles)):
            allowed = f"days from 0 to {most}, or profile=days with commas between, of {', '.join(profiles)}"
            self.problems.append(f"{variable} is {_shown(given)}: give {allowed}")
            return {}
        return {name: int(number) for name, _, number in pairs}

    def some_of(self, variable: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """Words of ``allowed``, separated by commas; empty if it is not set."""
        words = tuple(word.strip() for word in (self.text(variable) or "").split(",") if word.strip())
        if unknown := [word for word in words if word not in allowed]:
            self.problems.append(f"{variable} has {_shown(unknown[0])}: give any of {', '.join(allowed)}")
        return words

    def one_of(self, variable: str, allowed: Sequence[str]) -> str | None:
        given = self.text(variable)
        if given is not None and given not in allowed:
            self.problems.append(f"{variable} is {_shown(given)}: give one of {', '.join(allowed)}")
        return given


def _shown(text: str) -> str:
    """The beginning of a value for a message, redacted in case it holds a secret by mistake."""
    return repr(redacted(text)[:40])
