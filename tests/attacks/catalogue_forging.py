"""Attacks on the outcome: tests that never run, forged outcomes, patched judges."""

# ruff: noqa: E501  the attacks are lines of code within strings
from __future__ import annotations

import nbformat
from nbformat.notebooknode import NotebookNode

from tests.attacks.base import FORGED, NOT_RUN, PATCHED, Attack

YES = """
class Yes:
    def __getattr__(self, name): return self
    def __call__(self, *args, **kwargs): return self
    def __add__(self, other): return self
    def __eq__(self, other): return True
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return Yes()
"""
"""A module that agrees with everything."""


def _graded(notebook: NotebookNode) -> list[NotebookNode]:
    return [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]


def _checks(notebook: NotebookNode) -> list[NotebookNode]:
    return [c for c in _graded(notebook) if c.cell_type == "code"]


def _tag(notebook: NotebookNode) -> NotebookNode:
    for cell in _checks(notebook):
        cell.metadata["tags"] = ["skip-execution"]
    return notebook


def _tag_as_figure(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        cell.metadata["tags"] = ["figure", "skip-execution", "remove-cell"]
    return notebook


def _as_markdown(notebook: NotebookNode) -> NotebookNode:
    for cell in _checks(notebook):
        cell.cell_type = "markdown"
        del cell["outputs"], cell["execution_count"]
    return notebook


def _without_checks(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [c for c in notebook.cells if c not in _checks(notebook)]
    return notebook


def _edited(notebook: NotebookNode) -> NotebookNode:
    for cell in _checks(notebook):
        cell.source = "4.0"
    return notebook


def _twins(notebook: NotebookNode) -> NotebookNode:
    for cell in _checks(notebook):
        twin = nbformat.from_dict(cell)
        twin.source, twin.id = "pass", f"{cell.id}-x"
        notebook.cells.append(twin)
        notebook.cells.insert(0, nbformat.from_dict(twin))
    return notebook


def _unlocked(notebook: NotebookNode) -> NotebookNode:
    for cell in _checks(notebook):
        cell.source = "4.0"
        cell.metadata.nbgrader.update(
            {"locked": False, "solution": True, "points": 100, "schema_version": 3}
        )
    return notebook


def _worth_more(notebook: NotebookNode) -> NotebookNode:
    for cell in _graded(notebook):
        cell.metadata.nbgrader["points"] = 1000
    return notebook


def _outputs_kept(notebook: NotebookNode) -> NotebookNode:
    for cell in _checks(notebook):
        cell.outputs = [
            nbformat.v4.new_output("execute_result", data={"text/plain": "4.0"}, execution_count=1)
        ]
        cell.execution_count = 1
    return notebook


def _checks_first(notebook: NotebookNode) -> NotebookNode:
    checks = _checks(notebook)
    notebook.cells = checks + [c for c in notebook.cells if c not in checks]
    return notebook


ATTACKS = [
    Attack("skip tag", NOT_RUN, change=_tag, plain="gains"),
    Attack("figure tag", NOT_RUN, change=_tag_as_figure, plain="gains"),
    Attack("checks as markdown", NOT_RUN, change=_as_markdown),
    Attack("checks removed", NOT_RUN, change=_without_checks),
    Attack("checks edited", NOT_RUN, change=_edited),
    Attack("checks doubled", NOT_RUN, change=_twins),
    Attack("checks unlocked", NOT_RUN, change=_unlocked),
    Attack("checks worth more", NOT_RUN, change=_worth_more),
    Attack("checks moved to the top", NOT_RUN, change=_checks_first),  # they run behind it
    Attack(
        "input transformer",
        NOT_RUN,
        "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])",
        plain="gains",
    ),
    Attack(
        "ast transformer",
        NOT_RUN,
        "import ast\n"
        "class Empty(ast.NodeTransformer):\n"
        "    def visit_Assert(self, node): return ast.Pass()\n"
        "    def visit_Expr(self, node): return ast.Pass()\n"
        "ip = get_ipython()\n"
        "ip.events.register('pre_run_cell', lambda *a: ip.ast_transformers.append(Empty()))",
        square="def square(x):\n    return x + 100\n",
        plain="gains",
    ),
    Attack(
        "own cell ends the kernel",
        NOT_RUN,
        square="def square(x):\n    return x + 100\nimport os\nos._exit(0)",
        human="died",
        says="not reached",
    ),
    Attack(
        "tested function ends the kernel",
        NOT_RUN,
        square="def square(x):\n    import os\n    os._exit(0)",
        human="died",
    ),
    Attack("polite exit", NOT_RUN, "exit()", human="?"),
    Attack(
        "system exit in the function", NOT_RUN, square="def square(x):\n    raise SystemExit(0)"
    ),
    Attack(
        "keyboard interrupt in the function",
        NOT_RUN,
        square="def square(x):\n    raise KeyboardInterrupt",
    ),
    Attack(
        "cells become scripts",
        NOT_RUN,
        "ip = get_ipython()\n"
        "ip.input_transformers_cleanup.append(lambda lines: ['%%bash\\n', 'true\\n'])",
        plain="gains",
    ),
    Attack(
        "patched run_code",
        FORGED,
        "ip = get_ipython()\n"
        "async def run_code(code_obj, result=None, *, async_=False): return False\n"
        "ip.run_code = run_code",
        plain="gains",
    ),
    Attack(
        "patched do_execute",
        FORGED,
        "kernel = get_ipython().kernel\n"
        "async def do_execute(*args, **kwargs):\n"
        "    return {'status': 'ok', 'execution_count': 1, 'payload': [], 'user_expressions': {}}\n"
        "kernel.do_execute = do_execute",
        plain="gains",
    ),
    Attack(
        "display hook in the function",
        FORGED,
        square="def square(x):\n    import sys\n    sys.displayhook(4)\n    return x + 100",
        plain="gains",
    ),
    Attack(
        "display hook in the function, more than all",
        FORGED,
        square="def square(x):\n    import sys\n    sys.displayhook('x')\n    return x + 100",
        plain="gains",
    ),
    Attack(
        "silenced traceback",
        FORGED,
        "get_ipython()._showtraceback = lambda *a, **k: None",
    ),
    Attack(
        "swallowed exceptions",
        FORGED,
        "get_ipython().set_custom_exc((Exception,), lambda *a, **k: [])",
    ),
    Attack(
        "cleared error",
        FORGED,
        "from IPython.display import clear_output\n"
        "get_ipython().events.register('post_run_cell', lambda *a: clear_output())",
    ),
    Attack(
        "forged result on iopub",
        FORGED,
        square="def square(x):\n"
        "    kernel = get_ipython().kernel\n"
        "    kernel.session.send(kernel.iopub_socket, 'execute_result', {'data': {'text/plain': '4'},"
        " 'metadata': {}, 'execution_count': 1}, parent=kernel.get_parent('shell'))\n"
        "    return x + 100",
        plain="gains",
    ),
    Attack(
        "early reply and idle",
        FORGED,
        square="def square(x):\n"
        "    kernel = get_ipython().kernel\n"
        "    parent = kernel.get_parent('shell')\n"
        "    content = {'status': 'ok', 'execution_count': 1, 'payload': [],"
        " 'user_expressions': {}}\n"
        "    kernel.session.send(kernel.shell_stream, 'execute_reply', content, parent=parent,"
        " ident=kernel._parent_ident['shell'])\n"
        "    kernel.session.send(kernel.iopub_socket, 'status', {'execution_state': 'idle'},"
        " parent=parent)\n"
        "    return x + 100",
    ),
    Attack(
        "widget takes the outputs",
        FORGED,
        "ip = get_ipython()\n"
        "from ipykernel.comm import Comm\n"
        "comm = Comm(target_name='jupyter.widget', data={'state': {'_model_module':"
        " '@jupyter-widgets/output', '_model_name': 'OutputModel', 'outputs': [], 'msg_id': ''}})\n"
        "def take(*a):\n"
        "    parent = ip.kernel.get_parent('shell')['header']['msg_id']\n"
        "    comm.send({'method': 'update', 'state': {'msg_id': parent}, 'buffer_paths': []})\n"
        "ip.events.register('pre_run_cell', take)",
        human="?",
    ),
    Attack(
        "next input",
        FORGED,
        "get_ipython().events.register('pre_run_cell', lambda *a:"
        " get_ipython().set_next_input('4.0', replace=True))",
    ),
    Attack(
        "handed back by hand",
        FORGED,
        "import utils, utils.checks.shown\n"
        "class Score(float):\n"
        "    pass\n"
        "def check(*a, **k): return 4.0\n"
        "utils.checks.handover = check",
        says="are off",
    ),
    Attack(
        "changed session key",
        FORGED,
        "get_ipython().kernel.session.key = b'x'",
        human="stopped",
    ),
    Attack(
        "rebound check",
        PATCHED,
        "check = lambda *a, **k: 6.0",
        says="are off",
    ),
    Attack(
        "patched numpy.testing",
        PATCHED,
        "import numpy as np\n"
        "for name in ('assert_allclose', 'assert_equal', 'assert_array_equal', "
        "'assert_array_almost_equal'):\n"
        "    setattr(np.testing, name, lambda *a, **k: None)\n"
        "np.allclose = np.array_equal = np.isclose = lambda *a, **k: True",
        plain="gains",
    ),
    Attack(
        "equal to everything",
        PATCHED,
        "class Any:\n"
        "    def __eq__(self, other): return True\n"
        "    def __ne__(self, other): return False\n"
        "    def __hash__(self): return 0\n"
        "    def __array__(self, dtype=None, copy=None):\n"
        "        import numpy as np\n"
        "        return np.zeros(3)\n",
        square="def square(x):\n    return Any()",
        sums='sums = {"a": Any(), "b": Any()}',
        plain="gains",
    ),
    Attack(
        "array that overrides numpy",
        PATCHED,
        "import numpy as np\n"
        "class Yes(np.ndarray):\n"
        "    def __array_function__(self, func, types, args, kwargs): return True\n"
        "    def __array_ufunc__(self, ufunc, method, *args, **kwargs):\n"
        "        return np.ones(self.shape, bool) if self.size > 1 else np.True_\n"
        "    def __eq__(self, other): return np.ones(self.shape, bool)\n"
        "    def __bool__(self): return True\n",
        square="def square(x):\n    return np.asarray(x).view(Yes)",
    ),
    Attack(
        "patched codec",
        PATCHED,
        "from utils import codec; from utils.checks import compare, handover as module\n"
        "import utils.checks.handover, sys\n"
        "codec.pack = lambda value: b'everything is right'\n"
        "sys.modules['utils.checks.compare'].compare = lambda *a, **k: 1.0",
        says="damaged answer",
    ),
    Attack(
        "patched check module",
        PATCHED,
        "import sys\n"
        "module = sys.modules['utils.checks.handover']\n"
        "module.answer_bytes = lambda *a, **k: b''\n"
        "module._hand_back = lambda *a, **k: 4.0",
        says="not reached",
    ),
    Attack(
        "patched json and zip",
        PATCHED,
        "import json, zipfile\n"
        "json.dumps = lambda *a, **k: '{\"value\": true}'\n"
        "zipfile.ZipFile.writestr = lambda *a, **k: None",
        human="?",
    ),
    Attack(
        "planted modules",
        PATCHED,
        "import sys, types\n"
        "fake = types.ModuleType('utils')\n"
        "fake.check = lambda *a, **k: 6.0\n"
        "sys.modules['utils'] = sys.modules['utils.checks.handover'] = fake\n"
        "from utils import check",
        says="not reached",
    ),
    Attack(
        "own numpy and utils beside the notebook",
        PATCHED,
        files={
            "numpy.py": YES.encode(),
            "utils.py": b"def check(*a, **k): return 6.0\n",
            "utils/__init__.py": b"def check(*a, **k): return 6.0\n",
            "sitecustomize.py": b"import os; os._exit(0)\n",
        },
        change=lambda notebook: _beside(notebook),
    ),
    Attack(
        "modules written beside the notebook",
        PATCHED,
        "import pathlib, sys\n"
        "for name in ('numpy', 'utils', 'sitecustomize', 'json', 'zipfile'):\n"
        f"    pathlib.Path(name + '.py').write_text({YES!r})\n"
        "    sys.modules.pop(name, None)\n"
        "sys.path.insert(0, '.')\n"
        "import numpy as np",
    ),
]


def _beside(notebook: NotebookNode) -> NotebookNode:
    cell = nbformat.v4.new_code_cell(
        "import glob, os, sys\n"
        "sys.path[:0] = [os.path.dirname(p) for p in"
        " glob.glob('**/numpy.py', recursive=True)]\n"
        "for name in [m for m in sys.modules if m.split('.')[0] in ('numpy', 'utils')]:\n"
        "    del sys.modules[name]"
    )
    notebook.cells.insert(1, cell)
    return notebook
