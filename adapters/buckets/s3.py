"""A bucket of S3, or of a service that is compatible with it, over AWS's own client.

Its packages are those of requirements-aws.txt, so nothing but ``opening`` imports this module, when there is such a
bucket: an app that audits none need not have them.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from io import BytesIO
from typing import Any
from xml.parsers import expat

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import get_session
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.parsers import ResponseParserError
from botocore.utils import parse_timestamp
from multidict import CIMultiDict

from adapters.buckets.bucket import PART, Download, Page, in_pieces_of, patiently
from adapters.buckets.connections import S3Connection
from adapters.network_faults import TEMPORARY, fault_of, is_redirect
from adapters.patience import Patience
from adapters.response_headers import clock_ahead
from reconciliation import VERSION
from reconciliation.errors import AuditError, ListingError, StorageRefusedError, StorageUnavailableError
from reconciliation.lookups import StoredObject
from reconciliation.times import to_text

_PIECE = 256 * 1024
# Where neither the setting nor AWS's own say a region; a service of somebody else takes any.
_ANY_REGION = "us-east-1"
_WHOLE = re.compile(
    rb"<ListBucketResult[ >].*<IsTruncated>(?:true|false)</IsTruncated>.*</ListBucketResult>\s*\Z", re.DOTALL
)
_A_LISTING = "list-type=2"
_NO_BUCKET, _NO_OBJECT = "NoSuchBucket", "NoSuchKey"
_NOT_AS_ASKED = "PreconditionFailed"
_AT_ONCE = "ConditionalRequestConflict"
"""Somebody else writes or deletes it in the same moment; nothing was written."""
_TO_READ = "s3:ListBucket on the bucket and s3:GetObject on what is in it"
_TO_WRITE = "s3:PutObject and s3:AbortMultipartUpload where it writes"
_TO_DELETE = "s3:DeleteObject where it deletes"
_MOST_PARTS = 10_000
_IS_THERE = frozenset({(HTTPStatus.PRECONDITION_FAILED, _NOT_AS_ASKED), (HTTPStatus.CONFLICT, _AT_ONCE)})
_THROTTLED = frozenset({"SlowDown", "RequestTimeout", "RequestLimitExceeded", "Throttling", "ThrottlingException"})
_ELSEWHERE = frozenset({"AuthorizationHeaderMalformed", "IllegalLocationConstraintException"})
_CLOCK = "RequestTimeTooSkewed"
_NOBODY = (NoCredentialsError, PartialCredentialsError, ProfileNotFound, NoRegionError)


class S3Bucket:
    """See ``Bucket``. Credentials are looked for when it is asked for the first time."""

    def __init__(self, connection: S3Connection, patience: Patience | None = None) -> None:
        self.name = f"{connection.place} ({connection.setting})"
        self.patience = patience or Patience()
        self._connection = connection
        self._opening = asyncio.Lock()
        self._open = AsyncExitStack()
        self._made: Any = None

    async def page(self, prefix: str, *, by_folder: bool, size: int, token: str | None = None) -> Page:
        response = await self._listed(
            Prefix=prefix,
            MaxKeys=size,
            **({"Delimiter": "/"} if by_folder else {}),
            **({"ContinuationToken": token} if token is not None else {}),
        )
        try:
            if response["IsTruncated"] and not response.get("NextContinuationToken"):
                raise ListingError(self._cannot_list("a page that says there are more, and not how to get them"))
            name = self._connection.bucket
            # A service that is only compatible may leave them out.
            if (response.get("Name") or name, response.get("Prefix") or prefix) != (name, prefix):
                raise ListingError(self._cannot_list("another listing than was asked for"))
            return Page(
                [_stored(one) for one in response.get("Contents", ())],
                [one["Prefix"] for one in response.get("CommonPrefixes", ())],
                response["NextContinuationToken"] if response["IsTruncated"] else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, AuditError):
                raise
            raise ListingError(self._cannot_list(f"a listing that is not understood ({error})")) from error

    @asynccontextmanager
    async def download(self, key: str, version: str | None = None) -> AsyncIterator[Download | None]:
        client = await self._client()
        with self._translated(f"read an object of bucket {self.name}"):
            try:
                response = await client.get_object(**self._at(key, version))
            except ClientError as error:
                if not _is_not_there(error):
                    raise
                response = None
            if response is None:
                yield None
                return
            async with response["Body"] as body:
                yield Download(int(response["ContentLength"]), _version(response["ETag"]), body.iter_chunks(_PIECE))

    async def create(self, key: str, pieces: AsyncIterable[bytes], size: int, *, in_parts: bool = False) -> str | None:
        client, what = await self._client(), f"write an object of bucket {self.name}"
        with self._translated(what, _TO_WRITE):
            try:
                if in_parts or size > PART:
                    most = max(PART, -(-size // _MOST_PARTS))
                    written = await self._written_in_parts(client, key, in_pieces_of(most, pieces, size, what))
                else:
                    [part] = [part async for part in in_pieces_of(PART, pieces, size, what)]
                    written = await client.put_object(**self._at(key), Body=BytesIO(part), IfNoneMatch="*")
            except ClientError as error:
                if _status_and_code(error) not in _IS_THERE:
                    raise
                return None
            return _version(written["ETag"])

    async def _written_in_parts(self, client: Any, key: str, parts: AsyncIterator[bytes]) -> dict[str, Any]:
        begun = await client.create_multipart_upload(**self._at(key))
        upload = {**self._at(key), "UploadId": begun["UploadId"]}
        try:
            done = list[dict[str, Any]]()
            async for part in parts:
                number = len(done) + 1
                put = await client.upload_part(**upload, PartNumber=number, Body=BytesIO(part))
                done.append({"PartNumber": number, "ETag": put["ETag"]})
            written: dict[str, Any] = await client.complete_multipart_upload(
                **upload, MultipartUpload={"Parts": done}, IfNoneMatch="*"
            )
        except BaseException:
            # Parts that nobody completes stay, and are paid for.
            with suppress(ClientError, BotoCoreError, aiohttp.ClientError):
                await client.abort_multipart_upload(**upload)
            raise
        return written

    async def remove(self, key: str, version: str) -> bool:
        client = await self._client()
        with self._translated(f"delete an object of bucket {self.name}", _TO_DELETE):
            try:
                await client.delete_object(**self._at(key, version))
            except ClientError as error:
                if not _is_not_there(error):
                    raise
                return False
            return True

    def _at(self, key: str, version: str | None = None) -> dict[str, str]:
        """An object, as requests name it; ``version``: only if it is of that one."""
        condition = {} if version is None else {"IfMatch": f'"{version}"'}
        return {"Bucket": self._connection.bucket, "Key": key, **condition}

    async def clock_ahead(self) -> timedelta:
        async def asked() -> timedelta:
            sent_at = time.time()
            response = await self._listed(MaxKeys=1)
            headers = CIMultiDict(response["ResponseMetadata"]["HTTPHeaders"])
            return clock_ahead(headers, sent_at, time.time())

        return await patiently(asked, f"list bucket {self.name}", self.patience)

    async def close(self) -> None:
        self._made = None
        await self._open.aclose()

    async def _listed(self, **asked: Any) -> dict[str, Any]:
        client = await self._client()
        with self._translated(f"list bucket {self.name}"):
            response: dict[str, Any] = await client.list_objects_v2(Bucket=self._connection.bucket, **asked)
            return response

    async def _client(self) -> Any:
        async with self._opening:
            if self._made is None:
                with self._translated(f"reach bucket {self.name}"):
                    self._made = await self._open.enter_async_context(_client(self._connection, self.patience))
        return self._made

    def _cannot_list(self, answer: str) -> str:
        return f"Cannot list bucket {self.name}: storage answered with {answer}."

    @contextmanager
    def _translated(self, what: str, needs: str = _TO_READ) -> Iterator[None]:
        """Turns the errors of the client into ours; ``needs`` are the rights that it takes."""
        try:
            yield
        except ClientError as error:
            raise _judged(error, what, self._connection, needs) from error
        except _NOBODY as error:
            setting = self._connection.setting
            raise StorageRefusedError(
                f"Cannot {what}: the app has no credentials of AWS ({type(error).__name__}). Give "
                f"{setting}__accessKeyId and {setting}__secretAccessKey, or a role."
            ) from error
        except (_NotWholeError, ResponseParserError) as error:
            raise ListingError(f"Cannot {what}: storage answered with something that is no whole listing.") from error
        except (BotoCoreError, aiohttp.ClientError) as error:
            raise _without_response(error, what) from error


class _NotWholeError(Exception):
    """A page of a listing that is none, or is cut short."""


class _NoRedirectError(Exception):
    """The server sent the request elsewhere."""


class _HttpSession(AIOHTTPSession):  # type: ignore[misc]
    """Follows no redirect, whose target is not the configured server; and takes no page that is not whole: the client
    takes any XML for a listing, one that says nothing for the last page of it, and what is no XML for an error 500.
    """

    async def send(self, request: Any) -> Any:
        response = await super().send(request)
        is_page = _A_LISTING in request.url and response.status_code < HTTPStatus.MULTIPLE_CHOICES
        if is_page and not _is_whole(await response.content):
            raise _NotWholeError
        return response

    async def _get_session(self, proxy_url: str | None) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = await super()._get_session(proxy_url)
        if not session.trace_configs:
            session.trace_configs.append(_refusing_redirects())
        return session


def _is_whole(body: bytes) -> bool:
    if not _WHOLE.search(body) or b"<!DOCTYPE" in body:
        return False
    try:
        expat.ParserCreate().Parse(body, True)
    except expat.ExpatError:
        return False
    return True


def _refusing_redirects() -> aiohttp.TraceConfig:
    async def refuse(*_: object) -> None:
        raise _NoRedirectError

    config = aiohttp.TraceConfig()
    config.on_request_redirect.append(refuse)
    config.freeze()
    return config


@asynccontextmanager
async def _client(connection: S3Connection, patience: Patience) -> AsyncIterator[Any]:
    config = AioConfig(
        http_session_cls=_HttpSession,
        connect_timeout=10,
        read_timeout=patience.request_timeout,
        max_pool_connections=64,
        retries={"total_max_attempts": 1, "mode": "standard"},  # they are made around it
        s3={"addressing_style": "path"} if connection.endpoint else {},
        # What compatible services need not know.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,
        user_agent_extra=f"capture-audit/{VERSION}",
    )
    key_id, secret = connection.key or (None, None)
    session = get_session()
    # Its own parser takes any form that a date can have, which is a seventh of the work of a listing.
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    making = session.create_client(
        "s3",
        endpoint_url=connection.endpoint,
        region_name=connection.region or (_ANY_REGION if connection.endpoint else None),
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=config,
    )
    async with making as client:
        yield client


def _moment(text: Any) -> datetime:
    """A moment of a response, which S3 writes in ISO 8601; whatever else there is, the client's own parser reads."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        parsed: datetime = parse_timestamp(text)
        return parsed
    return moment


