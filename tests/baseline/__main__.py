"""``python -m tests.baseline``: run the audits of the baseline, record what they find now, and print what changed.

A restructured engine must find exactly what the one before it found, so the baseline is no snapshot to be renewed when
a test fails. It may be rewritten only when an issue names the change in what an audit finds; its commit names that
issue, and holds no more changes than the issue tells of.

The audits are those of the tests named ``..._what_the_baseline_says``, run by pytest with ``--write-baseline``.
"""

import sys

import pytest

from tests.baseline.found import difference
from tests.baseline.recorded import read

PLACES = ("tests/baseline/test_seeds.py", "tests/app/test_prodlike.py", "tests/dev/demo/test_demo.py")


def main() -> int:
    """0 if all audits could be recorded."""
    before = read()
    ended = pytest.main(["--write-baseline", "-k", "what_the_baseline_says", *PLACES])
    after = read()
    for name in sorted({*before, *after}):
        if name not in before or name not in after:
            print(f"{name}: {'recorded for the first time' if name in after else 'no longer recorded'}")
        elif text := difference(before[name], after[name]):
            print(f"{name}:\n{text}")
    changed = sum(before.get(name) != found for name, found in after.items())
    print(f"{len(after)} audits are recorded, {changed} of them changed.")
    return int(ended)


if __name__ == "__main__":
    sys.exit(main())
