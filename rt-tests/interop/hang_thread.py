"""Stop one thread of a process by ptrace, as if it hung, and wait for the end of the process.

usage: hang_thread.py PID NAME

Prints `ended after <milliseconds> ms`: from the thread's stop to the death of the process. Gives up after 20 s, and then
lets the thread go on.
"""

import ctypes
import os
import pathlib
import sys
import time

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
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


def alive(process):
    # A stopped thread keeps its dead process from being reaped until this tracer ends; its leader is a zombie by then.
    try:
        state = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1][0]
    except (OSError, IndexError):
        return False
    return state not in "ZX"


try:
    # What is measured is the process and not this script's place in the queue.
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
except OSError:
    pass
process = int(sys.argv[1])
thread = thread_named(process, sys.argv[2])
ptrace(PTRACE_SEIZE, thread)
ptrace(PTRACE_INTERRUPT, thread)
os.waitpid(thread, ANY_CHILD)
start = time.monotonic()
while alive(process):
    if time.monotonic() - start > 20:
        sys.exit("the process lives on")
    time.sleep(0.0005)
print(f"ended after {1000 * (time.monotonic() - start):.2f} ms")
