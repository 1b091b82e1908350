"""The files that docs/cluster.md hands to Slurm and Kubernetes say what they should."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
import yaml

from grader.places import ROOT

FILES = ROOT / "docs" / "cluster"
GUIDE = (ROOT / "docs" / "cluster.md").read_text()


def test_the_cluster_for_kubernetes_is_whole() -> None:
    cluster, policy = yaml.safe_load_all((FILES / "kubernetes.yaml").read_text())
    assert (cluster["apiVersion"], cluster["kind"]) == ("kubernetes.dask.org/v1", "DaskCluster")
    spec = cluster["spec"]
    assert set(spec) == {"worker", "scheduler"} and "service" in spec["scheduler"]
    worker, scheduler = (spec[part]["spec"]["containers"][0] for part in ("worker", "scheduler"))
    assert worker["image"] == scheduler["image"]
    assert [worker["args"][:2], scheduler["args"][:2]] == [
        ["dask", "worker"],
        ["dask", "scheduler"],
    ]
    mounted = {mount["name"] for mount in worker["volumeMounts"]}
    assert mounted == {volume["name"] for volume in spec["worker"]["spec"]["volumes"]}
    assert worker["resources"]["requests"]["cpu"] in worker["args"]  # a notebook per core
    service = spec["scheduler"]["service"]
    assert service["type"] == "ClusterIP" and service["ports"][0]["port"] == 8786
    labels = policy["spec"]["podSelector"]["matchLabels"]
    assert labels.items() <= service["selector"].items()
    assert cluster["metadata"]["name"] in labels.values()
    for part in ("worker", "scheduler"):
        assert spec[part]["spec"]["automountServiceAccountToken"] is False


def test_the_image_holds_what_a_worker_needs() -> None:
    lines = (FILES / "Dockerfile").read_text().splitlines()
    copied = {word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]}
    assert {"grader", "utils", "data", "requirements-dev.txt"} <= copied
    assert all((ROOT / name).exists() for name in copied)
    assert lines.index("USER grader") > max(i for i, x in enumerate(lines) if x.startswith("RUN"))


def test_the_script_for_slurm_starts_workers_of_this_course(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    asked: dict = {}

    class SLURMCluster:
        """Takes down what it is asked for, under the names of dask-jobqueue 0.9.0."""

        def __init__(
            self, *, queue, account, cores, processes, memory, walltime, interface, python,
            local_directory, job_script_prologue, worker_extra_args, log_directory,
            scheduler_options,
        ) -> None:  # fmt: skip
            asked.update(python=python, prologue=job_script_prologue, local=local_directory)

        def job_script(self) -> str:
            return "#!/usr/bin/env bash"

    module = types.ModuleType("dask_jobqueue")
    module.SLURMCluster = SLURMCluster  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dask_jobqueue", module)
    monkeypatch.setattr(sys, "argv", ["slurm.py", "--show", "--partition", "short"])
    script = FILES / "slurm.py"
    exec(compile(script.read_text(), script, "exec"), {"__name__": "__main__", "__file__": script})
    assert capsys.readouterr().out.startswith("#!/usr/bin/env bash")
    assert asked["python"] == str(ROOT / ".venv" / "bin" / "python")
    assert f"export PYTHONPATH={ROOT}" in asked["prologue"] and asked["local"] == "/tmp"


def test_the_commands_of_the_guide_are_commands(tmp_path: Path) -> None:
    commands = [line[4:] for line in GUIDE.splitlines() if line.startswith("    ")]
    shell = [c for c in commands if re.match(r"[./A-Za-z_]+[ =]", c) and "url =" not in c]
    assert len(shell) >= 10
    script = tmp_path / "all.sh"
    script.write_text("\n".join(shell))
    assert subprocess.run(["bash", "-n", str(script)], capture_output=True).returncode == 0
    for link in re.findall(r"\]\((cluster/[^)]+)\)", GUIDE):
        assert (ROOT / "docs" / link).is_file()
