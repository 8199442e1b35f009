"""Loading the unmodified ``function_app.py`` and applying the real worker's rules to it.

What the real worker refuses is refused here, with the function's name and the reason. The real one says only
``0 functions found`` and serves nothing, which is worth finding out before a deployment.
"""

import importlib
import inspect
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions as func
from azure.functions.decorators.function_app import Function as IndexedFunction

from dev.devhost.worker.functions import AppFunction, LoadError, Trigger

App = dict[AppFunction, Callable[..., Any]]
"""The functions of an app with what is called, in order of definition."""

_TRIGGERS = {trigger.value: trigger for trigger in Trigger}
_CLIENT = "durableClient"
_HTTP_OUTPUT = "http"
_CONTEXT = "context"


def load_app(root: Path) -> App:
    """Import ``function_app`` from ``root`` and return its functions.

    Puts ``root`` first on ``sys.path``. Raises LoadError, with all problems found; errors raised by the app's own
    code at import pass through.
    """
    if not (root / "function_app.py").is_file():
        raise LoadError(f"There is no function_app.py in '{root}'. Give the app's folder with --root.")
    sys.path.insert(0, str(root))
    return read_app(importlib.import_module("function_app"))


def read_app(module: Any) -> App:
    """Find the one FunctionApp of a module and check its functions."""
    apps = list({id(app): app for app in vars(module).values() if isinstance(app, func.FunctionRegister)}.values())
    if len(apps) != 1:
        raise LoadError(f"function_app.py must have exactly one FunctionApp or DFApp; found {len(apps)}.")
    try:
        indexed = apps[0].get_functions()
    except ValueError as error:
        raise LoadError(f"The worker refuses the app: {error}") from error
    functions: App = {}
    problems = []
    for function in indexed:
        try:
            functions[_check(function)] = function.get_user_function()
        except (LoadError, TypeError, NameError) as error:
            problems.append(f"function '{function.get_function_name()}': {error}")
    if problems:
        hint = "A real host would load 0 functions and not say why."
        raise LoadError("\n".join([f"The worker refuses {len(problems)} function(s). {hint}", *problems]))
    return functions


def _check(function: IndexedFunction) -> AppFunction:
    trigger: Any = function.get_trigger()
    if trigger is None:
        raise LoadError("it has no trigger.")
    kind = _TRIGGERS.get(trigger.get_binding_name())
    if kind is None:
        names = ", ".join(_TRIGGERS)
        raise LoadError(f"devhost does not serve {trigger.get_binding_name()}, only {names}. Use 'func start'.")
    if kind is Trigger.ORCHESTRATION and trigger.name != _CONTEXT:
        raise LoadError(f'its context_name is "{trigger.name}"; the real worker only loads context_name="context".')
    if getattr(trigger, "run_on_startup", False):
        raise LoadError("devhost does not serve run_on_startup. Use 'func start'.")
    if function.get_setting("retry_policy") is not None:
        raise LoadError("devhost does not serve the retry policy of a function. Use 'func start'.")
    call = function.get_user_function()
    inputs, clients, has_output = _bindings(function)
    hints = _hints(call)
    _check_parameters(call, hints, inputs)
    if has_output:
        _check_output(hints)
    methods = getattr(trigger, "methods", None)
    name = str(function.get_function_name())
    durable = str(getattr(trigger, "activity", None) or getattr(trigger, "orchestration", None) or name)
    route = getattr(trigger, "route", None)
    return AppFunction(
        name=name,
        trigger=kind,
        parameter=trigger.name,
        is_async=inspect.iscoroutinefunction(call),
        durable_name=durable,
        route=name if route is None else str(route),
        methods=None if methods is None else frozenset(str(getattr(m, "value", m)).upper() for m in methods),
        schedule=getattr(trigger, "schedule", "") or "",
        clients=clients,
    )


def _bindings(function: IndexedFunction) -> tuple[dict[str, str], tuple[str, ...], bool]:
    """The input bindings by parameter name, the durable clients among them, and whether there is an HTTP output."""
    inputs: dict[str, str] = {}
    clients: list[str] = []
    has_output = False
    for binding in function.get_bindings():
        kind = binding.get_binding_name()
        if kind == _HTTP_OUTPUT and binding.name == "$return":
            has_output = True
            continue
        if kind == _CLIENT:
            _check_client(binding)
            clients.append(binding.name)
        elif kind not in _TRIGGERS:
            raise LoadError(f"devhost does not serve the binding {kind} ('{binding.name}'). Use 'func start'.")
        inputs[binding.name] = kind
    return inputs, tuple(clients), has_output


def _check_client(binding: Any) -> None:
    for option in ("task_hub", "connection_name"):
        if getattr(binding, option, None):
            raise LoadError(f"devhost does not serve the {option} of a durable client. Use 'func start'.")


def _hints(call: Callable[..., Any]) -> dict[str, Any]:
    """Type hints, resolved as the worker does."""
    return typing.get_type_hints(call)


def _check_parameters(call: Callable[..., Any], hints: dict[str, Any], inputs: dict[str, str]) -> None:
    """Compare parameters with bindings."""
    parameters = set(inspect.signature(call).parameters)
    if _CONTEXT in parameters and _CONTEXT not in inputs:
        raise LoadError("devhost does not hand out the invocation context (parameter 'context'). Use 'func start'.")
    if extra := sorted(parameters - set(inputs)):
        raise LoadError(f"these parameters have no binding: {', '.join(extra)}.")
    if missing := sorted(set(inputs) - parameters):
        raise LoadError(f"these bindings have no parameter: {', '.join(missing)}.")
    for name in sorted(parameters):
        if name in hints:
            _check_hint(name, hints[name], inputs[name])


def _check_hint(name: str, hint: Any, kind: str) -> None:
    if typing.get_origin(hint) is not None or not isinstance(hint, type):
        raise LoadError(
            f"parameter '{name}' has the annotation {hint!r}, and the worker only loads plain types: no parametrised "
            "generic (dict[str, object]), no union (str | None). Use a TypedDict or dict."
        )
    expected: dict[str, tuple[type, ...]] = {
        Trigger.HTTP.value: (func.HttpRequest,),
        Trigger.TIMER.value: (func.TimerRequest,),
        Trigger.ORCHESTRATION.value: (func.OrchestrationContext,),
        _CLIENT: (str, bytes),
    }
    allowed = expected.get(kind)
    if allowed is not None and not issubclass(hint, allowed):
        raise LoadError(f"parameter '{name}' is bound to {kind} and cannot be annotated {hint.__name__}.")


def _check_output(hints: dict[str, Any]) -> None:
    hint = hints.get("return")
    if hint is None or hint is type(None):
        return
    if typing.get_origin(hint) is not None or not isinstance(hint, type):
        raise LoadError(f"its return annotation {hint!r} is not a plain type.")
    if not issubclass(hint, (func.HttpResponse, str)):
        raise LoadError(f"its return annotation must be func.HttpResponse or str, not {hint.__name__}.")
