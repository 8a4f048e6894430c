#!/usr/bin/python3
"""killloop.py - kill a process of rl at its n-th system call, or fail that call, for many n

    killloop.py [CASE...]          (called by kill.sh, which sets the environment)

For every case (a command) and every process of its tree (and those that were there before and have to
do with it: monitor, first process, pump, packet loop, forwarder, the session's holder): the command runs
under killnth, with one fault; afterwards `rl ps -a` must be right by itself, `rl rm -f` must work, and
nothing may be left: no process, folder, name, temporary file, volume, lease, port, socket or mount.
Prints "ok<TAB>what" and "not ok<TAB>what<TAB>why" lines. POINTS bounds the faults per process (0 = every
n), SAMPLE the cases (0 = all of them), SEED chooses them. FAULTS is a list of "kill", errno names (that call fails; "+": and all later ones),
"stop" (it stands still while `rl ps` runs, sometimes `rl rm -f` too, and is killed then) and "all"
(everything of the user is killed at that call, as a reboot or the end of a CI job does it).
"""
import errno, os, random, re, signal, socket, subprocess, sys, time

sys.dont_write_bytecode = True
from as_user import MARK, PREFIX, RL, ROOT, T, USER_ENV, env, rl
from leftovers import shows

KILLNTH, IMAGE = env["KILLNTH"], env["IMAGE"]
POINTS = int(env.get("POINTS", "12"))
SAMPLE = int(env.get("SAMPLE", "0"))
FAULTS = env.get("FAULTS", "kill").split()
rng = random.Random(int(env["SEED"]))
RUN = T + "/run/rl"


def read(path):
    with open(path, "rb") as f:
        return f.read()


def processes():
    """(pid, name) of all of this test but the session's holder and ourselves."""
    found = []
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        try:
            exe = os.readlink(f"/proc/{pid}/exe")
            if not exe.startswith(T + "/i/") and b"RL_TEST_MARK=" + MARK.encode() not in read(f"/proc/{pid}/environ"):
                if not shows(read(f"/proc/{pid}/mountinfo"), (T + "/home").encode()):
                    continue
            stat = read(f"/proc/{pid}/stat")
            comm = stat[stat.index(b"(") + 1:stat.rindex(b")")].decode(errors="replace")
            if comm in ("rl-session", "killnth") or stat[stat.rindex(b")") + 2:][:1] == b"Z":
                continue
            found.append((int(pid), comm))
        except OSError:
            continue
    return found


def entries(path):
    try:
        return sorted(e for e in os.listdir(path) if e != ".lock")
    except OSError:
        return []


def temporary():
    found = []
    for top in (ROOT, T + "/run", T + "/tmp"):
        for d, dirs, files in os.walk(top):
            if d.endswith("/layers"):
                dirs.clear()
            found += [f"{d}/{x}" for x in dirs + files if ".tmp-" in x]
    return found


PORT = int(env.get("PORT", "0"))


def port_taken():
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", PORT))
        except OSError:
            return [f"port {PORT}"]
    return []


def leases():
    if not NET:
        return []
    code, out, err = rl("network", "inspect", "-f", "{{len .containers}}", "n1")
    return [] if (code, out) == (0, "0") else [f"lease {code} {out} {err}"]


def left():
    return ([f"process {p}" for p in processes()] + port_taken() + [f"folder {e}" for e in entries(ROOT + "/containers")] +
            [f"name {e}" for e in entries(ROOT + "/container-names")] + [f"socket {e}" for e in entries(RUN + "/ctr")] +
            leases() + [f"volume {e}" for e in entries(ROOT + "/volumes")] + [f"temporary {e}" for e in temporary()] +
            [f"mount {l.split()[4]}" for l in open("/proc/self/mountinfo") if T + "/" in l])


def wait_until_clean(seconds=2.0):
    end = time.time() + seconds
    while True:
        what = left()
        if not what or time.time() > end:
            return what
        time.sleep(0.02)


