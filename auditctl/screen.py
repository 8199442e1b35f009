"""The output for a terminal: a progress bar, then a short summary. Colours only repeat what the words say."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditctl.bar import Bar
from auditctl.outcome import Outcome
from auditctl.responses import Audit, DeadLetter, Health, Profile
from auditctl.service import Service
from auditctl.wording import audited, changes, count, coverage, minute, needing_nobody

ROOM_FOR_HEADLINES: Final = 110
STYLES: Final = {
    Outcome.CLEAN: "bold green",
    Outcome.FINDINGS: "bold yellow",
    Outcome.BAD_USAGE: "bold red",
    Outcome.INCOMPLETE: "bold magenta",
    Outcome.FAILED: "bold red",
}

SEVERITY_STYLES: Final = {"high": "bold red", "medium": "yellow", "low": "cyan", "unknown": "magenta"}


class Screen:
    """Prints to the terminal on standard output. ``close`` must be called afterwards, whatever happens."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._console = Console(markup=False, emoji=False, highlight=False)
        self._bar: Bar | None = None
        self._last_trouble: str | None = None

    def accepted(self, audit: Audit) -> None:
        self._labelled(audit.state, f"audit {audit.id} of profile {audit.profile}", "bold cyan")
        self._page(audit)
        self._labelled("watch it", self._service.command("watch", audit.id))

    def progress(self, audit: Audit) -> None:
        """Updates the bar; there is none for an audit that had ended before the first look."""
        if self._bar is None and not audit.ended:
            self._say(f"Audit {audit.id} of profile {audit.profile}")
            self._bar = Bar(self._console, audit)
            self._bar.start()
        elif self._bar is not None:
            self._bar.show(audit)

    def trouble(self, what: str, seconds_left: float) -> None:
        """Prints each kind of trouble once, above the bar, with how long it is waited out."""
        if self._bar is not None:
            self._bar.wait()
        if what != self._last_trouble:
            self._last_trouble = what
            self._say(f"{what} Trying again for {max(seconds_left, 0):.0f} s.", "yellow")

    def recovered(self) -> None:
        self._last_trouble = None
        self._say("It goes on.", "green")

    def ended(self, audit: Audit) -> None:
        """The summary: headline, what needs a person, what was audited and how far, how to get the report."""
        self.close()
        self._labelled(_word(audit), audit.headline or audit.error or "", STYLES[audit.outcome])
        if audit.headline and audit.error:
            self._labelled("error", audit.error)
        self._verdicts(audit)
        if audit.audited:
            self._labelled("audited", audited(audit.audited))
        if audit.since_last:
            self._labelled("changes", changes(audit.since_last))
        if audit.progress.listed is not None:
            self._labelled("coverage", coverage(audit.progress))
        if audit.resumes:
            self._labelled("resumed", f"{count(audit.resumes)} {'time' if audit.resumes == 1 else 'times'}")
        if audit.dead_letters:
            see = self._service.command("dead-letters", audit.id)
            self._labelled("unread", f"{count(audit.dead_letters)} of its shards, not to their end; see: {see}")
        if audit.has_report:
            with_key = " (opens with the function key only)" if self._service.key else ""
            self._labelled("report", f"{self._service.report_url(audit.id)}{with_key}")
            self._page(audit)
            self._labelled("get it", self._service.get_report(audit.id))

    def _verdicts(self, audit: Audit) -> None:
        """A table of the verdicts that need a person; one line for the others."""
        asking = [given for given in audit.given if given.asks]
        if asking:
            table = Table("severity", "verdict", box=None, header_style="dim", padding=(0, 1))
            table.add_column("count", justify="right")
            for given in asking:
                severity = Text(given.severity or "", SEVERITY_STYLES.get(given.severity or "", ""))
                table.add_row(severity, Text(given.verdict), Text(count(given.count)))
            self._console.print("", table, "", sep="\n")
        if nobody := needing_nobody(audit.given):
            self._labelled("no action", nobody)

    def audits(self, audits: Sequence[Audit], unreadable: Sequence[str] = ()) -> None:
        """A table in the given order, with headlines if there is room; then the unreadable blobs."""
        if audits:
            self._table_of(audits)
        elif not unreadable:
            self._say(f"No audits yet. Start one: {self._service.command('run', '--wait')}")
        for path in unreadable:
            self._labelled("unreadable", path, STYLES[Outcome.INCOMPLETE])

    def _table_of(self, audits: Sequence[Audit]) -> None:
        table = Table(box=None, header_style="dim", padding=(0, 1))
        for name in ("audit", "profile", "outcome", "started (UTC)"):
            table.add_column(name, no_wrap=True)
        has_room = self._console.width >= ROOM_FOR_HEADLINES
        if has_room:
            table.add_column("headline")
        for audit in audits:
            outcome = Text(_word(audit), STYLES[audit.outcome] if audit.ended else "")
            headline = Text(audit.headline or audit.error or "", no_wrap=True, overflow="ellipsis")
            cells = (Text(audit.id), Text(audit.profile), outcome, Text(minute(audit.created_at)), headline)
            table.add_row(*(cells if has_room else cells[:-1]))
        self._console.print(table)

    def dead_letters(self, audit_id: str, letters: Sequence[DeadLetter]) -> None:
        """A table by shard with the error of each, or who discarded it; then the commands for the open ones."""
        if not letters:
            self._say(f"Audit {audit_id} has no dead letters.")
            return
        table = Table(box=None, header_style="dim", padding=(0, 1))
        for name in ("shard", "unread", "attempts"):
            table.add_column(name, justify="right")
        table.add_column("last (UTC)", no_wrap=True)
        table.add_column("state", no_wrap=True)
        table.add_column("why")
        for letter in letters:
            unread = f"{count(letter.failed)}/{count(letter.units)}"
            decision = letter.discarded
            why = f"{decision.by}: {decision.reason}" if decision else letter.first_error or ""
            state = Text("discarded", "dim") if decision else Text("open", STYLES[Outcome.INCOMPLETE])
            cells = (count(letter.shard), unread, count(letter.attempts), minute(letter.last_at))
            table.add_row(*map(Text, cells), state, Text(why))
        self._console.print(table)
        if any(letter.discarded is None for letter in letters):
            self._labelled("scan again", self._service.command("dead-letters", audit_id, "--replay", "--wait"))
            discard = ("dead-letters", audit_id, "--discard", "--reason", "TEXT", "--by", "NAME")
            self._labelled("give up", self._service.command(*discard))

    def profiles(self, profiles: Sequence[Profile]) -> None:
        """Each profile with the choices of its options; the defaults are marked."""
        for profile in profiles:
            self._labelled(profile.name, profile.title, "bold cyan")
            if profile.description:
                self._labelled("", profile.description)
            for option in profile.options:
                if option.choices:
                    marked = (f"{each}{'*' if each in option.default else ''}" for each in option.choices)
                    self._labelled(option.name, f"{', '.join(marked)}  (* by default)")

    def health(self, health: Health) -> None:
        self._labelled(health.status, self._service.address, STYLES[_outcome(ok=health.ok)])
        if health.version:
            self._labelled("version", f"{health.version} ({health.commit})" if health.commit else health.version)
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for check in health.checks:
            word = Text("ok" if check.ok else "failed", STYLES[_outcome(ok=check.ok)])
            table.add_row(Text(""), word, Text(check.name), Text(check.detail))
        self._console.print(table)

    def done(self, what: str) -> None:
        self._say(what)

    def close(self) -> None:
        """Stops the bar where it is and shows the cursor again."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _page(self, audit: Audit) -> None:
        page = self._service.page_url(audit.page)
        if page:
            self._labelled("page", page)

    def _labelled(self, label: str, text: str, style: str = "dim") -> None:
        self._console.print(Text.assemble(" ", (f"{label:<11}", style), " ", text), soft_wrap=True)

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style), soft_wrap=True)


def _word(audit: Audit) -> str:
    """The outcome of an audit with a report, otherwise its state."""
    return audit.outcome.word if audit.has_report else audit.state


def _outcome(*, ok: bool) -> Outcome:
    return Outcome.CLEAN if ok else Outcome.FAILED
