from tests.auditctl.scripted_service import AUDIT
def test_x() -> None:
    assert AUDIT
