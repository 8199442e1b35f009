"""``python -m dev.devstack.fast_stub --uniform 20000x4 --tls``: serve a stubbed account on this machine, fast."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from dev.devstack.fast_stub.build import binary
from dev.devstack.fast_stub.certificate import make_certificate
from dev.devstack.storage_stub.uniform import Template, blobs_template, containers_template
from dev.devstack.supervise import DevStackError


def main() -> None:
    """Become the stub, which serves until it is killed."""
    parser = argparse.ArgumentParser(prog="fast_stub", description="A blob service that only lists, in C.")
    parser.add_argument("--uniform", metavar="CONTAINERSxBLOBS", required=True, help="such as 20000x4")
    parser.add_argument("--tls", action="store_true", help="TLS 1.3; the file of the authority is printed")
    parser.add_argument("--latency-ms", metavar="MIN-MAX", default="0", help="before each answer, such as 5-20")
    parser.add_argument("--rate", type=float, default=0, help="answers per second (default 0: any number)")
    parser.add_argument("--burst", type=float, default=0, help="answers at once (default: a tenth of the rate)")
    parser.add_argument("--retry-after", type=int, default=-1, metavar="SECONDS", help="said with each refusal")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--folder", type=Path, help="for templates and certificate (default: a new one)")
    given = parser.parse_args()
    containers, _, blobs = given.uniform.partition("x")
    least, _, most = given.latency_ms.partition("-")
    folder = given.folder.resolve() if given.folder else Path(tempfile.mkdtemp(prefix="capture-audit-fast-stub-"))
    try:
        command = [str(binary()), "--containers", containers, "--port", str(given.port)]
    except DevStackError as error:
        sys.exit(str(error))
    pages = {"container-page": containers_template(), "blob-page": blobs_template(int(blobs))}
    for name, template in pages.items():
        command += [f"--{name}", str(_written(template, folder / name))]
    if given.tls:
        certificate = make_certificate(folder)
        command += ["--certificate", str(certificate.chain), "--key", str(certificate.key)]
        print(f"authority {certificate.authority}", flush=True)
    command += ["--latency-min", least, "--latency-max", most or least, "--rate", str(given.rate)]
    command += ["--burst", str(given.burst), "--retry-after", str(given.retry_after)]
    os.execv(command[0], command)  # noqa: S606 - the process that was started is to be the stub


def _written(template: Template, path: Path) -> Path:
    path.write_bytes("\0".join([template.head, *template.rows, template.foot]).encode())
    return path


if __name__ == "__main__":
    main()
