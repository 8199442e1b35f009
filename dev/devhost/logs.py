"""Log lines on stdout: time, level, message. The app's own ``logging`` comes out here, too."""

import logging
import sys
from datetime import UTC, datetime


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        moment = datetime.fromtimestamp(record.created, UTC)
        return f"[{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z] {record.levelname} {text}"


def log_to_stdout(level: int = logging.INFO) -> None:
    """Send all logging to stdout; libraries that log requests (URLs with query strings) only from WARNING on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Line("%(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("azure", "aiohttp", "httpx", "urllib3", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