def state():
    """State of container x as ps tells it: '' when it is not there."""
    code, out, err = rl("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.State}} {{.Status}}")
    if code != 0 or err:
        return None, f"ps -a: status {code}, {err}"
    lines = out.splitlines()
    if len(lines) > 1:
        return None, "ps -a: several: " + out
    if not lines:
        return "", ""
    m = re.fullmatch(r"([0-9a-f]{64}) (x|y) (created|running|exited|paused|restarting) (.*)", lines[0])
    if not m or "years" in m[4]:
        return None, "ps -a: " + lines[0]
    return m[3], ""


def payloads():
    return [p for p in processes() if p[1] in ("sleep", "sh", "true", "false", "cat")]


def settled(allowed):
    """What is dying may still run for a moment."""
    end = time.time() + 1.5
    while True:
        s, why = state()
        if s is None:
            return s, why
        if s in allowed:
            return s, ""
        if s != "running" or time.time() > end:
            return s, f"state '{s}', expected one of {allowed}"
        time.sleep(0.02)


def verify(allowed):
    """The checks after a fault; returns what is wrong, or ''."""
    end = time.time() + 3
    while True:  # a start that nobody waits for any more may go on meanwhile
        s, why = settled(allowed)
        if why:
            return why
        alive = payloads()
        if s == "restarting" or bool(alive) == (s == "running"):
            break
        if time.time() > end:
            return f"ps says '{s}', alive: {alive}"
        time.sleep(0.02)
    if s in ("created", "exited") and rng.random() < 0.2:
        code, out, err = rl("start", "x")
        if code != 0:
            code, out, err = rl("start", "y") if "no such" in err else (code, out, err)
        if code != 0:
            return f"start afterwards: {err}"
    for name in ("x", "y"):
        code, out, err = rl("rm", "-f", "-v", "-t", "0", name)
        if code != 0:
            return f"rm -f {name}: status {code}, {err}"
    if "v1" in entries(ROOT + "/volumes"):
        if rng.random() < 0.3:
            code, out, err = rl("run", "--rm", "--network", "none", "-v", "v1:/etc", IMAGE, "sh", "-c",
                                "cat /etc/os-release /etc/passwd /etc/group; ls -aC /etc")
            if code != 0 or "ID=" not in out or "root:" not in out or ".rl-copying" in out:
                return f"a volume that is not whole: {code} {out} {err}"
        code, out, err = rl("volume", "rm", "v1")
        if code != 0:
            return f"volume rm v1: status {code}, {err}"
    what = wait_until_clean()
    return "left: " + ", ".join(what[:6]) if what else ""


def clear():
    rl("rm", "-af", "-t", "0")
    for pid, _ in processes():
        try:
            os.kill(pid, 9)
        except OSError:
            pass
    time.sleep(0.1)
    rl("rm", "-af", "-t", "0")
    for d in ("containers", "container-names", "volumes"):
        for e in entries(f"{ROOT}/{d}"):
            subprocess.run(["rm", "-rf", f"{ROOT}/{d}/{e}"])
    for e in entries(RUN + "/ctr"):
        subprocess.run(["rm", "-rf", f"{RUN}/ctr/{e}"])
    for e in temporary():
        subprocess.run(["rm", "-rf", e])


NEW = ["--name", "x", "--network", "none", IMAGE]
SLEEP = ["sleep", "60"]


def pre_run():
    rl("run", "-d", *NEW, *SLEEP)


def pre_health():
    rl("run", "-d", "--health-cmd", "true", "--health-interval", "disable", *NEW, *SLEEP)


def pre_create():
    rl("create", *NEW, *SLEEP)


def pre_exited():
    rl("run", *NEW, "true")


def pre_cold():
    """No session: its holder is gone, and its socket stale."""
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit() and read(f"/proc/{pid}/comm") == b"rl-session\n" and os.readlink(f"/proc/{pid}/exe").startswith(T + "/i/"):
                os.kill(int(pid), signal.SIGKILL)
        except OSError:
            continue


