"""One code's shop, bought from on command: run by `bench.beside`, with PYTHONPATH saying whose code.

`python -m bench.side postgres` fills a shop, serves it, and says so with one line. Each line that it reads, a
number of seconds, is a run; it answers with one line of JSON. At the end of its input the books are audited.
"""

import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import tuckshop
from bench.processes import children_of, cpu_seconds
from bench.seed import Size, make
from bench.server import postgres, require_clean_audit, serving
from bench.wrk import Job, buy_one, run

PARALLEL = 64  # Enough to fill batches, few enough that waiting for each other is not what is measured.


def main() -> None:
    """Serve the database named by the argument until the input ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.ExitStack() as stack:
        url, database_pid = stack.enter_context(database(sys.argv[1]))
        shop = make(url, size=Size())
        with serving(url, workers=1) as server:
            job = Job(url, server, shop, shop.product_ids)
            buy_one(job)
            _tell({"code": str(Path(tuckshop.__file__ or "").parent)})
            for line in sys.stdin:
                served, stored = cpu_seconds(server.processes()), cpu_seconds(children_of(database_pid))
                one = run(job, parallel=PARALLEL, seconds=float(line))
                served = cpu_seconds(server.processes()) - served
                stored = cpu_seconds(children_of(database_pid)) - stored
                _tell(asdict(one) | {"server_cpu_seconds": served, "database_cpu_seconds": stored})
        require_clean_audit(url)


@contextmanager
def database(kind: str) -> Iterator[tuple[str, int | None]]:
    """A new database of this kind, and the process that keeps it, if one does."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="tuckshop-bench-") as directory:
            yield f"sqlite:///{directory}/shop.sqlite3", None
        return
    with postgres() as cluster:
        pid = int((cluster.directory / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        yield cluster.create_database("shop"), pid


def _tell(told: dict[str, object]) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
