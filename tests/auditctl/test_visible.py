from hypothesis import given
from hypothesis import strategies as st

import auditctl.visible
import reconciliation.visible


@given(st.text(st.characters(), max_size=30))
def test_a_terminal_shows_a_text_as_the_report_does(text: str) -> None:
    """The program knows nothing of the app, so it has a copy of its own."""
    assert auditctl.visible.visible(text) == reconciliation.visible.visible(text)