def pre_reader():
    rl("run", "-d", "-i", *NEW, "sh", "-c", "read line")


def pre_volume():
    rl("run", "-v", "/data", *NEW, "true")


def pre_served():
    """All helpers run: the packet loop starts with the first frame."""
    rl("run", "-d", "-p", f"127.0.0.1:{PORT}:80", "--name", "x", IMAGE, "sh", "-c",
       "nc -w 1 10.0.2.2 9 </dev/null; exec sleep 60")
    end = time.time() + 5
    while time.time() < end and not NAMES["N"] & {c for _, c in processes()}:
        time.sleep(0.02)


def pre_network():
    rl("run", "-d", "--network", "n1", "--name", "x", IMAGE, *SLEEP)


NAMES = {"M": {"rl-monitor"}, "I": {"sleep", "cat", "sh"}, "U": {"rl-pump"}, "N": {"rl-net"}, "P": {"rl-port"}}


def holder():
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit() and read(f"/proc/{pid}/comm") == b"rl-session\n" and os.readlink(f"/proc/{pid}/exe").startswith(T + "/i/"):
                return int(pid)
        except OSError:
            continue
    return None


def others(which):
    """"ROLE=PID" of the processes that are there already; with several of a name the first."""
    found = []
    now = processes()
    for role in which:
        pids = [holder()] if role == "H" else [p for p, c in now if c in NAMES[role]]
        if pids and pids[0]:
            found += ["-a", f"{role}={pids[0]}"]
    return found


NET = os.path.exists("/dev/net/tun")
THERE = ("running", "exited")
# name: (preparation, command, states allowed afterwards, others that are followed as well)
CASES = {
    "create": (None, ["create", *NEW, *SLEEP], ("", "created"), "H"),
    "run-d": (None, ["run", "-d", *NEW, *SLEEP], ("", *THERE), "H"),
    "run": (None, ["run", *NEW, "true"], ("", "exited"), "H"),
    "run-rm": (None, ["run", "--rm", *NEW, "true"], ("",), ""),
    "run-volume": (None, ["run", "--rm", "-v", "/data", "--init", *NEW, "true"], ("",), ""),
    "run-named": (None, ["run", "-v", "v1:/etc", "-v", "/data", *NEW, "true"], ("", "exited"), ""),
    "run-net": (None, ["run", "-d", "--name", "x", IMAGE, *SLEEP], ("", *THERE), ""),
    "run-port": (None, ["run", "-d", "-p", f"127.0.0.1:{PORT}:80", "--name", "x", IMAGE, *SLEEP], ("", *THERE), ""),
    "run-health": (None, ["run", "-d", "--health-cmd", "true", "--health-interval", "100ms", *NEW, *SLEEP], ("", *THERE), ""),
    "run-again": (None, ["run", "-d", "--restart", "on-failure:2", *NEW, "false"], ("", "restarting", *THERE), ""),
    "run-t": (None, ["run", "-t", *NEW, "true"], ("", "exited"), ""),
    "cold": (pre_cold, ["run", "--rm", *NEW, "true"], ("",), ""),
    "start": (pre_create, ["start", "x"], ("created", *THERE), "H"),
    "start-a": (pre_exited, ["start", "-a", "x"], ("exited",), ""),
    "again": (pre_exited, ["start", "x"], ("exited",), ""),
    "replace": (pre_run, ["run", "-d", "--replace", *NEW, *SLEEP], ("", *THERE), "M"),
    "attach": (pre_reader, ["attach", "x"], THERE, "MUI"),
    "stop": (pre_run, ["stop", "-t", "0", "x"], THERE, "MUI"),
    "stop-net": (pre_served, ["stop", "-t", "0", "x"], THERE, "MNP"),
    "kill": (pre_run, ["kill", "x"], THERE, "M"),
    "rm": (pre_create, ["rm", "x"], ("", "created"), "H"),
    "rm-v": (pre_volume, ["rm", "-v", "x"], ("", "exited"), ""),
    "rm-f": (pre_run, ["rm", "-f", "-t", "0", "x"], ("", *THERE), "MI"),
    "prune": (pre_exited, ["container", "prune", "-f"], ("", "exited"), ""),
    "exec": (pre_run, ["exec", "x", "true"], THERE, "MH"),
    "exec-d": (pre_run, ["exec", "-d", "x", "true"], THERE, "M"),
    "exec-t": (pre_run, ["exec", "-t", "x", "true"], THERE, "M"),
    "check": (pre_health, ["healthcheck", "run", "x"], THERE, "M"),
    "restart": (pre_run, ["restart", "-t", "0", "x"], THERE, "M"),
    "rename": (pre_create, ["rename", "x", "y"], ("created",), ""),
    "rename-r": (pre_run, ["rename", "x", "y"], THERE, "M"),
    "cp": (pre_run, ["cp", "x:/etc/passwd", "-"], THERE, "M"),
    "update": (pre_create, ["update", "--restart", "no", "x"], ("created",), ""),
    "update-r": (pre_run, ["update", "--restart", "always", "x"], ("restarting", *THERE), "M"),
}
if NET:
    CASES["run-named-net"] = (None, ["run", "-d", "--network", "n1", "--name", "x", IMAGE, *SLEEP], ("", *THERE), "")
    CASES["stop-named-net"] = (pre_network, ["stop", "-t", "0", "x"], THERE, "M")


