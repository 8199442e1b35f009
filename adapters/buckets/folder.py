"""A folder of this machine's file system that is used as a bucket, such as a share that is mounted into the app.

Its files are the objects, by their paths below it; a folder is one if there is a file in it. Nothing is told that
cannot be sure: no link is followed, and one that is met ends the listing, since what it stands for would be missing.
A folder that is not there, or that is empty, is refused, since a mount that is missing looks like that.
"""

import asyncio
import errno
import os
import stat
import time
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import nsmallest
from itertools import islice
from secrets import token_hex
from typing import NamedTuple, TypeVar

from adapters.buckets.bucket import Download, Page
from adapters.buckets.connections import FolderConnection
from adapters.patience import Patience
from reconciliation.errors import AuditError, ListingError, SettingsError, StorageRefusedError, StorageUnavailableError
from reconciliation.lookups import StoredObject
from reconciliation.times import to_text

_PIECE = 1024 * 1024
_AT_ONCE = 20_000
"""So many names of one folder are sorted at once: more of them take further looks at the folder, and no more memory."""
_OPEN_LISTINGS = 16
_BEGUN, _ENDING = ".capture-audit-", ".part"
"""What is not written to its end has such a name, and is no object."""
_LEFT_BEHIND = timedelta(days=1)
_LINK = "a link, which is not followed. Give the folder that the files are in, without links"
_TO_BE_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.EINVAL, errno.ENOSPC})
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
_ABSENT = (FileNotFoundError, NotADirectoryError)
ResultT = TypeVar("ResultT")


class _Entry(NamedTuple):
    """A name in a folder: that of a folder ends in a slash, so that names are in the order of keys."""

    name: str
    is_folder: bool


