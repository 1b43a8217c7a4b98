"""Hold one thread of a process by ptrace, without its knowledge and without touching the others.

usage: stop_thread.py PID NAME

Prints `stopped` when the thread with that name stands still, and lets it go when standard input ends.
"""

import ctypes
import os
import pathlib
import sys

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
ANY_CHILD = 0x40000000  # __WALL: threads too

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, thread):
    if libc.ptrace(request, thread, None, None) != 0:
        sys.exit(f"ptrace is refused: {os.strerror(ctypes.get_errno())}")


def thread_named(process, name):
    tasks = pathlib.Path(f"/proc/{process}/task")
    names = {int(task.name): (task / "comm").read_text().strip() for task in tasks.iterdir()}
    found = [thread for thread, own in names.items() if own == name]
    if len(found) != 1:
        sys.exit(f"{len(found)} threads are called {name}: {sorted(names.values())}")
    return found[0]


thread = thread_named(int(sys.argv[1]), sys.argv[2])
ptrace(PTRACE_SEIZE, thread)
ptrace(PTRACE_INTERRUPT, thread)
os.waitpid(thread, ANY_CHILD)
print("stopped", flush=True)
sys.stdin.read()
ptrace(PTRACE_DETACH, thread)
