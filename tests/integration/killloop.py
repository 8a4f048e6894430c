#!/usr/bin/python3
"""killloop.py - kill a process of rl at its n-th system call, or fail that call, for many n

    killloop.py [CASE...]          (called by kill.sh, which sets the environment)

For every case (a command) and every process of its tree: the command runs under killnth, with one
fault; afterwards `rl ps -a` must be right by itself, `rl rm -f` must work, and nothing may be left:
no process, folder, name, temporary file, volume, socket or mount. Prints "ok<TAB>what" and
"not ok<TAB>what<TAB>why" lines. POINTS bounds the faults per process (0 = every n), SEED chooses them,
FAULTS=kill or a list of errno names.
"""
import errno, os, random, re, signal, socket, subprocess, sys, time

sys.dont_write_bytecode = True
from leftovers import shows

env = os.environ
RL, T, ROOT, MARK = env["RL"], env["T"], env["ROOT"], env["MARK"]
KILLNTH, IMAGE = env["KILLNTH"], env["IMAGE"]
POINTS = int(env.get("POINTS", "12"))
FAULTS = env.get("FAULTS", "kill").split()
rng = random.Random(int(env["SEED"]))
UID, GID = int(env["TEST_UID"]), int(env["TEST_GID"])
RUN = T + "/run/rl"
USER_ENV = {"HOME": T + "/home", "USER": env["TEST_USER"], "PATH": "/usr/bin:/bin", "TERM": "xterm",
            "XDG_RUNTIME_DIR": T + "/run", "RL_ROOT": ROOT, "TMPDIR": T + "/tmp", "RL_TEST_MARK": MARK}
PREFIX = ["setpriv", "--reuid", str(UID), "--regid", str(GID), "--init-groups"] if os.getuid() == 0 else []


def rl(*args, limit=30):
    try:
        p = subprocess.run(PREFIX + [RL, *args], env=USER_ENV, cwd=T + "/work", stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, errors="replace", timeout=limit)
        return p.returncode, p.stdout.strip(), p.stderr.strip()
    except subprocess.TimeoutExpired:
        return 124, "", "timeout"


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
            if comm == "rl-session" or stat[stat.rindex(b")") + 2:][:1] == b"Z":
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


