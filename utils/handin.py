"""Packs what a student hands in: checks it first, then writes an archive and a receipt.

Run by collect_submission.sh with whatever Python there is, so it needs nothing but the standard
library (3.8 or newer) and of the course nothing but `utils.packing`.  The same files give the same
archive, byte for byte; nothing is sent anywhere.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

if __name__ == "__main__":  # run by its path: `utils` without what it imports, such as numpy
    _package = ModuleType("utils")
    _package.__path__ = [str(Path(__file__).resolve().parent)]
    sys.modules["utils"] = _package

from utils.packing import (
    advice,
    archive,
    beside,
    colab,
    enclosed,
    exported,
    found,
    notebooks,
    state,
)
from utils.packing import asked as asking
from utils.packing.accepted import Refused, told_size
from utils.packing.asked import Asked
from utils.packing.state import PLACEHOLDER, State, normalised

TEAM = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*")
PAIR = re.compile(r"[A-Za-z][A-Za-z-]*(?:_[A-Za-z][A-Za-z-]*)?")
COPY = re.compile(r"(?i)(?:^|[_-])(?:copy|kopie)$")
"""How file managers call a second copy: graders take it off the name."""
RECEIPT = "RECEIPT.txt"

EPILOG = """examples (on Windows without bash: python utils\\handin.py team_7; in a notebook's cell:
from utils import handin; handin.pack("team_7")):
  ./collect_submission.sh team_7                     all notebooks that you have worked on
  ./collect_submission.sh team_7 01_implementing_cnn only this one; "01" is enough
  ./collect_submission.sh --zip team_7 03 --report report.pdf
                                                     the report alone, if 03 was never started
  ./collect_submission.sh --ex2 NameOne_NameTwo

