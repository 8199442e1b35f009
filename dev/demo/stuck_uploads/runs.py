"""Planting the runs of the cases in a real Prefect."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from dev.demo.stuck_uploads.cases import TENANT, Case, PlantedRun
from dev.devstack.prefect import PrefectServer
from dev.devstack.prefect_planting import Planting, Times

DEPLOYMENT, CROP_DEPLOYMENT = "process-video/production", "crop-frames/production"
_OTHERS = {"staging": "process-video/staging", "captions": "caption-frames/production"}
NAMES = {"process": DEPLOYMENT, "crop": CROP_DEPLOYMENT, **_OTHERS}
FORMER = "former"
POOL = "videos"


def plant_runs(
    server: PrefectServer, cases: Iterable[Case], *, unrelated: int = 0, workers: int = 1, now: datetime | None = None
) -> None:
    """Register the deployments, let workers be heard of, and make the runs of the cases; the deployment that processes
    was deleted and registered again.

    ``unrelated`` runs of another flow are newer than any of them: whoever looks at the newest runs of all flows sees
    nothing else.
    """
    moment = now or datetime.now(UTC)
    with Planting(server) as plant:
        its_runs = [(case, run) for case in cases for run in case.runs]
        former = _deployment(plant, DEPLOYMENT)
        for case, run in its_runs:
            if run.of == FORMER:
                _plant(plant, former, case, run, moment)
        plant.delete_deployment(former)
        deployments = {of: _deployment(plant, name) for of, name in NAMES.items()}
        for number in range(workers):
            plant.heartbeat(POOL, f"worker-{number}")
        for case, run in its_runs:
            if run.of != FORMER:
                _plant(plant, deployments[run.of], case, run, moment)
        for number in range(unrelated):
            plant.run(deployments["captions"], {"caption": number})


def _plant(plant: Planting, deployment: str, case: Case, run: PlantedRun, now: datetime) -> None:
    parameters = {
        "video_id": case.video_id,
        "tenant_id": TENANT,
        "storage_key": f"{TENANT}/client/videos/{case.video_id}/video.mp4",
    }
    plant.run(deployment, parameters, run.state, _times(run, now))


def _deployment(plant: Planting, name: str) -> str:
    flow, _, deployment = name.partition("/")
    return plant.deployment(flow, deployment, POOL)


def _times(run: PlantedRun, now: datetime) -> Times:
    def at(ago: timedelta | None) -> datetime | None:
        return None if ago is None else now - ago

    return Times(created=at(run.due), expected=at(run.due), started=at(run.started), ended=at(run.ended))
