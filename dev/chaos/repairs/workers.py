"""The processes that apply repairs in races, as they are seen from outside: told what to apply, killed and frozen."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from dev.devstack.app import ROOT

GateT = TypeVar("GateT")


class Worker(Generic[GateT]):
    """A process that applies repairs, one at a time, by running a module; one that died is started again when it is
    needed. Its ``gate`` stands between it and what it changes.
    """

    def __init__(self, module: str, profile: str, settings: Mapping[str, str], through: GateT) -> None:
        self.gate = through
        self._module, self._profile = module, profile
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Wait until it is ready."""
        async with self._turn:
            await self._running()

    async def apply(self, repair_id: str) -> dict[str, Any] | None:
        """How a step ended that applies a repair; None if the worker died."""
        async with self._turn:
            process = await self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(
                    json.dumps({"profile": self._profile, "repair_id": repair_id, "look": 1}).encode() + b"\n"
                )
                await process.stdin.drain()
                line = await process.stdout.readline()
            except ConnectionError:
                line = b""
            if not line:
                if await process.wait() != -signal.SIGKILL:
                    raise RuntimeError(f"a worker of races ended by itself: {process.returncode}")
                return None
            result: dict[str, Any] = json.loads(line)
            return result

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            inherited = {name: value for name, value in os.environ.items() if not name.startswith("AUDIT_")}
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**inherited, **self._settings},
                cwd=ROOT,
            )
            assert self._process.stdout is not None
            await self._process.stdout.readline()
        return self._process

    async def kill(self) -> None:
        """``kill -9``."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def freeze(self, seconds: float) -> None:
        """Let it stand still for so long."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        """End it, whatever it is at."""
        await self.kill()
        if self._process is not None:
            await self._process.wait()
