"""The way fan-outs are settled in this repository, with failures at random, through the running host."""

from collections.abc import Iterator

import pytest

from tests.dev.devhost.hosts import RunningHost, running_host, write_app

SOURCE = """
import asyncio
import random
import azure.durable_functions as df

app = df.DFApp()
TRIES = {}


def settled(context, tasks):
    try:
        yield context.task_all(tasks)
    except Exception:
        pass
    results = []
    for task in tasks:
        try:
            results.append((True, (yield task)))
        except Exception as error:
            results.append((False, str(error).splitlines()[0]))
    return results


@app.orchestration_trigger(context_name="context")
def waves(context):
    seed = context.get_input()
    report = []
    for wave in range(3):
        requests = [{"id": f"{seed}-{wave}-{i}", "fails": (seed + wave + i) % 3 == 0} for i in range(12)]
        results = yield from settled(context, [context.call_activity("shaky", r) for r in requests])
        report.append([[r["id"], ok, value] for r, (ok, value) in zip(requests, results)])
    return report


@app.activity_trigger(input_name="request")
async def shaky(request: dict) -> str:
    await asyncio.sleep(random.random() / 50)
    if request["fails"]:
        raise ValueError(request["id"])
    return request["id"]
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("settling")
    write_app(folder, SOURCE, maxConcurrentActivityFunctions=5)
    with running_host(folder) as running:
        yield running


@pytest.mark.parametrize("seed", range(5))
def test_every_result_goes_to_its_own_task(host: RunningHost, seed: int) -> None:
    name = f"waves-{seed}"
    host.start("waves", name, seed)
    ended = host.ended(name)
    assert ended["runtimeStatus"] == "Completed", ended["output"]
    for wave, results in enumerate(ended["output"]):
        for i, (request, ok, value) in enumerate(results):
            fails = (seed + wave + i) % 3 == 0
            assert ok is not fails
            assert request in value
