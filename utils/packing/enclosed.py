"""What is asked for beside notebooks: a report, or the images and the one PDF of a pair.

Nothing is opened beyond the first bytes of a PDF.
"""

from __future__ import annotations

from pathlib import Path

from utils.packing import found
from utils.packing.accepted import Refused

IMAGES = {".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".png"}
REPORTS = ["report.pdf", "report.md", "report.html", "report.docx", "report.odt"]
_OURS = ("handin", "code", "images", "data", "docs", "utils")
"""Folders whose files are no report, whatever they are called."""


def is_report(path: str) -> bool:
    """Is a file of an archive a report?  Any PDF is; others are if their name says so."""
    *folders, name = path.split("/")
    if any(folder.casefold() in _OURS for folder in folders):
        return False
    stem, _, suffix = name.casefold().rpartition(".")
    known = [report.rpartition(".")[2] for report in REPORTS]
    return suffix in known and (suffix == "pdf" or "report" in stem)


def report_files(root: Path, named: list[str]) -> dict[str, bytes]:
    """The report that goes into the zip.  Raises Refused if there is none."""
    places = [root / name for name in REPORTS] + [root / "notebooks" / name for name in REPORTS]
    paths = [existing(root, text) for text in named] or [path for path in places if path.is_file()][
        :1
    ]
    if not paths:
        raise Refused(
            "no report: save it as report.pdf beside this script, name it with --report FILE, "
            "or say --no-report"
        )
    for path in paths:
        if not is_report(path.name):
            raise Refused(
                f"{path.name} would not be known as a report: save it as a PDF, or call it "
                "report.md, .html, .docx or .odt"
            )
    return _flat(paths)


def pair_files(root: Path, name: str, images: list[str]) -> dict[str, bytes]:
    """Images and the one PDF of Ex2_Name[_Name].zip.  Raises Refused."""
    places = [root / f"{name}.pdf", root / "notebooks" / f"{name}.pdf"]
    pdfs = [path for path in places if path.is_file()]
    if len(pdfs) != 1:
        what = (
            "lies in two places, keep one" if pdfs else "is missing: write it, beside this script"
        )
        raise Refused(f"exactly one PDF is asked for, and {name}.pdf {what}")
    if not pdfs[0].read_bytes().startswith(b"%PDF-"):
        raise Refused(f"{pdfs[0].name} is not a PDF: export it as one")
    folder = root / "notebooks" / "images"
    shown = [*found.files_below(folder), *(existing(root, text) for text in images)]
    for path in shown:
        if path.suffix.lower() not in IMAGES:
            raise Refused(f"{path.name} is no image (jpg, gif, bmp, tif, webp): remove it")
    files = {f"images/{key}": value for key, value in _flat(shown).items()}
    files[f"{name}.pdf"] = pdfs[0].read_bytes()
    return files


def check_pair_files(name: str, files: dict[str, bytes]) -> None:
    """Raise Refused for png files and second PDFs, which may lie in notebooks/handin/ too."""
    for path in files:
        if path.lower().endswith(".png"):
            raise Refused(f"{path}: png files are not to be handed in, save it as jpg")
        if path.lower().endswith(".pdf") and path != f"{name}.pdf":
            raise Refused(f"{path}: exactly one PDF is asked for, {name}.pdf; move this one away")


def existing(root: Path, text: str) -> Path:
    """A file that was named, from where the student stands or from the course's folder."""
    for path in (Path(text), root / text):
        if path.is_file():
            return path
    raise Refused(f"there is no file {text}")


def _flat(paths: list[Path]) -> dict[str, bytes]:
    files = {}
    for path in paths:
        if path.name in files:
            raise Refused(f"two files are called {path.name}: rename one")
        files[path.name] = path.read_bytes()
    return files
