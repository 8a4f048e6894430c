#!/usr/bin/python3
"""killimage.py - kill or fail a command about images at its n-th system call: nothing lost, nothing left

    killimage.py [CASE...]          (called by kill_image.sh, which sets the environment)

After every fault: the image that was there still runs, `rl fsck --repair` finds nothing that it cannot
mend and leaves no temporary file, the same command without a fault succeeds, and when what it made is
removed the store holds the same names as before. Prints "ok<TAB>what" and "not ok<TAB>what<TAB>why".
POINTS is the number of faults per case and kind (0 = every call), SEED chooses them.
"""
import errno, os, random, subprocess, sys, time

sys.dont_write_bytecode = True
from as_user import PREFIX, RL, ROOT, T, USER_ENV, env, rl

KILLNTH, BASE, REMOTE = env["KILLNTH"], env["BASE"], env["REMOTE"]
POINTS = int(env.get("POINTS", "4"))
FAULTS = env.get("FAULTS", "kill ENOSPC+ EIO").split()
rng = random.Random(int(env["SEED"]))
X = "localhost/x:1"


def helpers():
    """Processes of this test's rl but the session's holder."""
    found = []
    for pid in os.listdir("/proc"):
        try:
            if not pid.isdigit() or not os.readlink(f"/proc/{pid}/exe").startswith(T + "/i/"):
                continue
            with open(f"/proc/{pid}/stat", "rb") as f:
                stat = f.read()
            if b"(rl-session)" in stat or stat[stat.rindex(b")") + 2:][:1] == b"Z":
                continue
            found.append(pid)
        except OSError:
            continue
    return found


def is_temporary(name):
    return ".tmp-" in name or ".trash-" in name


def walk():
    """Paths of the store's records, without what is inside layers and containers."""
    for top in ("names", "images", "layers", "blobs", "lists"):
        for d, dirs, files in os.walk(f"{ROOT}/{top}"):
            rel = os.path.relpath(d, ROOT)
            yield from (f"{rel}/{x}" for x in dirs + files)
            if rel == "layers":
                dirs.clear()
            dirs[:] = [x for x in dirs if not is_temporary(x)]


def listing():
    return sorted(p for p in walk() if "/.lock" not in p and "/.gc" not in p and not is_temporary(p))


def age():
    """Nobody is at work: what is temporary may look as old as it will be when the next rl comes."""
    for p in walk():
        if is_temporary(p):
            try:
                os.utime(f"{ROOT}/{p}", (1, 1), follow_symlinks=False)
            except OSError:
                pass


def remove_x():
    for name in (X, REMOTE):
        rl("rmi", "-f", name)
    rl("image", "prune", "-f")


def pre_load():
    rl("load", "-q", "-i", T + "/x.tar")


def pre_untagged():
    pre_load()
    rl("untag", X)


# name: (preparation, command, it may be run once more)
CASES = {
    "load": (None, ["load", "-q", "-i", T + "/x.tar"], True),
    "pull": (None, ["pull", "-q", "--retry", "0", REMOTE], True),
    "commit": (None, ["commit", "-q", "c", X], True),
    "rmi": (pre_load, ["rmi", X], False),
    "prune": (pre_untagged, ["image", "prune", "-f"], True),
}


def run(case, options):
    prepare, command, _ = CASES[case]
    if prepare:
        prepare()
    lst, out = T + "/killnth.list", T + "/killnth.out"
    for p in (lst, out):
        if os.path.exists(p):
            os.unlink(p)
    p = subprocess.run([KILLNTH, "-T", "30", "-l", lst, "-o", out, *options, "--", *PREFIX, RL, *command],
                       env=USER_ENV, cwd=T + "/work", stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       errors="replace")
    report = open(out).read() if os.path.exists(out) else ""
    rows = [l.split() for l in open(lst)] if os.path.exists(lst) else []
    return p, report, [r for r in rows if not r[0].startswith("-")]


def verify(case, before):
    end = time.time() + 5
    while helpers() and time.time() < end:
        time.sleep(0.02)
    if helpers():
        return f"processes are left: {helpers()}"
    code, out, err = rl("images", "-q")
    if code != 0 or err:
        return f"images: status {code}, {err}"
    age()
    code, out, err = rl("fsck", "--repair", "--quick")
    if code != 0:
        return f"fsck: status {code}, {out} {err}"
    what = [p for p in walk() if is_temporary(p)]
    if what:
        return "left after fsck: " + ", ".join(what[:4])
    if CASES[case][2]:
        code, out, err = rl(*CASES[case][1])
        if code != 0:
            return f"once more: status {code}, {err}"
    if rng.random() < 0.2:
        code, out, err = rl("run", "--rm", "--network", "none", BASE, "true")
        if code != 0:
            return f"the other image: {err}"
    remove_x()
    now = listing()
    if now != before:
        return f"more: {sorted(set(now) - set(before))[:4]}, less: {sorted(set(before) - set(now))[:4]}"
    return ""


def one(case, what, path, n, before):
    options = ["-p", path, "-n", str(n)]
    if what != "kill":
        options += ["-e", str(getattr(errno, what.rstrip("+")))] + (["-f"] if what.endswith("+") else [])
    p, report, _ = run(case, options)
    if report.startswith("timeout"):
        return "hangs: " + report.strip()
    if what != "kill" and p.returncode > 2 and p.returncode not in (125, 126, 127, 137):
        return f"status {p.returncode}: {p.stderr}"
    if what != "kill" and path == "0" and p.returncode == 125 and "rror" not in p.stderr:
        return f"an error without words: {p.stderr!r}"
    return verify(case, before)


def run_case(case, what, before):
    p, report, rows = run(case, [])
    why = verify(case, before)
    if why or p.returncode != 0:
        print(f"not ok\t{case}: without any fault\t{why or p.stderr}")
        return
    calls = [(r[0], n) for r in rows for n in range(1, (int(r[2]) or int(r[1])) + 1)]
    if POINTS and len(calls) > POINTS:
        # each process the same chance, whatever the number of its calls
        calls = []
        for _ in range(POINTS):
            r = rng.choice(rows)
            calls.append((r[0], rng.randint(1, int(r[2]) or int(r[1]))))
    bad = 0
    for path, n in calls:
        why = one(case, what, path, n, before)
        if why:
            bad += 1
            print(f"not ok\t{case}: {what} of {path} at call {n}\t{why}")
            remove_x()
            before = listing()
    if not bad:
        print(f"ok\t{case}: {what} at {len(calls)} calls of {len(rows)} processes")
    sys.stdout.flush()


remove_x()
start = listing()
for name in sys.argv[1:] or CASES:
    for kind in FAULTS:
        run_case(name, kind, start)
