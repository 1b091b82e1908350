"""The grading harness.  A submission flows one way through its rooms:

archive -> intake -> execute -> judges -> mark (gradebook) -> feedback / report / export

It never runs, imports or unpickles anything of a student's in its own process.
"""

import os
import sys
from pathlib import Path

# nbgrader starts `alembic` by its bare name, which must be found in an environment not activated.
_programs = str(Path(sys.executable).parent)
if _programs not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([_programs, os.environ.get("PATH", os.defpath)])

# jsonschema, which nbformat imports, compiles a grammar of IRIs for most of a second if it finds
# this package; nobody here checks IRIs, and every command would wait for it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
