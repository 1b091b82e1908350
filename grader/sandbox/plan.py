"""What a sandbox shall contain, decided on the grader's side and carried out after the fork.

Which files of the course it shows is for `grader.contract.visible` to say.

A plan names every path that a notebook may see; what it doesn't name isn't there.  It is plain
data, since it travels to the warm parent as a JSON file.
"""

from __future__ import annotations

import contextlib
import json
import os
import site
import stat
import sys
import sysconfig
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from grader.contract.kernels import PLAIN, Profile
from grader.sandbox import linux
from grader.sandbox.bounds import Bounds

SCRATCH = "/scratch"
"""Where a notebook finds its scratch folder."""
SOCKETS = "/run/kernel"
"""Where a notebook's kernel finds the folder for its sockets."""

_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/lib32",
    "/libx32",
    "/nix/store",
    "/gnu/store",
)
_ETC = ("ld.so.cache", "localtime", "alternatives", "fonts", "mime.types")
_FIRST_UID, _UIDS = 1_900_000_000, 100_000_000
_FIRST_SMALL_UID, _SMALL_UIDS = 45_000, 15_000


@dataclass
class Plan:
    """One sandbox.  Paths are absolute."""

    mode: Literal["root", "user"]
    """"root": the grader is root and gives the kernel a user of its own; "user": a user namespace,
    in which the kernel's processes are still the grader's user for the host."""
    folder: str
    """Private folder on the host; holds the mount point and the sockets."""
    uid: int
    """User inside; in mode "root" it is that user outside, too."""
    environment: dict[str, str]
    bounds: dict[str, Any]
    connection: dict[str, Any] = field(default_factory=dict)
    preload: list[str] = field(default_factory=list)
    """Modules that a cold kernel imports before the notebook; a warm parent has them."""
    refused: list[str] = field(default_factory=list)
    """Packages that raise when they are imported."""
    scratch: str = ""
    """Folder on the host that is copied in before and out after; "" for none."""
    cwd: str = SCRATCH
    binds: list[tuple[str, str]] = field(default_factory=list)
    """(on the host, inside), read-only."""
    links: list[tuple[str, str]] = field(default_factory=list)
    """(target, path) of symbolic links."""
    hidden: list[str] = field(default_factory=list)
    """Paths inside that are covered by nothing."""
    blocked: list[tuple[str, str]] = field(default_factory=list)
    """(path inside, name) of what is covered by something that refuses to be imported."""
    others: int = 0
    """Threads of the same user that count towards the limit on processes."""
    trial: bool = False
    """Build everything, start no kernel."""

    def save(self, path: Path) -> None:
        """Write the plan where the warm parent's child reads it."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w") as stream:
            json.dump(asdict(self), stream)

    @classmethod
    def load(cls, path: str) -> Plan:
        """Read a plan."""
        return cls(**json.loads(Path(path).read_text()))


def draw_up(
    folder: Path,
    bounds: Bounds,
    profile: Profile = PLAIN,
    scratch: Path | None = None,
    read_only: Iterable[Path] = (),
    hidden: Iterable[Path] = (),
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Plan:
    """Make the plan for one kernel; see `CourseProvisioner` for what the arguments mean."""
    mode, uid = identity()
    links, binds = _system()
    given = [Path(p).absolute() for p in read_only]
    for path in [*python_folders(), *(path for path in given if path.exists())]:
        binds += [(os.path.realpath(path), p) for p in {str(path), os.path.realpath(path)}]
    own = safe_environment()
    own.update({k: translated(v, scratch) for k, v in (environment or {}).items()})
    where = translated(str(cwd), scratch) if cwd is not None else SCRATCH
    return Plan(
        mode=mode,
        folder=str(folder),
        uid=uid,
        environment=own,
        bounds=asdict(bounds),
        preload=[*profile.preload],
        refused=[*profile.refused],
        scratch=str(scratch) if scratch else "",
        cwd=where,
        binds=_without_nested(binds),
        links=links,
        hidden=sorted(
            {os.path.realpath(p) for p in hidden} | {str(Path(p).absolute()) for p in hidden}
        ),
        blocked=installed(profile.refused),
        others=0 if mode == "root" or linux.release() >= (5, 14) else threads_of_user(),
    )


def identity() -> tuple[Literal["root", "user"], int]:
    """How to get a kernel that isn't the grader: (mode, user id inside)."""
    needed = sum(
        1 << c for c in (linux.CAP_SYS_ADMIN, linux.CAP_SETUID, linux.CAP_SETGID, linux.CAP_CHOWN)
    )
    if os.geteuid() == 0 and linux.effective_capabilities() & needed == needed:
        mapped = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
        for first, size in ((_FIRST_UID, _UIDS), (_FIRST_SMALL_UID, _SMALL_UIDS)):
            for inside, _, length in mapped:
                if int(inside) <= first and first + size <= int(inside) + int(length):
                    return "root", first + int.from_bytes(os.urandom(4), "big") % size
    return "user", 1000