def fault(case, options):
    """Run the case once under killnth. Returns (status, report, list of processes)."""
    prepare, command, allowed, follow = CASES[case]
    if prepare:
        prepare()
    lst, out = T + "/killnth.list", T + "/killnth.out"
    attach = others(follow)
    if "M" in follow and not any(a.startswith("M=") for a in attach):
        return None, "no monitor to follow", []
    for f in (lst, out):  # not those of the run before
        if os.path.exists(f):
            os.unlink(f)
    args = [KILLNTH, "-T", "20", "-l", lst, "-o", out, *attach, *options, "--", *PREFIX, RL, *command]
    # not a pipe: with "stop" the command goes on without killnth
    with open(T + "/command.err", "wb") as err, open(T + "/command.in", "w+b") as line:
        line.write(b"a line\n")
        line.seek(0)
        p = subprocess.run(args, env=USER_ENV, cwd=T + "/work", stdin=line, stdout=subprocess.DEVNULL, stderr=err)
    p.stderr = read(T + "/command.err").decode(errors="replace")
    report = read(out).decode() if os.path.exists(out) else ""
    rows = [l.split() for l in read(lst).decode().splitlines()] if os.path.exists(lst) else []
    return p, report, rows


def classes(case):
    """(path, calls, name) of each process of the case, learnt by a run without a fault."""
    p, report, rows = fault(case, ["-w", "400"])
    if p is None:
        return [], report
    why = "hangs" if report.startswith("timeout") else verify(CASES[case][2])
    if not rows or p.returncode != 0:
        why = f"{len(rows)} processes followed, status {p.returncode}: {p.stderr}"
    return [(r[0], int(r[2]) or int(r[1]), r[3]) for r in rows if not r[0].startswith("-")], why


def points(count):
    if POINTS == 0 or count <= POINTS:
        return range(1, count + 1)
    return sorted(rng.sample(range(1, count + 1), POINTS))


def is_there(pid):
    try:
        stat = read(f"/proc/{pid}/stat")
        return stat[stat.rindex(b")") + 2:][:1] != b"Z"
    except OSError:
        return False


