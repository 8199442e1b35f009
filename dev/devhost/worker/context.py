"""The ``context`` that a function receives if it declares one."""

import threading
from types import SimpleNamespace
from uuid import uuid4

import azure.functions as func

_storage = threading.local()


class InvocationContext(func.Context):
    """One invocation's context, with a new invocation id."""

    def __init__(self, function_name: str, directory: str) -> None:
        self._invocation_id = str(uuid4())
        self._name = function_name
        self._directory = directory

    @property
    def invocation_id(self) -> str:
        """A new id per call."""
        return self._invocation_id

    @property
    def thread_local_storage(self) -> threading.local:  # type: ignore[override]  # the SDK says type[local]
        """Shared by all invocations of a thread."""
        return _storage

    @property
    def function_name(self) -> str:
        """The function's name."""
        return self._name

    @property
    def function_directory(self) -> str:
        """The app's folder."""
        return self._directory

    @property
    def trace_context(self) -> SimpleNamespace:  # type: ignore[override]  # same attributes
        """Empty: this host does not trace."""
        return SimpleNamespace(trace_parent="", trace_state="", attributes={})

    @property
    def retry_context(self) -> None:  # type: ignore[override]  # as the worker does
        """Always None: this host knows no retry policies of functions."""
        return None
