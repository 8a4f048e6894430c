#!/usr/bin/python3
"""leftovers.py - processes of one test script's rl: "PID COMM CMDLINE" each

    leftovers.py FOLDER MARK [holder]

They are told by an executable below FOLDER, by RL_TEST_MARK=MARK in their environment, or by a mount
of FOLDER/home in their mount namespace (payloads). The session's holder, which may stay for its
idle time, is listed only with the third argument, and then alone.
"""
import os, sys

top, mark = sys.argv[1], ("RL_TEST_MARK=" + sys.argv[2]).encode()
holder = len(sys.argv) > 3


def read(path):
    with open(path, "rb") as f:
        return f.read()


for pid in os.listdir("/proc"):
    if not pid.isdigit() or int(pid) == os.getpid():
        continue
    try:
        comm = read(f"/proc/{pid}/comm").decode(errors="replace").strip()
        if (comm == "rl-session") != holder:
            continue
        ours = mark in read(f"/proc/{pid}/environ").split(b"\0")
        if not ours:
            ours = os.readlink(f"/proc/{pid}/exe").startswith(top + "/i/")
        if not ours:
            ours = (top + "/home").encode() in read(f"/proc/{pid}/mountinfo")
        if ours and read(f"/proc/{pid}/stat").rsplit(b")", 1)[1].split()[0] != b"Z":
            print(pid, comm, read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace")[:100])
    except OSError:
        continue
