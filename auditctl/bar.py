"""The progress bar of one audit: phase, bar, percent, units, estimated time when given, elapsed time."""

from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from auditctl.responses import Audit
from auditctl.wording import count, duration, percent, seconds_since

NARROWEST: Final = 8
WIDEST: Final = 40
OTHER_COLUMNS_WIDTH: Final = 66
REFRESHES_PER_SECOND: Final = 4


class Elapsed(ProgressColumn):
    """The time since the audit was created, even if it is watched only later."""

    def __init__(self, seconds_before: float) -> None:
        super().__init__()
        self._seconds_before = seconds_before

    def render(self, task: Task) -> Text:
        """Called by rich at every refresh."""
        return Text(duration(self._seconds_before + (task.elapsed or 0.0)), style="dim")


class Bar:
    """A live bar on ``console``, drawn from ``start`` to ``stop``."""

    def __init__(self, console: Console, audit: Audit) -> None:
        width = min(max(console.width - OTHER_COLUMNS_WIDTH, NARROWEST), WIDEST)
        self._progress = Progress(
            TextColumn("{task.description:<11}", style="bold cyan", markup=False),
            BarColumn(bar_width=width, complete_style="cyan", finished_style="cyan"),
            TextColumn("{task.fields[percent]:>4}", markup=False),
            TextColumn("{task.fields[counted]}", markup=False),
            Elapsed(seconds_since(audit.created_at)),
            console=console,
            refresh_per_second=REFRESHES_PER_SECOND,
        )
        self._task = self._progress.add_task("", total=None, percent="", counted="")
        self.show(audit)

    def start(self) -> None:
        """Draws the bar and hides the cursor. ``stop`` must be called afterwards, whatever happens."""
        self._progress.start()

    def show(self, audit: Audit) -> None:
        """Draws the audit's current state at once; unknown numbers are left out."""
        progress = audit.progress
        is_moving = audit.state == "running" and audit.phase is not None
        counted = [
            "" if progress.listed is None else f"{count(progress.scanned)}/{count(progress.listed)} {progress.units}",
            "" if progress.eta_seconds is None or audit.ended else f"eta {duration(progress.eta_seconds)}",
        ]
        self._progress.update(
            self._task,
            description=audit.phase if is_moving else audit.state,
            total=None if progress.percent is None else 100.0,
            completed=None if progress.percent is None else min(progress.percent, 100.0),
            percent=percent(progress.percent),
            counted=" ".join(filter(None, counted)),
            refresh=True,  # a phase may be over before the next refresh
        )

    def wait(self) -> None:
        """Shows that the audit cannot be reached at the moment."""
        self._progress.update(self._task, description="waiting")

    def stop(self) -> None:
        """Draws the last state and shows the cursor again."""
        self._progress.stop()