def after_stop(report, what):
    """It stands still. Returns what is wrong meanwhile, or ''; then it is killed, or everything is."""
    words = report.split()
    if words[0] != "fired":
        return ""
    pid, root = int(words[2]), int(words[3])
    why = ""
    if what == "stop":
        code, out, err = rl("ps", "-a", limit=15)
        if code != 0 or err:
            why = f"while it stands still: ps -a: status {code}, {err}"
        if rng.random() < 0.1:
            code, out, err = rl("rm", "-f", "-t", "0", "x", limit=40)
            if code == 124 or (code != 0 and "Error:" not in err):
                why = f"while it stands still: rm -f: status {code}, {err}"
    victims = [pid]
    for _ in range(50):
        for v in victims:
            try:
                os.kill(v, 9)
            except OSError:
                pass
        if what == "stop":
            break
        victims = [p for p in [*(p for p, _ in processes()), holder()] if p]
        if not victims:
            break
        time.sleep(0.01)
    end = time.time() + 20
    while is_there(root) and time.time() < end:
        time.sleep(0.01)
    return why or (f"the command hangs: {report.strip()}" if is_there(root) else "")


def one_kill(case, path, n, what):
    options = ["-p", path, "-n", str(n)]
    if what in ("stop", "all"):
        p, report, rows = fault(case, [*options, "-s"])
        if p is None or not report or report.startswith("timeout"):
            return report or f"nothing was followed: {p.stderr}"
        why = after_stop(report, what)
        return why or verify((*CASES[case][2], "", "exited"))
    if what != "kill":
        options += ["-e", str(getattr(errno, what.rstrip("+")))] + (["-f"] if what.endswith("+") else [])
    p, report, rows = fault(case, options)
    if p is None or not report:
        return report or f"nothing was followed: {p.stderr}"
    if report.startswith("timeout"):
        return "hangs: " + report.strip()
    if what != "kill" and p.returncode not in (0, 125, 126, 127, 137, 1, 2) and p.returncode < 128:
        return f"status {p.returncode}: {p.stderr}"
    if what == "ENOMEM" and p.returncode == 139 and n < 20:
        p.returncode = 137  # the dynamic loader's own: rl has not begun
    if what != "kill" and p.returncode > 128 and path == "0" and p.returncode != 137:
        return f"killed by a signal: status {p.returncode}: {p.stderr}"
    if what != "kill" and path == "0" and p.returncode == 125 and "Error:" not in p.stderr and "rror while loading" not in p.stderr:
        return f"an error without words: {p.stderr!r}"
    return verify(CASES[case][2] if what == "kill" else (*CASES[case][2], "", "created", "exited"))


def run_case(case, what):
    rows, why = classes(case) if what in ("kill", "stop", "all") else (error_rows(case, what), "")
    if why:
        print(f"not ok\t{case}: without any fault\t{why}")
        clear()
    bad, total = {}, 0
    for path, count, name in rows:
        for n in points(count):
            total += 1
            why = one_kill(case, path, n, what)
            if why:
                key = re.sub(r"[0-9a-f]{8,}|\b\d+\b", "N", why)
                bad.setdefault((path, name, key), []).append((n, why))
                clear()
    for (path, name, _), hits in bad.items():
        ns = ",".join(str(h[0]) for h in hits[:8]) + (f"... ({len(hits)})" if len(hits) > 8 else "")
        print(f"not ok\t{case}: {what} of {path} ({name}) at call {ns}\t{hits[0][1]}")
    if not bad:
        print(f"ok\t{case}: {what} at {total} calls of {len(rows)} processes")
    sys.stdout.flush()


def error_rows(case, what):
    """As classes(), counting only the calls that can fail this way: a fault that is never reached."""
    p, report, rows = fault(case, ["-w", "400", "-e", str(getattr(errno, what.rstrip("+"))), "-p", "none", "-n", "1"])
    verify(CASES[case][2])
    return [(r[0], int(r[2]) or int(r[1]), r[3]) for r in rows if int(r[1]) > 0]


def main():
    if NET:
        rl("network", "create", "n1")
    rl("run", "--rm", "--network", "none", IMAGE, "true")  # session and caches are warm
    wait_until_clean()  # its monitor must not be taken for that of the first case
    cases = sys.argv[1:] or (rng.sample(sorted(CASES), min(SAMPLE, len(CASES))) if SAMPLE else CASES)
    for case in cases:
        if case in CASES:
            for what in FAULTS:
                run_case(case, what)


main()