def left():
    return ([f"process {p}" for p in processes()] + port_taken() + [f"folder {e}" for e in entries(ROOT + "/containers")] +
            [f"name {e}" for e in entries(ROOT + "/container-names")] + [f"socket {e}" for e in entries(RUN + "/ctr")] +
            [f"volume {e}" for e in entries(ROOT + "/volumes")] + [f"temporary {e}" for e in temporary()] +
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
    m = re.fullmatch(r"([0-9a-f]{64}) (x|y) (created|running|exited|paused) (.*)", lines[0])
    if not m or "years" in m[4]:
        return None, "ps -a: " + lines[0]
    return m[3], ""


def payloads():
    return [p for p in processes() if p[1] in ("sleep", "sh", "true", "cat")]


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
    s, why = settled(allowed)
    if why:
        return why
    if s == "running":
        if not payloads():
            time.sleep(0.2)
            if state()[0] == "running" and not payloads():
                return "ps says running, no payload lives"
    else:
        end = time.time() + 2
        while payloads() and time.time() < end:
            time.sleep(0.02)
        if payloads():
            return f"ps says '{s}', alive: {payloads()}"
    if s in ("created", "exited") and rng.random() < 0.2:
        code, out, err = rl("start", "x")
        if code != 0:
            code, out, err = rl("start", "y") if "no such" in err else (code, out, err)
        if code != 0:
            return f"start afterwards: {err}"
    for name in ("x", "y"):
        code, out, err = rl("rm", "-f", "-t", "0", name)
        if code != 0:
            return f"rm -f {name}: status {code}, {err}"
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


def monitor_pid():
    for pid, comm in processes():
        if comm == "rl-monitor":
            return pid
    return None


# name: (preparation, command, states allowed afterwards, the monitor is followed as well)
CASES = {
    "create": (None, ["create", *NEW, *SLEEP], ("", "created"), False),
    "run-d": (None, ["run", "-d", *NEW, *SLEEP], ("", "running", "exited"), False),
    "run": (None, ["run", *NEW, "true"], ("", "exited"), False),
    "run-rm": (None, ["run", "--rm", *NEW, "true"], ("",), False),
    "run-volume": (None, ["run", "--rm", "-v", "/data", "--init", *NEW, "true"], ("",), False),
    "run-net": (None, ["run", "-d", "--name", "x", IMAGE, *SLEEP], ("", "running", "exited"), False),
    "run-port": (None, ["run", "-d", "-p", f"127.0.0.1:{PORT}:80", "--name", "x", IMAGE, *SLEEP], ("", "running", "exited"), False),
    "cold": (pre_cold, ["run", "--rm", *NEW, "true"], ("",), False),
    "start": (pre_create, ["start", "x"], ("created", "running", "exited"), False),
    "again": (pre_exited, ["start", "x"], ("exited",), False),
    "stop": (pre_run, ["stop", "-t", "0", "x"], ("running", "exited"), True),
    "kill": (pre_run, ["kill", "x"], ("running", "exited"), True),
    "rm": (pre_create, ["rm", "x"], ("", "created"), False),
    "rm-f": (pre_run, ["rm", "-f", "-t", "0", "x"], ("", "running", "exited"), True),
}
EXTRA = {  # commands that an older rl may not have
    "exec": (pre_run, ["exec", "x", "true"], ("running", "exited"), True),
    "restart": (pre_run, ["restart", "-t", "0", "x"], ("running", "exited"), True),
    "rename": (pre_create, ["rename", "x", "y"], ("created",), False),
    "cp": (pre_run, ["cp", "x:/etc/passwd", "-"], ("running", "exited"), True),
    "update": (pre_create, ["update", "--restart", "no", "x"], ("created",), False),
}
for name, case in EXTRA.items():
    if "unknown command" not in rl(name, "--help")[2]:
        CASES[name] = case


def fault(case, options):
    """Run the case once under killnth. Returns (status, report, list of processes)."""
    prepare, command, allowed, follow = CASES[case]
    if prepare:
        prepare()
    lst, out = T + "/killnth.list", T + "/killnth.out"
    attach = []
    if follow:
        pid = monitor_pid()
        if not pid:
            return None, "no monitor to follow", []
        attach = ["-a", f"M={pid}"]
    args = [KILLNTH, "-T", "20", "-l", lst, "-o", out, *attach, *options, "--", *PREFIX, RL, *command]
    p = subprocess.run(args, env=USER_ENV, cwd=T + "/work",
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    report = read(out).decode() if os.path.exists(out) else ""
    rows = [l.split() for l in read(lst).decode().splitlines()] if os.path.exists(lst) else []
    return p, report, rows


def classes(case):
    """(path, calls, name) of each process of the case, learnt by a run without a fault."""
    p, report, rows = fault(case, ["-w", "400"])
    if p is None:
        return [], report
    why = verify(CASES[case][2])
    return [(r[0], int(r[2]) or int(r[1]), r[3]) for r in rows if not r[0].startswith("-")], why


def points(count):
    if POINTS == 0 or count <= POINTS:
        return range(1, count + 1)
    return sorted(rng.sample(range(1, count + 1), POINTS))


def one_kill(case, path, n, what):
    options = ["-p", path, "-n", str(n)]
    if what != "kill":
        options += ["-e", str(getattr(errno, what.rstrip("+")))] + (["-f"] if what.endswith("+") else [])
    p, report, rows = fault(case, options)
    if p is None:
        return report
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
    rows, why = classes(case) if what == "kill" else (error_rows(case, what), "")
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
    rl("run", "--rm", "--network", "none", IMAGE, "true")  # session and caches are warm
    for case in sys.argv[1:] or CASES:
        if case in CASES:
            for what in FAULTS:
                run_case(case, what)


main()