def _stored(one: dict[str, Any]) -> StoredObject:
    return StoredObject(one["Key"], int(one["Size"]), to_text(one["LastModified"]), _version(one["ETag"]))


def _version(etag: str) -> str:
    return etag.strip('"')


def _status_and_code(error: ClientError) -> tuple[int, str]:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(error.response.get("Error", {}).get("Code", ""))
    return int(status), code if code.isalnum() else ""


def _is_not_there(error: ClientError) -> bool:
    """True if there is no such object, or none of the version that was asked for."""
    return _status_and_code(error) in {
        (HTTPStatus.NOT_FOUND, _NO_OBJECT),
        (HTTPStatus.PRECONDITION_FAILED, _NOT_AS_ASKED),
    }


def _judged(error: ClientError, what: str, connection: S3Connection, needs: str) -> AuditError:
    status, code = _status_and_code(error)
    setting = connection.setting
    said = f"Cannot {what}: storage answered {status}{f' ({code})' if code and code != str(status) else ''}"
    if status in TEMPORARY or code in _THROTTLED:
        return StorageUnavailableError(f"{said}.")
    if code == _NO_BUCKET:
        advice = f"There is no such bucket there. Check its name, endpoint and region in {setting}."
    elif is_redirect(status) or code in _ELSEWHERE:
        advice = f"The bucket is elsewhere. Check its endpoint and region in {setting}."
    elif code == _CLOCK:
        advice = "The clocks of the app and of storage differ. Set them right."
    elif connection.key is None:
        advice = f"Grant the app's role {needs}."
    else:
        advice = f"Check {setting}__accessKeyId and {setting}__secretAccessKey, and that this key has {needs}."
    return StorageRefusedError(f"{said}. {advice}")


def _without_response(error: Exception, what: str) -> AuditError:
    """By what aiohttp said, which the client wraps."""
    cause = error if isinstance(error, aiohttp.ClientError) else error.__context__ or error
    if isinstance(cause, _NoRedirectError):
        return StorageRefusedError(
            f"Cannot {what}: storage's answer leads elsewhere, which is not followed. Check its endpoint and region in "
            "the settings, and what answers in its place."
        )
    fault = fault_of(cause)
    kind = StorageRefusedError if fault.lasts else StorageUnavailableError
    return kind(f"Cannot {what}: storage {fault.what}. {fault.advice}".rstrip())
