"""Packs what a student hands in: checks it first, then writes an archive and a receipt.

Run by collect_submission.sh with whatever Python there is, so it needs nothing but the standard
library (3.8 or newer) and imports no other module of the course.  The same files give the same
archive, byte for byte; nothing is sent anywhere.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

LISTED = "data/notebooks.json"
"""What the course asks for: its notebooks, and those that pairs hand in."""
LIMIT = 20 * 1024 * 1024
"""Most bytes that may come with one notebook, in notebooks/handin/NOTEBOOK/."""
TOTAL_LIMIT = 60 * 1024 * 1024
"""Largest archive; the graders take no larger one."""
TEAM = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*")
PAIR = re.compile(r"[A-Za-z][A-Za-z-]*(?:_[A-Za-z][A-Za-z-]*)?")
STUDENT_ID = re.compile(r"^STUDENT_ID\s*=\s*(.*)", re.MULTILINE)
QUOTED = re.compile(r"""(["'])([^"'\n]*)\1\s*(?:#.*)?""")
PLACEHOLDER = "your_id"
"""What STUDENT_ID is in a notebook as handed out."""
IMAGES = {".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"}
REPORTS = ["report.pdf", "report.md", "report.html", "report.docx", "report.odt"]
LEFT_BEHIND = {"__pycache__", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "desktop.ini"}
MTIME = 315532800  # 1980-01-01, the earliest date that zip knows
RECEIPT = "RECEIPT.txt"

EPILOG = """examples:
  ./collect_submission.sh team_7                     all notebooks that you have worked on
  ./collect_submission.sh team_7 01_implementing_cnn only this one; "01" is enough
  ./collect_submission.sh --zip team_7 02 --report report.pdf
  ./collect_submission.sh --ex2 NameOne_NameTwo

Files that belong to a notebook, such as saved weights, go to notebooks/handin/NOTEBOOK/.
Images used in Ex2_…: notebooks/images/, or --image FILE.  Its PDF lies beside this script or in
notebooks/ and is called like the zip.  Exit status: 0 packed, 1 something to mend, 2 wrong usage.
"""


class Asked(NamedTuple):
    """What this copy of the course asks for."""

    notebooks: list[str]
    pair_prefix: str
    """Of the zip that two hand in: "Ex2" for Ex2_NameOne_NameTwo.zip; "": none is asked for."""
    pair_notebooks: list[str]


class Problem(Exception):
    """Something the student can mend.  The text says what is wrong and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Pack, print the receipt, and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(arguments)
    try:
        print(pack(options))
    except Problem as problem:
        print(f"Nothing was packed: {problem}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Nothing was packed: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def pack(options: argparse.Namespace) -> str:
    """Check, write the archive and its receipt, and return what to tell.  Raises Problem."""
    root = Path(options.root).resolve()
    asked = asked_for(root)
    pair = options.pair is not None
    name = check_pair(options.pair, asked) if pair else check_team(options.team, asked)
    named = [options.team, *options.notebooks] if pair and options.team else options.notebooks
    chosen, messages = choose(root, named, asked, pair)
    if not pair:
        messages += other_ids(root, chosen, name)
    files: dict[str, bytes] = {}
    for notebook in chosen:
        files[f"notebooks/{notebook}.ipynb"] = (root / f"notebooks/{notebook}.ipynb").read_bytes()
        files.update(handed_in_with(root, notebook))
    if pair:
        files.update(pair_files(root, name, options.image))
        check_pair_files(name, files)
    elif options.zip:
        files.update(report_files(root, options))
    elif options.report:
        raise Problem("--report goes with --zip")
    check_paths(files)
    lines = [f"{hashlib.sha256(files[path]).hexdigest()}  {path}" for path in sorted(files)]
    files[RECEIPT] = ("\n".join([f"{name}, SHA-256 of each file:", *lines]) + "\n").encode()
    as_zip = pair or options.zip
    content = zipped(files) if as_zip else tarred(files)
    if len(content) > TOTAL_LIMIT:
        raise Problem(
            f"the archive would have {_told(len(content))}, the limit is {_told(TOTAL_LIMIT)}"
        )
    archive = root / f"{name}{'.zip' if as_zip else '.tar.gz'}"
    if archive.exists():
        same = archive.read_bytes() == content
        messages.append(
            f"{archive.name} was there already, "
            + ("with the same content." if same else "and has been replaced by the new one.")
        )
    digest = hashlib.sha256(content).hexdigest()
    receipt = "\n".join([f"{digest}  {archive.name}", "", *lines]) + "\n"
    _write(archive, content)
    _write(root / f"{name}.receipt.txt", receipt.encode())
    count = f"{len(chosen)} notebook{'' if len(chosen) == 1 else 's'}"
    head = f"{archive.name} is ready to hand in ({_told(len(content))}, {count})."
    return "\n".join([*messages, head, "Receipt (SHA-256):", receipt.rstrip()])


def check_paths(files: dict[str, bytes]) -> None:
    """Raise Problem for names that the graders would refuse."""
    seen: dict[str, str] = {}
    for path in files:
        if "\\" in path or ":" in path or len(path) > 200 or not path.isprintable():
            raise Problem(f"{path!r}: use a shorter name of letters, digits, blanks, ., _ and -")
        if path.lower() in seen:
            raise Problem(f"{seen[path.lower()]} and {path} differ in case alone: rename one")
        seen[path.lower()] = path


def check_team(team: str | None, asked: Asked) -> str:
    """The team's name, which becomes a file's name.  Raises Problem."""
    if not team:
        raise Problem("name your team: ./collect_submission.sh team_7")
    if not TEAM.fullmatch(team) or len(team) > 40:
        raise Problem(
            f"{team!r} is no team name: up to 40 letters, digits, _ and -, such as team_7"
        )
    if re.match(r"\d\d_", team) or team in asked.notebooks:
        raise Problem(f"{team!r} is a notebook; the team comes first: team_7 {team}")
    return team


def check_pair(names: str, asked: Asked) -> str:
    """ "Ex2_Name[_Name]" from the names.  Raises Problem."""
    if not asked.pair_prefix:
        raise Problem("this course asks for no zip of a pair: ./collect_submission.sh team_7")
    names = re.sub(rf"(?i)^{re.escape(asked.pair_prefix)}_|\.zip$", "", names)
    if not PAIR.fullmatch(names):
        raise Problem(
            f"{names!r}: give one or two names in plain letters, joined by _: --ex2 NameOne_NameTwo"
        )
    return f"{asked.pair_prefix}_{names}"


def choose(root: Path, named: list[str], asked: Asked, pair: bool) -> tuple[list[str], list[str]]:
    """The notebooks to pack, each checked, and messages on those left out.  Raises Problem.

    Without names all must be there, and those that were never started are left out.
    """
    wanted = asked.pair_notebooks if pair else asked.notebooks
    names = sorted({notebook_called(text, asked) for text in named} or set(wanted))
    missing = [n for n in names if not (root / "notebooks" / f"{n}.ipynb").is_file()]
    if missing:
        instead = [n for n in names if n not in missing]
        hint = f", or name those to hand in: {' '.join(instead)}" if instead and not named else ""
        raise Problem(
            "missing: " + ", ".join(f"notebooks/{n}.ipynb" for n in missing)
            + f". Put it back under this name{hint}"
        )  # fmt: skip
    chosen, messages, problems = [], [], []
    for name in names:
        try:
            notebook = read_notebook(root / "notebooks" / f"{name}.ipynb")
        except Problem as problem:
            problems.append(str(problem))
            continue
        if not named and not_started(notebook):
            messages.append(f"Left out: {name}, which has not been started.")
        elif cleared(notebook):
            problems.append(
                f"{name}.ipynb has no outputs, and outputs must not have been cleared: open it, "
                "choose Run > Run All Cells, save, and try again"
            )
        elif normalised(id_in(notebook)) == PLACEHOLDER:
            problems.append(
                f'{name}.ipynb still has STUDENT_ID = "{PLACEHOLDER}": write your team\'s id '
                "there, or your own as the class list has it; choose Run > Run All Cells, solve "
                "the exercises with numbers of your own, save, and try again"
            )
        else:
            chosen.append(name)
    if problems:
        raise Problem("; ".join(problems))
    if not chosen:
        raise Problem("no notebook has been started: work on one, run it, and save it")
    return chosen, messages


def asked_for(root: Path) -> Asked:
    """What this copy of the course asks for; where it doesn't say, the notebooks that lie there."""
    there = sorted(path.stem for path in (root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    try:
        listed = json.loads((root / LISTED).read_text(encoding="utf-8"))
        pairs = listed["pairs"]
        return Asked(list(listed["notebooks"]), str(pairs["prefix"]), list(pairs["notebooks"]))
    except (OSError, ValueError, LookupError, TypeError):
        return Asked(there, "", [])


def notebook_called(text: str, asked: Asked) -> str:
    """The notebook that an argument means: its name, path, or number.  Raises Problem."""
    stem = re.split(r"[/\\]", text)[-1]
    stem = stem[: -len(".ipynb")] if stem.endswith(".ipynb") else stem
    known = asked.notebooks
    found = [n for n in known if stem == n or (stem.isdigit() and stem.zfill(2) == n[:2])]
    if not found:
        raise Problem(f"{text!r} is no notebook of the course; there are: {', '.join(known)}")
    return found[0]


def read_notebook(path: Path) -> dict[str, Any]:
    """A notebook's JSON.  Raises Problem if Jupyter could not open it."""
    again = "open it in Jupyter and save it again, or take an earlier copy"
    try:
        notebook = json.loads(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Problem(f"{path.name} is not UTF-8 text: {again}") from None
    except json.JSONDecodeError as error:
        raise Problem(f"{path.name} is not valid JSON ({error}): {again}") from None
    except (RecursionError, ValueError):
        raise Problem(f"{path.name} is not valid JSON: {again}") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Problem(f"{path.name} is not a notebook: {again}")
    return notebook


def _code(notebook: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    code = [cell for cell in notebook["cells"] if cell.get("cell_type") == "code"]
    return [(cell, "".join(map(str, cell.get("source") or ""))) for cell in code]


def id_in(notebook: dict[str, Any]) -> str:
    """The STUDENT_ID that a notebook sets last; "" if there is none, or it isn't plain text."""
    found = [text for _, source in _code(notebook) for text in STUDENT_ID.findall(source)]
    match = QUOTED.fullmatch(found[-1].strip()) if found else None
    return match.group(2) if match else ""


def normalised(student_id: str) -> str:
    """An id as `utils.checks.identity` has it: "Team-07" and "team_7" are the same."""
    words = re.findall(r"\d+|[^\W\d_]+", student_id.casefold())
    return "_".join((word.lstrip("0") or "0") if word.isdecimal() else word for word in words)


def other_ids(root: Path, notebooks: list[str], team: str) -> list[str]:
    """Warnings on notebooks with numbers that belong to another id than the team's."""
    ids = {name: id_in(read_notebook(root / f"notebooks/{name}.ipynb")) for name in notebooks}
    return [
        f"Warning: in {name}.ipynb STUDENT_ID is {found!r}, and you hand in as {team}. That is "
        "fine if in the class list both belong to one team, as its id or a member's. Otherwise "
        f'its exercises with numbers of your own earn nothing: write STUDENT_ID = "{team}", solve '
        "them again, save, and run this script again."
        for name, found in ids.items()
        if found and normalised(found) != normalised(team)
    ]


def cleared(notebook: dict[str, Any]) -> bool:
    """Whether there is code, and no trace of any of it having been run."""
    code = [cell for cell, source in _code(notebook) if source.strip()]
    return bool(code) and not any(
        cell.get("outputs") or cell.get("execution_count") is not None for cell in code
    )


def not_started(notebook: dict[str, Any]) -> bool:
    """Whether it was never run and all its solutions are as they were released."""
    solutions = []
    for cell, source in _code(notebook):
        metadata = cell.get("metadata")
        nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        if isinstance(nbgrader, dict) and nbgrader.get("solution"):
            solutions.append(source)
    untouched = all("raise NotImplementedError" in source for source in solutions)
    return cleared(notebook) and bool(solutions) and untouched


def handed_in_with(root: Path, notebook: str) -> dict[str, bytes]:
    """Files in notebooks/handin/NOTEBOOK/.  Raises Problem for links and for too much."""
    folder = root / "notebooks" / "handin" / notebook
    paths = files_below(folder) if folder.is_dir() else []
    size = sum(path.stat().st_size for path in paths)
    if size > LIMIT:
        raise Problem(
            f"notebooks/handin/{notebook} has {_told(size)}, the limit is {_told(LIMIT)}: leave "
            "out what the notebook does not need"
        )
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def files_below(folder: Path) -> list[Path]:
    """Plain files below a folder, in order.  Raises Problem for symbolic links."""
    found = []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        aside = path.suffix in (".before", ".partial")  # weights that others took the place of
        if LEFT_BEHIND & set(inner.parts) or path.name.startswith("._") or aside:
            continue
        if path.is_symlink():
            raise Problem(f"{path} is a symbolic link: put the file itself there")
        if path.is_file():
            found.append(path)
    return found


def report_files(root: Path, options: argparse.Namespace) -> dict[str, bytes]:
    """The report that goes into the zip.  Raises Problem if there is none."""
    if options.no_report:
        return {}
    named = [existing(root, text) for text in options.report]
    places = [root / name for name in REPORTS] + [root / "notebooks" / name for name in REPORTS]
    paths = named or [path for path in places if path.is_file()][:1]
    if not paths:
        raise Problem(
            "no report: save it as report.pdf beside this script, name it with --report FILE, "
            "or say --no-report"
        )
    return _flat(paths)


def pair_files(root: Path, name: str, images: list[str]) -> dict[str, bytes]:
    """Images, own modules and the one PDF of Ex2_Name[_Name].zip.  Raises Problem."""
    places = [root / f"{name}.pdf", root / "notebooks" / f"{name}.pdf"]
    pdfs = [path for path in places if path.is_file()]
    if len(pdfs) != 1:
        what = (
            "lies in two places, keep one" if pdfs else "is missing: write it, beside this script"
        )
        raise Problem(f"exactly one PDF is asked for, and {name}.pdf {what}")
    if not pdfs[0].read_bytes().startswith(b"%PDF-"):
        raise Problem(f"{pdfs[0].name} is not a PDF: export it as one")
    folder = root / "notebooks" / "images"
    shown = [*files_below(folder), *(existing(root, text) for text in images)]
    for path in shown:
        if path.suffix.lower() not in {*IMAGES, ".png"}:
            raise Problem(f"{path.name} is no image (jpg, gif, bmp, tif, webp): remove it")
    modules = sorted((root / "notebooks").glob("*.py"))
    files = {f"notebooks/{path.name}": path.read_bytes() for path in modules}
    files.update({f"images/{key}": value for key, value in _flat(shown).items()})
    files[f"{name}.pdf"] = pdfs[0].read_bytes()
    return files


def check_pair_files(name: str, files: dict[str, bytes]) -> None:
    """Raise Problem for png files and second PDFs, which may lie in notebooks/handin/ too."""
    for path in files:
        if path.lower().endswith(".png"):
            raise Problem(f"{path}: png files are not to be handed in, save it as jpg")
        if path.lower().endswith(".pdf") and path != f"{name}.pdf":
            raise Problem(f"{path}: exactly one PDF is asked for, {name}.pdf; move this one away")


def existing(root: Path, text: str) -> Path:
    """A file that was named, from where the student stands or from the course's folder."""
    for path in (Path(text), root / text):
        if path.is_file():
            return path
    raise Problem(f"there is no file {text}")


def _flat(paths: list[Path]) -> dict[str, bytes]:
    files = {}
    for path in paths:
        if path.name in files:
            raise Problem(f"two files are called {path.name}: rename one")
        files[path.name] = path.read_bytes()
    return files


def tarred(files: dict[str, bytes]) -> bytes:
    """A tar.gz that depends on names and content only."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(files):
            member = tarfile.TarInfo(path)
            member.size, member.mode, member.mtime = len(files[path]), 0o644, MTIME
            archive.addfile(member, io.BytesIO(files[path]))
    return gzip.compress(buffer.getvalue(), mtime=0)


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip that depends on names and content only."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(files):
            member = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            member.create_system, member.external_attr = 3, 0o100644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, files[path])
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def _told(size: int) -> str:
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{size / 2**10:.0f} kB"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="collect_submission.sh",
        description="Check your notebooks and pack them for handing in.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("team", nargs="?", help="your team, such as team_7; not with --ex2")
    parser.add_argument("notebooks", nargs="*", help="notebooks, if not all: 01_implementing_cnn")
    parser.add_argument("--zip", action="store_true", help="make team_7.zip, with the report")
    parser.add_argument("--report", metavar="FILE", action="append", default=[])
    parser.add_argument("--no-report", action="store_true", help="a zip of notebooks alone")
    parser.add_argument("--ex2", "--pair", dest="pair", metavar="NAME[_NAME]",
                        help="make Ex2_NAME[_NAME].zip")  # fmt: skip
    parser.add_argument("--image", metavar="FILE", action="append", default=[])
    parser.add_argument("--root", default=str(Path(__file__).resolve().parent.parent),
                        help=argparse.SUPPRESS)  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
