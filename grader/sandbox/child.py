"""From a fork of the warm parent to a kernel in its sandbox.

Three processes take part.  The keeper waits outside the new PID namespace and copies the scratch
folder out at the end; process 1 builds the file system, gives up every privilege and from then on
only reaps; the kernel runs the notebook.  When process 1 ends, Linux ends everything in its
namespace, so nothing survives the notebook.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
from typing import Any, NoReturn

from grader.sandbox import kernel, linux, seccomp, tree
from grader.sandbox.bounds import MIB, Bounds, apply_limits
from grader.sandbox.plan import SOCKETS, Plan


def keeper(plan_file: str, reports: socket.socket, parent: int) -> socket.socket:
    """Build the sandbox for a plan.  Returns in the kernel only, which then listens.

    reports: tells the warm parent how far it has come.
    parent: process id of the warm parent, with which everything here must end.
    """
    try:
        _close_all_but(reports.fileno())
        os.setsid()
        linux.die_with_parent()
        if os.getppid() != parent:
            os._exit(1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.umask(0o022)
        plan = Plan.load(plan_file)
        bounds = Bounds(**plan.bounds)
        scratch = os.open(plan.scratch, os.O_RDONLY | os.O_DIRECTORY) if plan.scratch else -1
        if plan.mode == "root":
            os.chown(f"{plan.folder}/sockets", plan.uid, plan.uid)
            linux.unshare(linux.NAMESPACES)
        else:
            _become_root_of_a_user_namespace(plan.uid)
        alive, held = os.pipe()
        first = os.fork()
    except BaseException as error:
        _fail(reports, error)
    if first == 0:
        if scratch >= 0:
            os.close(scratch)
        os.close(held)
        return _process_1(plan, bounds, reports, alive)
    try:
        os.close(alive)
        reports.close()
        linux.set_dumpable(False)
        _, status = os.waitpid(first, 0)
        if scratch >= 0:
            tree.copy_out(scratch, bounds.files_mb * MIB, bounds.scratch_mb * MIB)
        os._exit(_exit_code(status))
    except BaseException:
        os._exit(1)


def _process_1(
    plan: Plan, bounds: Bounds, reports: socket.socket, keeper_alive: int
) -> socket.socket:
    try:
        linux.die_with_parent()
        _report(reports, {"first": True})
        linux.set_hostname("sandbox")
        tree.enter(plan)
        ready, kernel_ready = os.pipe()
        go_ahead, go = os.pipe()
        child = os.fork()
        if child == 0:
            for handle in (keeper_alive, ready, go):
                os.close(handle)
            _drop_privileges(plan, bounds)
            linux.set_dumpable(True)  # the watch outside reads how much memory it uses
            kernel.settle(plan.environment, plan.cwd)
            if not plan.trial:
                kernel.listen({**plan.connection, "ip": f"{SOCKETS}/k"})
            os.write(kernel_ready, b"1")
            if os.read(go_ahead, 1) != b"1":
                os._exit(1)
            os.close(kernel_ready)
            os.close(go_ahead)
            _report(reports, {"listening": True})
            if plan.trial:
                os._exit(0)
            return reports
        os.close(kernel_ready)
        os.close(go_ahead)
        if os.read(ready, 1) != b"1":
            os._exit(1)  # it has said why
        tree.close_sockets()
        _drop_privileges(plan, None)
        linux.set_dumpable(False)
        linux.die_with_parent()  # forgotten when the user changes
        gone = select.poll()
        gone.register(keeper_alive, select.POLLHUP)
        if gone.poll(0):
            os._exit(1)
        os.write(go, b"1")
        reports.close()
        os.close(ready)
        os.close(go)
        while True:
            process, status = os.waitpid(-1, 0)
            if process == child:
                os._exit(_exit_code(status))
    except BaseException as error:
        _fail(reports, error)


def _become_root_of_a_user_namespace(inside: int) -> None:
    user, group = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER | linux.NAMESPACES)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside} {user} 1"),
        ("gid_map", f"{inside} {group} 1"),
    ):
        try:
            handle = os.open(f"/proc/self/{name}", os.O_WRONLY)
            os.write(handle, text.encode())
            os.close(handle)
        except OSError as error:
            raise OSError(error.errno, f"user namespace, {name}: {error.strerror}") from None


def _drop_privileges(plan: Plan, bounds: Bounds | None) -> None:
    """Never to get any again.  Bounds bind the kernel only, not process 1."""
    linux.drop_capability_bounds()
    if plan.mode == "root":
        os.setgroups([])
        os.setresgid(plan.uid, plan.uid, plan.uid)
        os.setresuid(plan.uid, plan.uid, plan.uid)
    if bounds is not None:
        os.setsid()
        apply_limits(bounds, plan.others)
    linux.drop_capabilities()
    if filter_ := seccomp.program():
        linux.install_filter(filter_)


def _close_all_but(kept: int) -> None:
    os.closerange(3, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
    null = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1, 2):
        os.dup2(null, handle)
    os.close(null)


def _report(reports: socket.socket, message: dict[str, Any]) -> None:
    reports.send(json.dumps(message).encode())


def _fail(reports: socket.socket, error: BaseException) -> NoReturn:
    try:
        _report(reports, {"error": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(1)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
