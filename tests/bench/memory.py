#!/usr/bin/python3
"""memory.py - what running a container costs in memory, in KiB

    memory.py DIR idle|net|peak COMMAND...

idle, net: COMMAND must stay until its stdin ends. The proportional set sizes of all processes that
it started or that serve it are summed up after a second, those of the payload (in a pid namespace
of its own) excepted. peak: COMMAND ends by itself; the largest resident set of any process of it
that was waited for.
"""
import os, resource, subprocess, sys, time

top, kind, cmd = sys.argv[1], sys.argv[2], sys.argv[3:]
if kind == "peak":
    subprocess.run(cmd, stdin=subprocess.DEVNULL, check=True)
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    sys.exit()
mark = f"RL_BENCH_MARK={os.environ['RL_BENCH_MARK']}".encode()
before = {p for p in os.listdir("/proc") if p.isdigit()}
child = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
time.sleep(2 if kind == "net" else 1)
host = os.readlink("/proc/self/ns/pid")
total = 0
for p in os.listdir("/proc"):
    if not p.isdigit() or int(p) == os.getpid():
        continue
    try:
        comm = open(f"/proc/{p}/comm").read().strip()
        marked = mark in open(f"/proc/{p}/environ", "rb").read().split(b"\0")
        ours = os.readlink(f"/proc/{p}/exe").startswith(top)
        inside = os.readlink(f"/proc/{p}/ns/pid") != host
    except OSError:
        # not dumpable: no telling by exe or environ, but by name and time
        marked = ours = p not in before and comm in ("rl", "rl-net", "rl-session", "rl-pump")
        inside = False
    if inside or not (marked or ours) or comm in ("bash", "hyperfine"):
        continue
    if p in before and comm != "rl-session":
        continue
    try:
        for line in open(f"/proc/{p}/smaps_rollup"):
            if line.startswith("Pss:"):
                total += int(line.split()[1])
                print(p, comm, line.split()[1], file=sys.stderr)
    except OSError:
        # only root may look: the resident set, which counts shared pages whole
        rss = int(open(f"/proc/{p}/statm").read().split()[1]) * 4
        total += rss
        print(p, comm, "rss", rss, file=sys.stderr)
child.stdin.close()
child.wait(timeout=20)
print(total)
