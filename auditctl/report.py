"""Saving or printing a report, complete or not at all."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from auditctl.client import Api
from auditctl.errors import AuditctlError
from auditctl.fields import Document
from auditctl.visible import visible


def save_report(api: Api, audit_id: str, report_format: str, file: Path) -> None:
    """Write a report to a file, which is replaced only when the report is complete.

    A pipe or a device is written to directly. Raises AuditctlError, also for a file that cannot be written.
    """
    _write(file, lambda stream: api.download_report(audit_id, report_format, stream))


def save_document(document: Document, file: Path) -> None:
    """Write a JSON document to a file, as ``save_report``."""
    data = json.dumps(document, indent=2, ensure_ascii=True).encode() + b"\n"
    _write(file, lambda stream: stream.write(data))


def _write(file: Path, fill: Callable[[BinaryIO], object]) -> None:
    try:
        target = file.resolve()
        opened = _replaced(target) if target.is_file() or not target.exists() else target.open("wb")
        with opened as stream:
            fill(stream)
    except AuditctlError:
        raise
    except OSError as error:
        raise AuditctlError(
            f"It cannot be written: {error.strerror or error}.",
            where=str(file),
            next_step="Choose another file with --output.",
        ) from None


def print_report(api: Api, audit_id: str, report_format: str) -> None:
    """Print a report when it is complete: byte for byte into a pipe, with all characters made visible on a terminal."""
    with tempfile.TemporaryFile() as whole:
        api.download_report(audit_id, report_format, whole)
        whole.seek(0)
        if sys.stdout.isatty():
            for line in whole:
                sys.stdout.write(f"{_harmless(line.decode('utf-8', 'replace').rstrip())}\n")
        else:
            sys.stdout.flush()
            shutil.copyfileobj(whole, sys.stdout.buffer)
            sys.stdout.buffer.flush()


@contextmanager
def _replaced(target: Path) -> Iterator[BinaryIO]:
    """A new file that replaces the target at the end; after an error the target is unchanged."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _harmless(line: str) -> str:
    return "\t".join(map(visible, line.split("\t")))
