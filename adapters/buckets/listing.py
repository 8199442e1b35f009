"""Listing a bucket to its end. A response that cannot be trusted is an error, and never the end.

Keys ascend by the bytes of UTF-8, which is the order of code points and so that of Python's texts. Storage that lists
otherwise (S3's directory buckets, accounts with a hierarchical namespace, or by UTF-16 where that makes a difference)
cannot be read.
"""

from collections.abc import AsyncIterator
from heapq import merge
from itertools import pairwise

from adapters.buckets.bucket import MOST_OF_A_PAGE, Bucket, Page, patiently
from reconciliation.errors import ListingError
from reconciliation.lookups import StoredObject
from reconciliation.queries import KeysUnder, Prefixes

MOST_PAGES = 100_000
"""More than any real listing has."""


async def objects(bucket: Bucket, prefix: str, size: int = MOST_OF_A_PAGE) -> list[StoredObject]:
    """All objects whose keys begin with ``prefix``, ascending, asked for in pages of ``size``.

    Raises as ``Bucket`` does, and ``ListingError``.
    """
    return [one async for page in _pages(bucket, prefix, by_folder=False, size=size) for one in page.objects]


async def keys(bucket: Bucket, wanted: KeysUnder, size: int = MOST_OF_A_PAGE) -> AsyncIterator[list[str]]:
    """The keys of objects, in portions as they come, none of them empty. Raises as ``objects`` does."""
    for prefix in wanted.prefixes:
        async for page in _pages(bucket, prefix, by_folder=False, size=size):
            if page.objects:
                yield [one.key for one in page.objects]


async def check(bucket: Bucket) -> None:
    """Asks for one page. Raises as ``objects`` does."""
    async for _page in _pages(bucket, "", by_folder=False, size=1):
        break


async def paths(bucket: Bucket, wanted: Prefixes, size: int = MOST_OF_A_PAGE) -> AsyncIterator[list[str]]:
    """Folders and objects as ``Prefixes`` describes them, in portions as they come, none of them empty.

    Folder by folder, each when its turn comes, so that what is kept is a page for each level.
    """
    async for portion in _level(bucket, wanted.root, wanted.depth, size):
        yield portion


async def _level(bucket: Bucket, root: str, depth: int, size: int) -> AsyncIterator[list[str]]:
    async for page in _pages(bucket, root, by_folder=True, size=size):
        names = list(merge((one.key for one in page.objects), page.folders))
        if depth == 1:
            if names:
                yield names
            continue
        folders, above = frozenset(page.folders), list[str]()
        for name in names:
            # A marker is an object whose key is that of the folder which is listed: it is not entered again.
            if name not in folders:
                above.append(name)
                continue
            if above:
                yield above
                above = []
            async for portion in _level(bucket, name, depth - 1, size):
                yield portion
        if above:
            yield above


async def _pages(bucket: Bucket, prefix: str, *, by_folder: bool, size: int) -> AsyncIterator[Page]:
    what = f"list bucket {bucket.name}"
    token: str | None = None
    tokens, last = set[str](), ""
    while True:
        page = await _page(bucket, prefix, by_folder=by_folder, size=size, token=token, after=last)
        last = max([last, *(one.key for one in page.objects[-1:]), *page.folders[-1:]])
        yield page
        token = page.token
        if token is None:
            return
        if token in tokens:
            raise ListingError(f"Cannot {what}: storage sent the same continuation token twice. Audit again.")
        if len(tokens) >= MOST_PAGES:
            raise ListingError(f"Cannot {what}: there is no end to it after {MOST_PAGES:,} pages.")
        tokens.add(token)


async def _page(bucket: Bucket, prefix: str, *, by_folder: bool, size: int, token: str | None, after: str) -> Page:
    what = f"list bucket {bucket.name}"

    async def asked() -> Page:
        page = await bucket.page(prefix, by_folder=by_folder, size=size, token=token)
        if wrong := _wrong_with(page, prefix, by_folder=by_folder, size=size, after=after):
            raise ListingError(f"Cannot {what}: storage answered with {wrong}.")
        return page

    return await patiently(asked, what, bucket.patience)


def _wrong_with(page: Page, prefix: str, *, by_folder: bool, size: int, after: str) -> str:
    """What cannot be trusted of a page that follows the name ``after``; empty if nothing."""
    keys = [one.key for one in page.objects]
    if len(keys) + len(page.folders) > size:
        return "a page of more than was asked for"
    if not all(name.startswith(prefix) for name in (*keys, *page.folders)):
        return "other keys than were asked for"
    if page.folders and not by_folder:
        return "folders that nobody asked for"
    if any(not _is_folder(name, prefix) for name in page.folders) or (
        by_folder and any("/" in key.removeprefix(prefix) for key in keys)
    ):
        return "keys that are not sorted into folders as was asked for"
    names = [after, *merge(keys, page.folders)]
    # An empty text stands before the first of all, and no key is empty.
    if any(one >= other for one, other in pairwise(names)):
        return "keys that do not ascend; a bucket or an account that lists in another order cannot be audited"
    return ""


def _is_folder(name: str, prefix: str) -> bool:
    return name.find("/", len(prefix)) == len(name) - 1