class FolderBucket:
    """See ``Bucket``. A version is of the file's number, the moment of its last change, and its size."""

    def __init__(self, connection: FolderConnection, patience: Patience | None = None) -> None:
        self.name = f"{connection.place} ({connection.setting})"
        self.patience = patience or Patience()
        self._connection = connection
        self._listings: OrderedDict[tuple[str, bool, str], Iterator[StoredObject | str]] = OrderedDict()

    async def page(self, prefix: str, *, by_folder: bool, size: int, token: str | None = None) -> Page:
        return await self._in_a_thread("list", lambda: self._page(prefix, by_folder, size, token))

    @asynccontextmanager
    async def download(self, key: str, version: str | None = None) -> AsyncIterator[Download | None]:
        file = await self._in_a_thread("read a file of", lambda: self._opened(key))
        if file is None:
            yield None
            return
        try:
            before = _version(os.fstat(file))
            if version not in (None, before):
                yield None
            else:
                yield Download(os.fstat(file).st_size, before, self._pieces(file, before))
        finally:
            os.close(file)

    async def create(self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False) -> str | None:  # noqa: ARG002 - a file is always written piece by piece
        folders, name = _parts(key)
        if not name or _is_unfinished(name):
            raise StorageRefusedError(f"Cannot write into bucket {self.name}: {key!r} cannot be the path of a file.")
        folder = await self._in_a_thread("write into", lambda: self._made(folders))
        part = f"{_BEGUN}{token_hex(8)}{_ENDING}"
        try:
            await self._in_a_thread("write into", lambda: _clear(folder))
            file = await self._in_a_thread(
                "write into", lambda: os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder)
            )
            try:
                total = 0
                async for piece in pieces:
                    total += len(piece)
                    await self._in_a_thread("write into", partial(_write, file, piece))
                if total != size:
                    raise StorageUnavailableError(
                        f"Cannot write into bucket {self.name}: of {size:,} bytes {total:,} came. Nothing was written."
                    )
                await self._in_a_thread("write into", lambda: os.fsync(file))
                return await self._in_a_thread("write into", lambda: self._linked(folder, part, name, file))
            finally:
                os.close(file)
                with suppress(OSError):
                    os.unlink(part, dir_fd=folder)
        finally:
            os.close(folder)

    async def remove(self, key: str, version: str) -> bool:
        return await self._in_a_thread("delete from", lambda: self._removed(key, version))

    async def clock_ahead(self) -> timedelta:
        return timedelta()

    async def close(self) -> None:
        self._listings.clear()

    # --- in a thread --------------------------------------------------------------------------------------------------

    async def _in_a_thread(self, what: str, work: Callable[[], ResultT]) -> ResultT:
        """Also where it is cancelled it is waited for: what it works with is closed afterwards."""
        with self._translated(what):
            working = asyncio.ensure_future(asyncio.to_thread(work))
            try:
                return await asyncio.shield(working)
            except asyncio.CancelledError:
                await asyncio.wait([working])
                raise

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, AuditError):
                raise
            raise self._judged(error, what) from error

    def _judged(self, error: OSError, what: str) -> AuditError:
        said = f"Cannot {what} bucket {self.name}: {os.strerror(error.errno or errno.EIO)}."
        if error.errno == errno.ELOOP:
            return StorageRefusedError(f"{said} There is {_LINK}.")
        if error.errno in _TO_BE_REFUSED:
            return StorageRefusedError(f"{said} Check what the app may do there, and the room that there is.")
        return StorageUnavailableError(f"{said} Check the mount.")

    def _root(self) -> int:
        setting = f"{self._connection.setting}__folder"
        try:
            root = os.open(self._connection.path, os.O_RDONLY | os.O_DIRECTORY)
        except _ABSENT as error:
            raise SettingsError(
                f"There is no such folder as {self._connection.path}. Check {setting}, and that the share is mounted."
            ) from error
        try:
            with os.scandir(root) as entries:
                if next(entries, None) is not None:
                    return root
        except BaseException:
            os.close(root)
            raise
        os.close(root)
        raise StorageRefusedError(
            f"The folder at {self._connection.path} is empty, as it is where a share is not mounted. Check {setting} "
            "and the mount; if there is really nothing in it yet, make any folder in it."
        )

    def _opened(self, key: str) -> int | None:
        """A file, opened; None if there is none."""
        folders, name = _parts(key)
        if not name or _is_unfinished(name):
            return None
        try:
            folder = self._folder(folders)
        except _ABSENT:
            return None
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except _ABSENT:
            return None
        finally:
            os.close(folder)
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
        return None

    def _folder(self, folders: list[str]) -> int:
        """A folder below the root, opened without following a link."""
        opened = self._root()
        for one in folders:
            opened = _inner(opened, one)
        return opened

    def _made(self, folders: list[str]) -> int:
        """As ``_folder``, of folders that are made where they are missing."""
        opened = self._root()
        for one in folders:
            try:
                os.mkdir(one, dir_fd=opened)
                os.fsync(opened)
            except FileExistsError:
                pass
            except BaseException:
                os.close(opened)
                raise
            opened = _inner(opened, one)
        return opened

    async def _pieces(self, file: int, version: str) -> AsyncIterator[bytes]:
        while piece := await self._in_a_thread("read a file of", lambda: os.read(file, _PIECE)):
            yield piece
        if _version(os.fstat(file)) != version:
            raise StorageUnavailableError(f"A file of bucket {self.name} was changed while it was read. Read it again.")

    def _linked(self, folder: int, part: str, name: str, file: int) -> str | None:
        """Gives what was written its name, unless something has it: then None."""
        try:
            os.link(part, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            return None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            raise StorageRefusedError(
                f"Cannot write into bucket {self.name}: its file system makes no hard links, without which nothing "
                "keeps a file from being overwritten. Mount the share by NFS, or copy by hand."
            ) from error
        os.unlink(part, dir_fd=folder)
        os.fsync(folder)
        return _version(os.fstat(file))

    def _removed(self, key: str, version: str) -> bool:
        folders, name = _parts(key)
        try:
            folder = self._folder(folders)
        except _ABSENT:
            return False
        try:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISREG(found.st_mode) or _version(found) != version:
                return False
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)
        except _ABSENT:
            return False
        finally:
            os.close(folder)
        return True

    # --- a listing ----------------------------------------------------------------------------------------------------

    def _page(self, prefix: str, by_folder: bool, size: int, token: str | None) -> Page:
        root = self._root()
        try:
            found = os.fstat(root)
        finally:
            os.close(root)
        mount, after = f"{found.st_dev:x}-{found.st_ino:x}", ""
        if token is not None:
            begun_at, _, after = token.partition(":")
            if begun_at != mount:
                raise StorageRefusedError(
                    f"Cannot list bucket {self.name}: another share was mounted there meanwhile. Audit again."
                )
        listing = None if token is None else self._listings.pop((prefix, by_folder, token), None)
        if listing is None:
            listing = self._after(prefix, by_folder, after)
        names = list(islice(listing, size))
        objects = [one for one in names if isinstance(one, StoredObject)]
        folders = [one for one in names if isinstance(one, str)]
        if len(names) < size:
            return Page(objects, folders, None)
        last = names[-1]
        token = f"{mount}:{last if isinstance(last, str) else last.key}"
        # What is looked through already need not be again; without it a listing goes on behind its last name.
        self._listings[prefix, by_folder, token] = listing
        while len(self._listings) > _OPEN_LISTINGS:
            self._listings.popitem(last=False)
        return Page(objects, folders, token)

    def _after(self, prefix: str, by_folder: bool, after: str) -> Iterator[StoredObject | str]:
        """The objects and folders behind a name, ascending."""
        above, _, begin = prefix.rpartition("/")
        if any(part in {"", ".", ".."} for part in above.split("/")) and "/" in prefix:
            return
        yield from self._below(f"{above}/" if "/" in prefix else "", begin, by_folder, after)

    def _below(self, path: str, begin: str, by_folder: bool, after: str) -> Iterator[StoredObject | str]:
        try:
            folder = self._folder(path.split("/")[:-1])
        except _ABSENT:
            return
        try:
            for entry in self._names(folder, path, begin, after.removeprefix(path) if after.startswith(path) else ""):
                key = path + entry.name
                if not entry.is_folder:
                    stored = _stored(folder, path, entry.name) if key > after else None
                    if stored is not None:
                        yield stored
                elif not by_folder:
                    yield from self._below(key, "", by_folder, after)
                elif key > after and self._has_any(key):
                    yield key
        finally:
            os.close(folder)

    def _has_any(self, path: str) -> bool:
        return next(self._below(path, "", False, ""), None) is not None

    def _names(self, folder: int, path: str, begin: str, after: str) -> Iterator[_Entry]:
        """The names in a folder that begin so, from the one on in which ``after`` is, ascending."""
        inside, slash, _ = after.partition("/")
        last = inside + slash
        yield from (one for one in self._entries(folder, path) if last and one.name == last)
        while True:
            wanted = (one for one in self._entries(folder, path) if one.name.startswith(begin) and one.name > last)
            found = nsmallest(_AT_ONCE, wanted)
            yield from found
            if len(found) < _AT_ONCE:
                return
            last = found[-1].name

    def _entries(self, folder: int, path: str) -> Iterator[_Entry]:
        with os.scandir(folder) as entries:
            for one in entries:
                name = one.name
                if not _is_utf_8(name):
                    raise ListingError(f"Cannot list bucket {self.name}: a name in {path!r} is not UTF-8. Rename it.")
                if one.is_symlink():
                    raise StorageRefusedError(f"Cannot list bucket {self.name}: {path + name!r} is {_LINK}.")
                if one.is_dir(follow_symlinks=False):
                    yield _Entry(f"{name}/", is_folder=True)
                elif one.is_file(follow_symlinks=False) and not _is_unfinished(name):
                    yield _Entry(name, is_folder=False)