Files that belong to a notebook, such as saved weights, go to notebooks/handin/NOTEBOOK/.  Modules
of your own that a notebook imports lie beside it and go along by themselves.
Ex2_… holds the notebooks, their code as code/NOTEBOOK.py, and one PDF with your names; only one of
you hands it in.  Images used in it: notebooks/images/, or --image FILE.  Its PDF lies beside this
script or in notebooks/ and is called like the zip.
Exit status: 0 packed, 1 something to mend, 2 wrong usage.
"""


class Chosen(NamedTuple):
    """One notebook that is to be packed."""

    name: str
    content: bytes
    notebook: dict[str, Any]
    state: State
    files: dict[str, bytes]
    """What goes along, by path as seen from notebooks/."""


class Findings:
    """All that is to be said, whatever comes of it."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        """What graders would refuse, or what is missing."""
        self.costly: list[str] = []
        """What graders would take, and what would surely cost nearly everything."""
        self.messages: list[str] = []
        self.lines: list[str] = []
        """One for each notebook: how far it is."""
        self.warnings: list[str] = []

    def raise_problems(self, anyway: bool) -> None:
        """Raise Refused if nothing is to be packed.  anyway: even if it costs."""
        if anyway:
            self.warnings += self.costly
            self.costly = []
        wrong = self.problems + self.costly
        if not wrong:
            return
        if self.costly and not self.problems:
            wrong.append("to hand it in as it is all the same, add --anyway")
        text = wrong[0] if len(wrong) == 1 else "".join(f"\n  - {line}" for line in wrong)
        raise Refused(text + "".join(f"\nWarning: {line}." for line in self.warnings))


def main(arguments: list[str] | None = None) -> int:
    """Pack, print the receipt, and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = _parser().parse_intermixed_args(arguments)
    try:
        print(_pack(options))
    except Refused as problem:
        print(f"Nothing was packed: {problem}".replace(": \n", ":\n", 1), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Nothing was packed: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def pack(team: str, *notebooks: str, anyway: bool = False, **options: Any) -> Packed:
    """Pack from a notebook's cell, as `./collect_submission.sh team_7` does from a terminal.

    team: such as "team_7"; "" for the zip of a pair.  notebooks: if not all, "01" is enough.
    options: as on the command line: zip, report, no_report, pair, image.
    What counts is what has been saved.  On Colab the open notebook is fetched, and the archive
    is downloaded.  Returns what a notebook shows with a link.  Raises NotPacked.
    """
    given = _parser().parse_args([team, *notebooks] if team else [])
    given.notebooks = list(notebooks)
    for name, value in {**options, "anyway": anyway}.items():
        if name not in vars(given) or name == "root":
            raise TypeError(f"pack() has no option {name!r}")
        setattr(given, name, [value] if name in ("report", "image") else value)
    try:
        colab.save_open_notebook(Path(given.root).resolve(), asking.read(Path(given.root)))
        told = _pack(given)
    except Refused as problem:
        raise NotPacked(str(problem)) from None
    except OSError as error:
        raise NotPacked(f"{error.filename}: {error.strerror}") from None
    place = Path(given.root).resolve() / told.rsplit("\n", 1)[-1].split(" is ready", 1)[0]
    colab.download(place)
    return Packed(told, place)


class NotPacked(Exception):
    """Nothing was packed; the text says all that is to be mended."""

    def _render_traceback_(self) -> list[str]:
        return [f"Nothing was packed: {self}".replace(": \n", ":\n", 1)]


class Packed:
    """An archive that was packed, with what is to be told of it and a link."""

    def __init__(self, told: str, place: Path):
        self.told, self.place = told, place

    def __repr__(self) -> str:
        return self.told

    def _repr_html_(self) -> str:
        link = html.escape(os.path.relpath(self.place).replace(os.sep, "/"))
        receipt, _, rest = self.told.partition("\n\n")
        files, _, lines = rest.partition("\n\n")
        return (
            f"<details><summary>receipt</summary><pre>{html.escape(receipt)}\n\n"
            f"{html.escape(files)}</pre></details><pre>{html.escape(lines)}</pre>"
            f'<a href="{link}" download>{html.escape(self.place.name)}</a>'
        )


def _pack(options: argparse.Namespace) -> str:
    """Check, write the archive and its receipt, and return what to tell.  Raises Refused."""
    root = Path(options.root).resolve()
    asked = asking.read(root)
    pair = options.pair is not None
    findings = Findings()
    name = ""
    try:
        name = check_pair(options.pair, asked) if pair else check_team(options.team, asked)
    except Refused as problem:
        findings.problems.append(str(problem))
    named = [options.team, *options.notebooks] if pair and options.team else options.notebooks
    reported = bool(options.zip and options.report and not options.no_report)
    chosen = choose(root, named, asked, pair, findings, reported)
    if name and not pair:
        ids = {one.name: one.state.student_id for one in chosen}
        findings.warnings += advice.other_ids(ids, name, asked)
    files = files_of(chosen)
    try:
        files.update(asked_beside(root, name, options))
        if pair:
            for one in chosen:
                files[exported.path_of(one.name)] = exported.exported(one.name, one.notebook)
            enclosed.check_pair_files(name, files)
    except Refused as problem:
        findings.problems.append(str(problem))
    lines = [f"{hashlib.sha256(files[path]).hexdigest()}  {path}" for path in sorted(files)]
    files[RECEIPT] = ("\n".join([f"{name}, SHA-256 of each file:", *lines]) + "\n").encode(
        "utf-8", "replace"
    )
    as_zip = pair or options.zip
    content = b""
    try:
        content = archive.packed(files, as_zip)
    except Refused as reason:
        findings.problems.append(f"the archive would be refused: {reason}")
    findings.raise_problems(options.anyway)
    place = root / f"{name}{'.zip' if as_zip else '.tar.gz'}"
    return _handed_over(place, content, lines, len(chosen), findings)


def _handed_over(
    place: Path, content: bytes, lines: list[str], count: int, findings: Findings
) -> str:
    """Write archive and receipt; what to tell, and what matters most comes last."""
    there = ""
    if place.exists():
        same = place.read_bytes() == content
        there = f"{place.name} was there already, " + (
            "with the same content." if same else "and has been replaced by the new one."
        )
    digest = hashlib.sha256(content).hexdigest()
    receipt = "\n".join([f"{digest}  {place.name}", "", *lines]) + "\n"
    archive.written(place, content)
    stem = place.name[: -len(".zip" if place.suffix == ".zip" else ".tar.gz")]
    archive.written(place.with_name(f"{stem}.receipt.txt"), receipt.encode("utf-8", "replace"))
    size = f"{told_size(len(content))}, {state.counted(count, 'notebook')}"
    return "\n".join(
        [
            "Receipt (SHA-256):", receipt.rstrip(), "",
            *findings.messages, *findings.lines,
            *(f"Warning: {line}." for line in findings.warnings),
            *filter(None, [there]), f"{place.name} is ready to hand in ({size}).",
        ]
    )  # fmt: skip


def check_team(team: str | None, asked: Asked) -> str:
    """The team's name, which becomes a file's name.  Raises Refused."""
    if not team:
        raise Refused("name your team: ./collect_submission.sh team_7")
    if not TEAM.fullmatch(team) or len(team) > 40 or COPY.search(team):
        raise Refused(
            f"{team!r} is no team name: up to 40 letters, digits, _ and -, such as team_7"
        )
    if normalised(team) == PLACEHOLDER:
        raise Refused(f"{team!r} stands for your team's name: ./collect_submission.sh team_7")
    if re.match(r"\d\d_", team) or team in asked.notebooks:
        raise Refused(f"{team!r} is a notebook; the team comes first: team_7 {team}")
    return team


def check_pair(names: str, asked: Asked) -> str:
    """ "Ex2_Name[_Name]" from the names.  Raises Refused."""
    if not asked.pair_prefix:
        raise Refused("this course asks for no zip of a pair: ./collect_submission.sh team_7")
    names = re.sub(rf"(?i)^{re.escape(asked.pair_prefix)}_|\.zip$", "", names)
    if not PAIR.fullmatch(names) or COPY.search(names):
        raise Refused(
            f"{names!r}: give one or two names in plain letters, joined by _: --ex2 NameOne_NameTwo"
        )
    return f"{asked.pair_prefix}_{names}"


def choose(
    root: Path,
    named: list[str],
    asked: Asked,
    pair: bool,
    findings: Findings,
    reported: bool = False,
) -> list[Chosen]:
    """The notebooks to pack, each looked at.  reported: a report was named, to go along.

    Without names all must be there, and those that were never started are left out.
    """
    wanted = asked.pair_notebooks if pair else asked.notebooks
    names = set(wanted)
    if named:
        names = set()
        for text in named:
            try:
                names.add(notebook_called(text, asked))
            except Refused as problem:
                findings.problems.append(str(problem))
    missing = [n for n in sorted(names) if not (root / "notebooks" / f"{n}.ipynb").is_file()]
    if missing:
        instead = sorted(names - set(missing))
        hint = f", or name those to hand in: {' '.join(instead)}" if instead and not named else ""
        findings.problems.append(
            "missing: " + ", ".join(f"notebooks/{n}.ipynb" for n in missing)
            + f". Put it back under this name{hint}"
        )  # fmt: skip
    modules, warnings = found.own_modules(root, asked.names.course)
    findings.warnings += warnings
    chosen = []
    for name in sorted(names - set(missing)):
        try:
            one = _looked_at(root, name, asked, modules, bool(named), reported, findings)
        except Refused as reason:
            findings.problems.append(f"notebooks/{name}.ipynb: {reason}")
            continue
        if one is not None:
            chosen.append(one)
    if not chosen and not findings.problems:
        findings.problems.append(
            "no notebook has been started: work on one, run it, and save it"
            + (". For a report alone, name the notebook that it is about" if reported else "")
        )
    unneeded = set(modules).difference(*(one.files for one in chosen))
    findings.messages += [
        f"Left out: {path}, which no notebook mentions."
        for path in sorted(unneeded)
        if beside.name_of(path) not in asked.names.taken
    ]
    return chosen


def _looked_at(
    root: Path,
    name: str,
    asked: Asked,
    modules: dict[str, Path],
    is_named: bool,
    reported: bool,
    findings: Findings,
) -> Chosen | None:
    """One notebook with what goes along; None if it was never started.  Raises Refused.

    One that was never started and is named with a report goes along as it is: the report is kept
    with it.
    """
    path = root / "notebooks" / f"{name}.ipynb"
    content = path.read_bytes()
    notebook, _, _ = notebooks.parse(content)
    expected = asked.of(name)
    untouched = state.not_started(notebook, expected)
    if untouched and not is_named:
        findings.messages.append(f"Left out: {name}, which has not been started.")
        return None
    seen = state.look_at(notebook, expected)
    there = {**modules, **found.handed_in_with(root, name)}
    read = {place: file.read_bytes() for place, file in there.items()}
    code = notebooks.code_of(notebook)
    sorted_out = beside.sort_out(name, code, read, asked.names)
    for _, reason in sorted_out.refused:
        if reason not in findings.problems:  # a module lies beside all notebooks
            findings.problems.append(reason)
    files = {place: read[place] for place in sorted_out.kept}
    missing = [f for f in expected.handin if f"handin/{name}/{f}" not in files]
    findings.lines.append(f"{name}: {seen.in_words(missing)}.")
    if untouched and reported:
        findings.messages.append(
            f"{name} has not been started: it goes with the report, and its checks earn nothing."
        )
    else:
        findings.costly += advice.costly(name, notebook, seen, asked)
    findings.warnings += advice.warnings_on(name, notebook, seen, asked)
    findings.warnings += advice.older(path, {place: there[place] for place in files})
    findings.warnings += [
        f"{name} seems to read {lost}, which is not handed in: put it into "
        f"notebooks/handin/{name}/ and read it from there"
        for lost in found.left_behind(root, [p for p in files if p in modules], code)
    ]
    return Chosen(name, content, notebook, seen, files)


def notebook_called(text: str, asked: Asked) -> str:
    """The notebook that an argument means: its name, path, or number.  Raises Refused."""
    stem = re.split(r"[/\\]", text)[-1]
    stem = stem[: -len(".ipynb")] if stem.endswith(".ipynb") else stem
    known = asked.notebooks
    matching = [n for n in known if stem == n or (stem.isdigit() and stem.zfill(2) == n[:2])]
    if not matching:
        raise Refused(
            f"{text!r} is no notebook of the course; there are: {', '.join(known)}. A team's name "
            "has no blanks"
        )
    return matching[0]


def files_of(chosen: list[Chosen]) -> dict[str, bytes]:
    """Notebooks and what goes along with them, by path in the archive."""
    files = {f"notebooks/{one.name}.ipynb": one.content for one in chosen}
    for one in chosen:
        files.update({f"notebooks/{path}": content for path, content in one.files.items()})
    return files


def asked_beside(root: Path, name: str, options: argparse.Namespace) -> dict[str, bytes]:
    """What is asked for beside notebooks.  Raises Refused."""
    if options.pair is not None:
        return enclosed.pair_files(root, name, options.image)
    if options.zip:
        return {} if options.no_report else enclosed.report_files(root, options.report)
    if options.report:
        raise Refused("--report goes with --zip")
    return {}


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
    parser.add_argument("--anyway", action="store_true",
                        help="pack even what would surely cost most of your points")  # fmt: skip
    parser.add_argument("--root", default=str(Path(__file__).resolve().parent.parent),
                        help=argparse.SUPPRESS)  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
