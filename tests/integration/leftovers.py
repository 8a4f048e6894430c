#!/usr/bin/python3
"""leftovers.py - processes of one test script's rl: "PID COMM CMDLINE" each

    leftovers.py FOLDER MARK [holder]

They are told by an executable below FOLDER, by RL_TEST_MARK=MARK in their environment, or by a mount
of something below FOLDER/home in their mount namespace (payloads; the folders of other scripts, which
a container with the host's root in it shows as well, do not count). The session's holder, which may stay for its
idle time, is listed only with the third argument, and then alone.
"""
import os, sys


def read(path):
    with open(path, "rb") as f:
        return f.read()


def shows(mountinfo, folder):
    mounts = (line.split() for line in mountinfo.splitlines())
    return any(folder in m[3] and b"/rl-test-" not in m[4] for m in mounts)


def main(top, mark, holder):
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
                ours = shows(read(f"/proc/{pid}/mountinfo"), (top + "/home").encode())
            if ours and read(f"/proc/{pid}/stat").rsplit(b")", 1)[1].split()[0] != b"Z":
                print(pid, comm, read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace")[:100])
        except OSError:
            continue


if __name__ == "__main__":
    main(sys.argv[1], ("RL_TEST_MARK=" + sys.argv[2]).encode(), len(sys.argv) > 3)
