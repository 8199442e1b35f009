"""The first look: what is in order is counted and dropped, the rest is kept, to be read again.

Memory therefore grows with what is in doubt, not with what is audited.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, Self

from reconciliation.coverage import Coverage
from reconciliation.evidence import Read, Record
from reconciliation.fields import Fields
from reconciliation.looks import Again, Audit, Group, Sighting
from reconciliation.profile import Profile
from reconciliation.rules import Kind, Rule
from reconciliation.times import optional_text, to_text

SCHEMA_VERSION = 1
# Doubts of meetings with hundreds of files take 36 times as many bytes once they are read, of several shards at once.
_PER_SHARD, _SHARD_BYTES, _MOST_SHARDS = 1000, 128 * 1024, 256


@dataclass(frozen=True)
class Screening:
    """The result of the first look: ``verdicts`` of what is in order, by join and kind; the coverage; the sightings;
    the lost sources; and the blocks of doubts, each as number, offset and length in bytes. ``lookups`` counts the
    look-ups of the second look. ``kept_ids``: how many ids of subjects in order are kept. ``rows`` counts the rows of
    the sources that were read for it; ``folder`` has those rows, the doubts and the ids.
    """

    now: datetime
    verdicts: Mapping[str, Mapping[str, Mapping[str, int]]]
    coverage: Coverage
    sightings: Mapping[str, Sighting]
    lost: frozenset[str]
    blocks: Sequence[tuple[int, int, int]] = ()
    lookups: int = 0
    kept_ids: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    folder: str = ""

    @property
    def shards(self) -> list[tuple[int, int]]:
        """The shards of the second look: offset and length of runs of blocks, which end once they hold enough doubts
        or enough bytes. Empty if there are no look-ups.
        """
        if not self.lookups:
            return []
        numbers, _, lengths = zip(*self.blocks, strict=True) if self.blocks else ((), (), ())
        # Half of the most for each of the two, since a run may end by either.
        enough = max(_PER_SHARD, -(-sum(numbers) * 2 // _MOST_SHARDS))
        enough_bytes = max(_SHARD_BYTES, -(-sum(lengths) * 2 // _MOST_SHARDS))
        runs: list[tuple[int, int, int]] = []
        for number, offset, length in self.blocks:
            if runs and runs[-1][0] < enough and runs[-1][2] < enough_bytes:
                runs[-1] = (runs[-1][0] + number, runs[-1][1], runs[-1][2] + length)
            else:
                runs.append((number, offset, length))
        return [(offset, length) for _, offset, length in runs]

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` gives back an equal value."""
        return {
            "schema_version": SCHEMA_VERSION,
            "complete": True,
            "now": to_text(self.now),
            "verdicts": {
                join: {kind: dict(counts) for kind, counts in of_join.items()}
                for join, of_join in self.verdicts.items()
            },
            "coverage": self.coverage.kept(),
            "told": {name: [one.times, optional_text(one.furthest)] for name, one in self.sightings.items()},
            "lost": sorted(self.lost),
            "blocks": [list(block) for block in self.blocks],
            "lookups": self.lookups,
            "kept_ids": self.kept_ids,
            "rows": dict(self.rows),
            "folder": self.folder,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Raises ``ValueError`` or ``TypeError`` if ``value`` is not what ``to_json`` makes."""
        fields = Fields.of_version(value, SCHEMA_VERSION)
        verdicts, rows = fields.inner("verdicts").members, fields.inner("rows")
        return cls(
            fields.moment("now"),
            {join: {kind: dict(counts) for kind, counts in of_join.items()} for join, of_join in verdicts.items()},
            Coverage.from_kept(fields.inner("coverage")),
            {name: Sighting.from_json(one) for name, one in fields.inner("told").members.items()},
            frozenset(fields.texts("lost")),
            [(number, offset, length) for number, offset, length in value["blocks"]],
            fields.whole("lookups"),
            fields.whole("kept_ids"),
            {name: rows.whole(name) for name in rows.members},
            fields.text("folder"),
        )


@dataclass(frozen=True)
class DoubtKept:
    """A group in doubt, and what the second look reads of it."""

    join: str
    group: Group
    again: Again


class _Counted(NamedTuple):
    """What is counted for each of the groups that are alike: verdicts, each as kind and rule, and sightings."""

    verdicts: tuple[tuple[Kind[Any], Rule[Any]], ...]
    sightings: tuple[str, ...]


@dataclass
class FirstLook:
    """Takes groups, join by join, and gives back those in doubt.

    ``counted`` are the ids of subjects in order, by join, kind and verdict, of kinds that keep them; of all kinds in
    a look of a repair. ``links`` is the
    evidence that names a key of a later join, by join and key.
    """

    profile: Profile
    audit: Audit
    counted: defaultdict[tuple[str, str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    links: defaultdict[str, defaultdict[str, list[Any]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    _in_order: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _times: Counter[str] = field(default_factory=Counter)
    _furthest: dict[str, datetime] = field(default_factory=dict)
    _needed: set[str] = field(default_factory=set)
    _alike: dict[tuple[str, Hashable], _Counted] = field(default_factory=dict)

    def covered(self, record: Record) -> Any:
        """Count a unit in the coverage; gives back its evidence, or the ``Unread``."""
        self.audit.coverage.count(record)
        return record.evidence if isinstance(record, Read) else record

    def take(self, join: str, group: Group, *, requested: bool = False) -> DoubtKept | None:
        """Account for one group: what is in order is counted, unless it needs a lost source. A group without rows whose
        key was ``requested`` (``only``) is in doubt.
        """
        alike = None if requested else self.profile.alike(join, group, self.audit)
        if alike is not None and (counted := self._alike.get((join, alike))) is not None:
            for kind, rule in counted.verdicts:
                self._count(join, kind, group.key, rule)
            for name in counted.sightings:
                self._sight(name, None)
            return None
        screened = self.profile.screen(join, group, self.audit)
        for name, moment in screened.sightings:
            self._sight(name, moment)
        if screened.links:
            self.link(group, screened.links)
        needs = [need for _, _, given in screened.in_order for need in given.rule.needs]
        is_lost = bool(needs) and not self.audit.all_lost.isdisjoint(needs)
        if is_lost or (requested and not any(group.rows)):
            return DoubtKept(join, group, self.profile.again(join, group, self.audit))
        self._needed.update(needs)
        for kind, subject, judgement in screened.in_order:
            self._count(join, kind, subject, judgement.rule)
        if screened.in_doubt:
            return DoubtKept(join, group, self.profile.again(join, group, self.audit))
        dated = any(moment is not None for _, moment in screened.sightings)
        if alike is not None and not (dated or screened.links or needs):
            assert all(subject == group.key for _, subject, _ in screened.in_order), f"{group.key!r} is like no other"
            verdicts = tuple((kind, given.rule) for kind, _, given in screened.in_order)
            self._alike[join, alike] = _Counted(verdicts, tuple(name for name, _ in screened.sightings))
        return None

    @property
    def spoiled(self) -> frozenset[str]:
        """The lost sources that something already counted as in order would have needed."""
        return self.audit.all_lost & self._needed

    def link(self, group: Group, links: Sequence[tuple[str, str]]) -> None:
        """Record that the evidence of a group names these keys, each as join and key."""
        for join, key in links:
            self.links[join][key].append((group.key, group.evidence))

    @property
    def verdicts(self) -> dict[str, dict[str, dict[str, int]]]:
        """The numbers of subjects in order, by join, kind and verdict."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for (join, kind, verdict), count in self._in_order.items():
            found.setdefault(join, {}).setdefault(kind, {})[verdict] = count
        return found

    @property
    def sightings(self) -> dict[str, Sighting]:
        return {name: Sighting(times, self._furthest.get(name)) for name, times in self._times.items()}

    def _sight(self, name: str, moment: datetime | None) -> None:
        self._times[name] += 1
        if moment is not None:
            self._furthest[name] = max(self._furthest.get(name, moment), moment)

    def _count(self, join: str, kind: Kind[Any], subject: str, rule: Rule[Any]) -> None:
        assert rule.counted, f"{rule.verdict} is given at first sight"
        of = join, kind.name, rule.verdict
        self._in_order[of] += 1
        if kind.keeps_ids or self.audit.is_look:
            self.counted[of].append(subject)

    def screening(self, now: datetime, blocks: Sequence[tuple[int, int, int]], lookups: int) -> Screening:
        """The result, once all groups were taken."""
        lost, kept_ids = self.audit.lost, sum(map(len, self.counted.values()))
        return Screening(now, self.verdicts, self.audit.coverage, self.sightings, lost, blocks, lookups, kept_ids)


def verdicts_of(screening: Screening, profile: Profile) -> dict[str, Mapping[str, Mapping[str, int]]]:
    """The verdicts of what the first look found in order, by join and kind.

    Raises ``ValueError`` for a verdict that the profile does not have: another release screened.
    """
    for of_join in screening.verdicts.values():
        for name, counts in of_join.items():
            kind = profile.kind(name)
            allowed = {rule.verdict for rule in kind.rules} if kind else set()
            if not counts.keys() <= allowed:
                raise ValueError(f"it has verdicts on {name} that this release does not give")
    return dict(screening.verdicts)


def judged_with(audit: Audit, screening: Screening) -> Audit:
    """The audit with the results of the first look, judged at the moment of that look."""
    clock = replace(audit.clock, now=screening.now)
    return replace(audit, clock=clock, coverage=screening.coverage, sightings=screening.sightings, lost=screening.lost)
