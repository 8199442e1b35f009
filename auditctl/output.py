"""Chooses between the forms of output: a person's terminal, a pipe, or a machine that wants one JSON document."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from auditctl.answers import Audit, DeadLetter, Health, Profile
from auditctl.fields import Document
from auditctl.lines import Lines
from auditctl.screen import Screen
from auditctl.service import Service
from auditctl.watch import Observer


class Output(Observer, Protocol):
    """Everything that is told to a reader; Screen and Lines are its two forms."""

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
    """For a machine whose standard error is a log: what goes wrong is told, progress is not."""

    def progress(self, audit: Audit) -> None:
        """Says nothing."""


def choose_output(service: Service, *, as_json: bool = False) -> Output:
    """The form for who is reading. With ``as_json`` nothing of it reaches standard output."""
    if as_json:
        return Lines(service, sys.stderr) if sys.stderr.isatty() else TroublesOnly(service, sys.stderr)
    can_draw = sys.stdout.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")
    return Screen(service) if can_draw else Lines(service, sys.stdout)


def print_json(document: Document) -> None:
    """One JSON document on standard output, ASCII only, so that no text in it can reach a terminal as a command."""
    print(json.dumps(document, indent=2, ensure_ascii=True), flush=True)