def _stored(folder: int, path: str, name: str) -> StoredObject | None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except _ABSENT:
        return None
    changed = to_text(datetime.fromtimestamp(found.st_mtime, UTC))
    return StoredObject(path + name, found.st_size, changed, _version(found))


def _inner(folder: int, name: str) -> int:
    """A folder in an opened one, which is closed."""
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
        raise
    finally:
        os.close(folder)


def _parts(key: str) -> tuple[list[str], str]:
    """The folders and the name of a file; the name is empty if a key cannot be that of a file."""
    parts = key.split("/")
    usable = all(part not in {"", ".", ".."} and "\0" not in part for part in parts) and _is_utf_8(key)
    return (parts[:-1], parts[-1]) if usable else ([], "")


def _is_utf_8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_unfinished(name: str) -> bool:
    return name.startswith(_BEGUN) and name.endswith(_ENDING)


def _clear(folder: int) -> None:
    """Deletes what a process that was killed has left behind in a folder."""
    oldest = time.time() - _LEFT_BEHIND.total_seconds()
    with os.scandir(folder) as entries:
        for one in entries:
            if _is_unfinished(one.name):
                with suppress(OSError):
                    if one.stat(follow_symlinks=False).st_mtime < oldest:
                        os.unlink(one.name, dir_fd=folder)


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _version(found: os.stat_result) -> str:
    return f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