def translated(value: str, scratch: Path | None) -> str:
    """A path (or a list of paths) in the scratch folder as the notebook sees it."""
    if scratch is None:
        return value
    parts = value.split(os.pathsep)
    for position, part in enumerate(parts):
        for base in {str(scratch), os.path.realpath(scratch)}:
            if part == base or part.startswith(base + "/"):
                parts[position] = SCRATCH + part[len(base) :]
                break
    return os.pathsep.join(parts)


def safe_environment() -> dict[str, str]:
    """What every kernel gets: nothing from the grader's own environment."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": SCRATCH,
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "TMPDIR": "/tmp",
        "IPYTHONDIR": "/tmp/.ipython",
        "JUPYTER_RUNTIME_DIR": "/tmp/.jupyter",
        "MPLCONFIGDIR": "/tmp/.matplotlib",
        "XDG_CACHE_HOME": "/tmp/.cache",
        "PYTHONDONTWRITEBYTECODE": "1",
        **threads_environment(),
    }


def threads_environment() -> dict[str, str]:
    """Settings that libraries read when they are imported, so the warm parent needs them too."""
    return {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # no lines of the debugger on stderr
        "KERAS_BACKEND": "tensorflow",  # whatever the instructor's own keras.json says
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def python_folders() -> list[Path]:
    """The interpreter, its library and its packages."""
    return [Path(p) for p in dict.fromkeys((sys.prefix, sys.base_prefix, sys.exec_prefix))]


def package_folders() -> list[Path]:
    """Every folder in which a package could be found, the system's own Pythons included."""
    library = Path(sysconfig.get_path("stdlib"))
    found = [Path(p) for p in (*site.getsitepackages(), site.getusersitepackages())]
    found += [library, library / "lib-dynload"]
    for base in {sys.prefix, sys.base_prefix, "/usr", "/usr/local"}:
        for inside in ("lib*/python3*", "lib*/python3*/lib-dynload", "lib*/python3*/*-packages"):
            found += Path(base).glob(inside)
    return sorted({p for p in found if p.is_dir()} | {p.resolve() for p in found if p.is_dir()})


def installed(names: Collection[str]) -> list[tuple[str, str]]:
    """(path, name) of each package or module of these names that is installed anywhere."""
    found = []
    for folder in package_folders() if names else ():
        for entry in os.scandir(folder):
            name, _, ending = entry.name.partition(".")
            if name in names and (ending == "py" or ending.endswith("so") or not ending):
                found.append((entry.path, name))
    return sorted(found)


def threads_of_user() -> int:
    """How many threads this user runs.  Before Linux 5.14 a user namespace's are among them."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.geteuid():
                found += sum(1 for _ in (folder / "task").iterdir())
    return found


def unreadable(plan: Plan) -> str:
    """The first folder that a kernel with a user of its own couldn't read, or ""."""
    if plan.mode == "root":
        for source, _ in plan.binds:
            wanted = 0o005 if Path(source).is_dir() else 0o004
            if stat.S_IMODE(Path(source).stat().st_mode) & wanted != wanted:
                return source
    return ""


def _system() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    links, binds = [], []
    for path in _SYSTEM:
        if Path(path).is_symlink():
            links.append((str(Path(path).readlink()), path))
        elif Path(path).is_dir():
            binds.append((path, path))
    for name in _ETC:
        path = f"/etc/{name}"
        if Path(path).exists():
            binds.append((os.path.realpath(path), path))
    return links, binds


def _without_nested(binds: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Drop what lies in a folder that is bound anyway; parents come first."""
    kept: list[tuple[str, str]] = []
    for source, target in sorted(set(binds), key=lambda pair: (pair[1].count("/"), pair[1])):
        if not any(target == t or target.startswith(t + "/") for _, t in kept):
            kept.append((source, target))
    return kept
