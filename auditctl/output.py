"""Chooses the form of output: for a terminal, for a pipe, or one JSON document."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from auditctl.fields import Document
from auditctl.lines import Lines
from auditctl.responses import Audit, DeadLetter, Health, Profile
from auditctl.screen import Screen
from auditctl.service import Service
from auditctl.watch import Observer


class Output(Observer, Protocol):
    """All output for a reader; implemented by Screen and Lines."""

    def accepted(self, audit: Audit) -> None:
        """An audit was accepted and is not watched."""

    def ended(self, audit: Audit) -> None:
        """A watched audit has ended."""

    def audits(self, audits: Sequence[Audit], unreadable: Sequence[str] = ()) -> None:
        """The audits, newest first; and the blobs that kept others from being shown."""

    def dead_letters(self, audit_id: str, letters: Sequence[DeadLetter]) -> None:
        """What an audit could not read, by shard."""

    def profiles(self, profiles: Sequence[Profile]) -> None:
        """What can be audited."""

    def health(self, health: Health) -> None:
        """Whether the service can do its work."""

    def done(self, what: str) -> None:
        """Something was done that has no other form."""

    def close(self) -> None:
        """Gives the terminal back; may be called more than once."""


class TroublesOnly(Lines):
    """For a program whose standard error is a log: troubles are printed, progress is not."""

    def progress(self, audit: Audit) -> None:
        """Prints nothing."""


def choose_output(service: Service, *, as_json: bool = False) -> Output:
    """The form for the reader of standard output. With ``as_json`` it writes to standard error only."""
    if as_json:
        return Lines(service, sys.stderr) if sys.stderr.isatty() else TroublesOnly(service, sys.stderr)
    can_draw = sys.stdout.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")
    return Screen(service) if can_draw else Lines(service, sys.stdout)


def print_json(document: Document) -> None:
    """One JSON document on standard output, in ASCII only, so that no text in it can control a terminal."""
    print(json.dumps(document, indent=2, ensure_ascii=True), flush=True)
