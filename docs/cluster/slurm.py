"""Start a Dask cluster on Slurm, print its address, and keep it until Ctrl-C.

    .venv/bin/pip install dask-jobqueue==0.9.0
    .venv/bin/python docs/cluster/slurm.py --partition short --jobs 8

The course must lie on a file system that the nodes see at the same path, with its .venv.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]


def main() -> None:
    """Run until interrupted; the jobs end with this process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partition", help="Slurm's partition")
    parser.add_argument("--account", help="who pays")
    parser.add_argument("--jobs", type=int, default=4, help="most Slurm jobs at a time")
    parser.add_argument("--cores", type=int, default=8, help="cores of each job")
    parser.add_argument("--memory", default="32GB", help="memory of each job: 4 GB a notebook")
    parser.add_argument("--walltime", default="04:00:00")
    parser.add_argument("--interface", help="network between the nodes: ib0, say")
    parser.add_argument("--show", action="store_true", help="print the job script, start nothing")
    options = parser.parse_args()

    from dask_jobqueue import SLURMCluster

    cluster = SLURMCluster(
        queue=options.partition,
        account=options.account,
        cores=options.cores,
        processes=1,
        memory=options.memory,
        walltime=options.walltime,
        interface=options.interface,
        python=str(COURSE / ".venv" / "bin" / "python"),
        local_directory="/tmp",  # on the node: sockets of kernels don't work on shared disks
        job_script_prologue=[
            f"export PYTHONPATH={COURSE}",
            "export TMPDIR=/tmp",
            "ulimit -c 0",
        ],
        # one notebook per core; what bounds memory is the sandbox of each notebook
        worker_extra_args=["--no-dashboard"],
        log_directory=str(Path.cwd() / "slurm-logs"),
        scheduler_options={"dashboard": False},
    )
    if options.show:
        print(cluster.job_script())
        return
    cluster.adapt(minimum_jobs=1, maximum_jobs=options.jobs)
    print(f"./course grade --scheduler {cluster.scheduler_address}", flush=True)
    try:
        while True:
            time.sleep(60)
    except KeyboardInterrupt:
        cluster.close()


if __name__ == "__main__":
    main()
