#!/usr/bin/python3
"""races.py - random commands on a few container names from many workers, and whether all that they say agrees

    races.py RL IMAGE SECONDS [SEED [WORKERS [NAMES]]]

Run as the user whose containers they are. First some duels: all of a few commands at once,
as many winners as there may be. Then the random ones. Checked for each command: it ends in time, its status is one
that it may have, each line on stderr is one of the known messages. Afterwards: ps, inspect, wait and the
last event agree on each container; the events that a follower saw are those of the log, each once; and those of each
container are a legal path, from one create to one remove. Prints "bad: ..." lines and a summary; status 1 for any.
"""
import collections, json, os, random, re, signal, subprocess, sys, threading, time

RL, IMAGE, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
WORKERS = int(sys.argv[5]) if len(sys.argv) > 5 else 8
NAMES = int(sys.argv[6]) if len(sys.argv) > 6 else 4
HANG = 45  # seconds that a command may take on a loaded machine
TMP = os.environ.get("TMPDIR", "/tmp")

# How to lose a race, or to meet what is over; "Error: " and the wrapping "verb 'name': " stand in front.
KNOWN = [
    r"no such container", r"no such object", r"has just been removed", r"the name '\w+' is already in use by container \w+",
    r"container state improper", r"container '\w+' is not running, it is \w+", r"it is \w+, not running",
    r"container '\w+' runs already", r"cannot remove container \w+ as it is \w+",
    r"it is (being|already) \w+", r"container '\w+' has just ended and is started again",
    r"it is paused already|it is not paused|it has no cgroup of its own to be frozen in",
    r"'\w+' is between two runs", r"'\w+' was stopped meanwhile",
    r"is not running", r"has no health check", r"it waits to be started again", r"top can only be used on running containers",
    r"it has just ended", r"container \w+ has the name '\w+' already", r"image not known",
    r"can only (pause|unpause|kill) running containers", r"the name '\w+' is already in use",
]
NOTES = [r"Hint: .*", r"See '.*", r"Warning: '\w+' still runs .* killing it", r"Warning: '\w+' has no network.*", r""]
KNOWN = re.compile("|".join(KNOWN))
NOTES = re.compile("|".join("(?:%s)" % n for n in NOTES))
# Words that say nothing to a user, or too much
NEVER = re.compile(r"internal|assert|AddressSanitizer|runtime error|0x[0-9a-f]{6}|\(null\)|monitor has gone|Broken pipe|does not answer")

rnd = random.Random(SEED)
lock = threading.Lock()
bad, counts, waits, ids = [], collections.Counter(), [], set()


def complain(text):
    with lock:
        bad.append(text)


def call(args, timeout=HANG, stdin=subprocess.DEVNULL):
    """status, stdout, stderr of an rl that must end in time"""
    p = subprocess.Popen([RL] + args, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                         start_new_session=True)
    try:
        out, err = p.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        p.send_signal(signal.SIGQUIT)  # it says what it waits for
        try:
            out, err = p.communicate(timeout=3)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
        complain("hang: rl %s: %s" % (" ".join(args), err.strip()))
        return None, out, err
    return p.returncode, out, err


def rand(words):
    return words[rnd.randrange(len(words))]


def name():
    return "s%d" % rnd.randrange(NAMES)


def target():
    with lock:
        known = list(ids)[-6:]
    return rand(known)[: rand([12, 64])] if known and rnd.random() < 0.25 else name()


BODY = ["sleep 1", "sleep 0.2", "sleep 0.05; exit 3", "trap 'exit 7' TERM; for i in 1 2 3 4 5 6; do sleep 0.2; done", "echo hello; exit 5",
        "while :; do echo line; sleep 0.1; done & sleep 1; kill $!", "kill -9 $$", "exec sleep 0.7"]


def body():
    return ["sh", "-c", rand(BODY)]


def made(where=()):
    more = rand([[], [], [], [], ["--init"], ["-i"], ["-t"]])
    net = rand([["--network", "none"]] * 7 + [[]])
    return ["--name", name(), *net, "-l", "storm=1", *more, *where, IMAGE, *body()]


# verb: (arguments, statuses besides 0; "any" = those of the payload, too)
COMMANDS = {
    "run -d": (lambda: ["run", "-d"] + made(), {125}),
    "run -d --rm": (lambda: ["run", "-d", "--rm"] + made(), {125}),
    "run -d --replace": (lambda: ["run", "-d", "--replace"] + made(), {125}),
    "run --rm": (lambda: ["run", "--rm"] + made(), "any"),
    "run --restart": (lambda: ["run", "-d"] + made(["--restart", rand(["on-failure:1", "always"])]), {125}),
    "run -v": (lambda: ["run", "--rm"] + made(["-v", rand(["va", "vb"]) + ":/data"]), "any"),
    "run --health": (lambda: ["run", "-d"] + made(["--health-cmd", "true", "--health-interval", "1s"]), {125}),
    "create": (lambda: ["create"] + made(), {125}),
    "create --replace": (lambda: ["create", "--replace"] + made(), {125}),
    "start": (lambda: ["start", target()], {125}),
    "start -a": (lambda: ["start", "-a", target()], "any"),
    "stop": (lambda: ["stop", "-t", rand(["0", "0", "1"]), target()], {125}),
    "stop 3": (lambda: ["stop", "-t", "0", name(), name(), name()], {125}),
    "restart": (lambda: ["restart", "-t", "0", target()], {125}),
    "restart 3": (lambda: ["restart", "-t", rand(["0", "1"]), name(), name(), name()], {125}),
    "kill": (lambda: ["kill", "-s", rand(["KILL", "TERM", "INT", "USR1"]), target()], {125}),
    "rm": (lambda: ["rm", target()], {1, 2, 125}),
    "rm -f": (lambda: ["rm", "-f", "-t", "0", target()], {1, 125}),
    "rename": (lambda: ["rename", target(), name()], {125}),
    "update": (lambda: ["update", "--restart", rand(["no", "on-failure:2"]), target()], {125}),
    "exec": (lambda: ["exec", target(), "true"], {125, 137, 255}),
    "exec sleep": (lambda: ["exec", target(), "sleep", "0.2"], {125, 137, 143, 255}),
    "exec -d": (lambda: ["exec", "-d", target(), "sleep", "0.1"], {125, 137, 255}),
    "attach": (lambda: ["attach", "--no-stdin", target()], "any"),
    "wait": (lambda: ["wait", target()], {125}),
    # each state is one of them: it ends always
    "wait --condition": (lambda: ["wait"] + [w for c in ["exited", "running", "created", rand(["stopped", "removing"])] for w in ["--condition", c]] + [target()], {125}),
    "ps": (lambda: ["ps"], set()),
    "ps -a": (lambda: ["ps", "-a", "--format", "{{.Names}} {{.State}} {{.Status}}"], set()),
    "ps json": (lambda: ["ps", "-a", "--format", "json"], set()),
    "inspect": (lambda: ["inspect", target()], {125}),
    "logs": (lambda: ["logs", target()], {125}),
    "logs -f": (lambda: ["logs", "-f", target()], {125}),
    "top": (lambda: ["top", target()], {125}),
    "stats": (lambda: ["stats", "--no-stream", target()], {125}),
    "stats all": (lambda: ["stats", "--no-stream"], set()),
    "cp out": (lambda: ["cp", target() + ":/etc/passwd", "-"], {125}),
    "cp in": (lambda: ["cp", "/etc/hostname", target() + ":/tmp/x"], {125}),
    "diff": (lambda: ["diff", target()], {125}),
    "export": (lambda: ["export", "-o", "/dev/null", target()], {125}),
    "commit": (lambda: ["commit", "-q", target(), "localhost/storm:%d" % rnd.randrange(2)], {125}),
    "port": (lambda: ["port", target()], {125}),
    "pause": (lambda: ["pause", target()], {125}),
    "unpause": (lambda: ["unpause", target()], {125}),
    "healthcheck": (lambda: ["healthcheck", "run", target()], {1, 125}),
    "exists": (lambda: ["container", "exists", target()], {1}),
    "prune": (lambda: ["container", "prune", "-f"], set()),
    "volume rm": (lambda: ["volume", "rm", rand(["va", "vb"])], {1, 2}),
    "volume ls": (lambda: ["volume", "ls"], set()),
    "rmi": (lambda: ["rmi", "localhost/storm:0"], {1, 2, 125}),
    "events": (lambda: ["events", "--stream=false", "--since", "1s", "--format", "json"], set()),
}
RARE = {"commit", "export", "diff", "cp in", "cp out", "rmi", "prune", "stats all", "start -a", "attach", "logs -f"}
VERBS = [v for v in COMMANDS for _ in range(1 if v in RARE else 3)]
PAYLOAD = set(range(0, 10)) | {125, 126, 130, 137, 143, 138, 255}
ROW = re.compile(r"s\d (created Created|running (Up|Less)|paused .*Paused|exited Exited \(\d+\)|restarting Restarting \(\d+\))")
MORE = re.compile(r"no such network|network '\w+' is used|volume '\w+'|no such volume|volume .* is (being )?used|in use|image .* not known|no such image|image is|Could not find the file|no space|cannot be pruned|no health check|'localhost/storm:\d'")


def check_words(verb, args, status, err):
    for line in err.splitlines():
        if NEVER.search(line):
            complain("%s: words: %s" % (verb, line))
        elif not line.startswith("Error: ") and (NOTES.fullmatch(line) or line in ("hello", "line")):
            continue
        elif line.startswith("Error: ") and (KNOWN.search(line) or MORE.search(line)):
            continue
        else:
            complain("%s: unknown message: %s" % (verb, line))
    if status and status == 125 and "Error: " not in err:
        complain("%s: status %d without a word" % (verb, status))


def check_output(verb, args, out):
    if verb == "ps -a":
        for line in out.splitlines():
            if not ROW.match(line) or "years" in line:
                complain("%s: row: %s" % (verb, line))
    elif verb in ("ps json", "inspect"):
        try:
            v = json.loads(out)
        except ValueError:
            complain("%s: no JSON: %s" % (verb, out[:200]))
            return
        if verb == "inspect" and v:
            s = v[0]["State"]
            if s["Running"] != (s["Status"] in ("running", "paused")):
                complain("inspect: %s and Running %s" % (s["Status"], s["Running"]))
            if s["Status"] == "running" and s["Pid"] == 0 and s["StartedAt"].startswith("0001"):
                complain("inspect: running without pid and start")
    elif verb == "wait":
        waits.append((args[1], out.split()))


def worker(n, stop_at):
    own = random.Random(SEED + n)
    while time.monotonic() < stop_at:
        with lock:  # the choice is the seed's, its timing is not
            verb = VERBS[own.randrange(len(VERBS))]
            rnd.seed(own.random())
        args = COMMANDS[verb][0]()
        allowed = COMMANDS[verb][1]
        before = time.monotonic()
        status, out, err = call(args)
        took = time.monotonic() - before
        with lock:
            counts[verb] += 1
            slowest[verb] = max(slowest.get(verb, 0), took)
            if status == 0 and verb.startswith(("run -d", "create", "run --restart", "run --health")):
                ids.add(out.strip())
            won[verb] += status == 0
        if status is None:
            continue
        if status != 0 and status not in (PAYLOAD if allowed == "any" else allowed):
            complain("%s: status %d: rl %s: %s" % (verb, status, " ".join(args), err.strip()))
        check_words(verb, args, status, err)
        if status == 0:
            check_output(verb, args, out)


slowest, won = {}, collections.Counter()


def events_of(lines):
    return [json.loads(line) for line in lines if line.strip()]


def key(e):
    return (e["Type"], e["Status"], e.get("ID"), e.get("Name"), e["timeNano"])


class Follower:
    def __init__(self):
        self.path = os.path.join(TMP, "races.events.%d" % os.getpid())
        self.file = open(self.path, "w+")
        self.p = subprocess.Popen([RL, "events", "--format", "json"], stdin=subprocess.DEVNULL, stdout=self.file, stderr=subprocess.STDOUT)
        self.mark("begin")

    def lines(self):
        with open(self.path) as f:
            return f.read().splitlines()

    def mark(self, what):
        """until what is written now comes by"""
        vol = "mark%s%d" % (what, os.getpid())
        for _ in range(100):
            call(["volume", "create", vol])
            call(["volume", "rm", vol])
            end = time.monotonic() + 0.5
            while time.monotonic() < end:
                if any('"remove"' in line and vol in line for line in self.lines()):
                    return
                time.sleep(0.02)
        complain("events: the follower does not see '%s'" % vol)

    def end(self):
        self.mark("end")
        self.p.terminate()
        self.p.wait()
        self.all = events_of(self.lines())
        os.unlink(self.path)


# what may come after what, in the life of one container
NEXT = {None: {"create"}, "create": {"init", "remove"}, "init": {"start"}, "start": {"died"}, "died": {"init", "remove"}}
ALONE = {"attach", "exec", "exec_died", "kill", "rename", "update", "cleanup", "stop", "restart", "pause", "unpause", "health_status",
         "commit", "export", "prune", "copy", "pump_died", "sync", "mount", "unmount"}

# told by whoever did it, when it was done: somebody else may have removed it by then
LATE = {"kill", "stop", "restart", "update", "rename", "cleanup", "exec_died", "attach", "prune", "died", "commit", "export"}


def check_path(cid, events):
    at, gone, died = None, 0, []
    path = " ".join(e["Status"] for e in events)
    for e in events:
        s = e["Status"]
        if s in NEXT or s == "remove":
            if s not in NEXT.get(at, ()):
                complain("events: %s after %s: %.12s: %s" % (s, at, cid, path))
                return died
            at = s
        elif s not in ALONE:
            complain("events: what is '%s'?" % s)
        elif at == "remove" and s not in LATE:
            complain("events: %s of one that was removed: %.12s: %s" % (s, cid, path))
        elif at is None:
            complain("events: %s before create: %.12s: %s" % (s, cid, path))
        if s == "died":
            died.append(e.get("ContainerExitCode"))
            if died[-1] is None:
                complain("events: died without a code: %.12s" % cid)
    if at != "remove":
        complain("events: the last of %.12s is %s: %s" % (cid, at, path))
    return died


def check_events(seen, logged):
    twice = [k for k, n in collections.Counter(map(key, seen)).items() if n > 1]
    if twice:
        complain("events: seen twice: %s" % twice[:3])
    have = set(map(key, seen))
    first = seen[0]["timeNano"] if seen else 0
    lost = [k for k in map(key, logged) if k not in have and k[4] > first]
    if lost:
        complain("events: in the log, not seen: %d: %s" % (len(lost), lost[:3]))
    if logged:
        kept = set(map(key, logged))
        oldest = max(e["timeNano"] for e in logged[:5]) + 2 * 10**9
        lost = [k for k in have if k not in kept and k[4] > oldest]
        if lost:
            complain("events: seen, not in the log: %d: %s" % (len(lost), lost[:3]))
    per = collections.OrderedDict()
    for e in seen:
        if e["Type"] == "container":
            per.setdefault(e["ID"], []).append(e)
    died = {cid: check_path(cid, v) for cid, v in per.items()}
    for who, codes in waits:
        known = [v for cid, v in died.items() if len(who) >= 12 and cid.startswith(who)]
        if known and int(codes[0]) not in known[0] + [0]:
            complain("wait %.12s said %s, its events %s" % (who, codes[0], known[0]))
    return len(per)


def last_died(log):
    last = {}
    for e in log:
        if e["Type"] == "container" and e["Status"] == "died":
            last[e["ID"]] = e["ContainerExitCode"]
    return last


def check_states():
    """nothing runs any more: each way to ask says the same"""
    status, out, _ = call(["ps", "-a", "--no-trunc", "--format", "json"])
    rows = json.loads(out) if status == 0 else []
    if status != 0:
        complain("ps -a afterwards: status %s" % status)
    died = last_died(events_of(call(["events", "--stream=false", "--format", "json"])[1].splitlines()))
    for r in rows:
        cid = r["Id"]
        _, out, _ = call(["inspect", cid])
        s = json.loads(out)[0]
        if s["State"]["Status"] != r["State"] or s["Name"].lstrip("/") != r["Names"][0]:
            complain("%.12s: ps %s %s, inspect %s %s" % (cid, r["Names"], r["State"], s["Name"], s["State"]["Status"]))
        if r["State"] not in ("created", "exited"):
            complain("%.12s: %s after everything was stopped" % (cid, r["State"]))
        if r["State"] == "exited":
            _, out, _ = call(["wait", cid])
            said = {"ps": r["ExitCode"], "inspect": s["State"]["ExitCode"], "wait": int(out.split()[0]), "status": int(re.search(r"\((-?\d+)\)", r["Status"])[1])}
            if cid in died:
                said["event"] = died[cid]
            if len(set(said.values())) != 1:
                complain("%.12s: %s" % (cid, said))
        by_name = call(["inspect", "-f", "{{.Id}}", r["Names"][0]])[1].strip()
        if by_name != cid:
            complain("the name %s leads to %.12s, not to %.12s" % (r["Names"][0], by_name, cid))
    return len(rows)


def duel(what, commands, winners=None, over=()):
    """all at once; WINNERS of them succeed (None: any number), the others by words that tell why"""
    procs = [subprocess.Popen([RL] + c, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for c in commands]
    done = []
    for c, p in zip(commands, procs):
        try:
            out, err = p.communicate(timeout=HANG)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            complain("%s: hang: rl %s: %s" % (what, " ".join(c), err))
        check_words(what, c, p.returncode, err)
        done.append((p.returncode, out, err))
    n = sum(d[0] == 0 for d in done)
    if winners is not None and n != winners:
        complain("%s: %d winners of %d, %d wanted: %s" % (what, n, len(done), winners, [d[2] for d in done][:3]))
    for c, d in zip(commands, done):
        if c[0] in over and d[0] != 0:
            complain("%s: rl %s: status %d: %s" % (what, " ".join(c), d[0], d[2]))
    return done


def names():
    return call(["ps", "-a", "--format", "{{.Names}}"])[1].split()


def quiet(*words):
    status, out, err = call(list(words))
    if status != 0:
        complain("rl %s: status %s: %s" % (" ".join(words), status, err))
    return out.strip()


def duels():
    make = ["--network", "none", IMAGE, "sleep", "60"]
    duel("create, 20 at once", [["create", "--name", "x"] + make] * 20, 1)
    duel("create --replace, 8 at once", [["create", "--replace", "--name", "x"] + make] * 8)
    duel("run --replace, 6 at once", [["run", "-d", "--replace", "--name", "x"] + make] * 6)
    if names().count("x") != 1:
        complain("--replace: %s" % names())
    quiet("rm", "-f", "-t", "0", "x")
    for i in range(4):
        quiet("create", "--name", "a", *make)
        quiet("create", "--name", "b", *make)
        duel("two renames to one name", [["rename", "a", "c"], ["rename", "b", "c"]], 1)
        if sorted(names()) not in (["a", "c"], ["b", "c"]):
            complain("two renames to one name: %s" % names())
        duel("rename to a name that run takes", [["rename", "c", "d"], ["run", "-d", "--name", "d"] + make], 1)
        duel("rename of one that is removed", [["rename", rand(names()), "e"], ["rm", "-af", "-t", "0"]], None, {"rm"})
        quiet("rm", "-af", "-t", "0")
        if names():
            complain("left: %s" % names())
        quiet("volume", "create", "vx")
        duel("a volume that is about to be used", [["run", "--rm", "-v", "vx:/v", *make[:-1], "0.1"], ["volume", "rm", "vx"]], None, {"run"})
        quiet("volume", "rm", "-f", "vx")
        quiet("network", "create", "nx")
        duel("a network that is about to be used", [["run", "--rm", "--network", "nx", IMAGE, "true"], ["network", "rm", "nx"]])
        call(["network", "rm", "-f", "nx"])
        quiet("tag", IMAGE, "localhost/duel:1")
        duel("an image that is about to be used", [["run", "--rm", "--pull", "never", *make[:2], "localhost/duel:1", "true"], ["rmi", "localhost/duel:1"]])
        quiet("run", "-d", "--rm", "--name", "x", "--network", "none", IMAGE, "sh", "-c", "echo hello; sleep 0.3; exit 9")
        for c, d in zip(["wait", "logs", "exec", "attach"],
                        duel("--rm with an audience", [["wait", "x"], ["logs", "-f", "x"], ["exec", "x", "sleep", "5"], ["attach", "--no-stdin", "x"]])):
            want = {"wait": (0, "9"), "logs": (0, "hello"), "exec": (137, ""), "attach": (9, None)}[c]
            if d[0] != want[0] or want[1] not in (None, d[1].strip()):
                complain("--rm with an audience: %s: %s" % (c, d))
        for verb in ("stop", "start", "kill"):
            if verb != "start":  # that starts what was stopped
                quiet("run", "-d", "--replace", "--name", "x", *make)
            grace = ["-t", "0"] if verb == "stop" else []
            duel("%s, 5 at once" % verb, [[verb, *grace, "x"]] * 5, None, {"stop", "start"})
        quiet("stop", "-t", "0", "x")
        duel("everything at once", [["stop", "-t", "0", "x"], ["rm", "x"], ["kill", "x"], ["restart", "-t", "0", "x"], ["rename", "x", "y"],
                                    ["update", "--restart", "no", "x"], ["cp", "x:/etc/passwd", "-"], ["diff", "x"], ["commit", "-q", "x"],
                                    ["export", "-o", "/dev/null", "x"], ["logs", "x"], ["top", "x"], ["inspect", "x"], ["start", "x"]])
        quiet("rm", "-af", "-t", "0")
    duel("prune beside create and start", [["create", "--name", "p%d" % i] + make for i in range(6)] + [["container", "prune", "-f"]] * 3 +
         [["run", "-d", "--name", "q%d" % i] + make for i in range(6)], None, {"container", "create", "run"})
    if len([n for n in names() if n.startswith("q")]) != 6:
        complain("prune took one that runs: %s" % names())
    quiet("rm", "-af", "-t", "0")


def ends(n):
    """N containers that end in all ways: run, wait, inspect, ps and the event tell one code"""
    own = random.Random(SEED)
    todo = []
    for i in range(n):
        if own.random() < 0.5:
            want = own.randrange(256)
            script = "exit %d" % want
        else:
            sig = own.choice([1, 2, 6, 9, 11, 13, 14, 15, 31, 34, 64])
            want = 128 + sig
            script = "kill -%d $$; sleep 5" % sig  # as a child of init: that passes it on as 128 + n
        rm = own.random() < 0.3
        todo.append(("e%d" % i, script, want, rm))

    def one(share):
        for who, script, want, rm in share:
            how = ["--rm"] if rm else []
            init = ["--init"] if "kill" in script else []
            status, cid, err = call(["run", "-d", "--name", who, "--network", "none", *how, *init, IMAGE, "sh", "-c", "sleep 0.2; " + script])
            if status != 0:
                complain("ends: run: %s" % err)
                continue
            said = {"wanted": want, "wait": call(["wait", who])[1].strip()}
            if not rm:
                said["inspect"] = call(["inspect", "-f", "{{.State.ExitCode}}", who])[1].strip()
                said["ps"] = call(["ps", "-a", "-f", "name=^%s$" % who, "--format", "{{.ExitCode}}"])[1].strip()
                said["status"] = re.sub(r".*\((-?\d+)\).*", r"\1", call(["ps", "-a", "-f", "name=^%s$" % who, "--format", "{{.Status}}"])[1].strip())
            said["event"] = call(["events", "--stream=false", "-f", "container=" + cid.strip(), "-f", "event=died", "--format", "{{.ContainerExitCode}}"])[1].strip()
            if len({str(v) for v in said.values()}) != 1:
                complain("ends: %s: %s: %s" % (who, script, said))

    threads = [threading.Thread(target=one, args=(todo[k::8],)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    quiet("rm", "-af", "-t", "0")


def main():
    follower = Follower()
    duels()
    ends(200 if os.environ.get("LONG") else 24)
    stop_at = time.monotonic() + SECONDS
    threads = [threading.Thread(target=worker, args=(n, stop_at)) for n in range(WORKERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    call(["stop", "-a", "-t", "0"])
    n = check_states()
    status, _, err = call(["rm", "-af", "-t", "0"])
    if status != 0:
        complain("rm -af: status %s: %s" % (status, err))
    follower.end()
    logged = events_of(call(["events", "--stream=false", "--format", "json"])[1].splitlines())
    total = check_events(follower.all, logged)
    for text, k in collections.Counter(re.sub(r"\b[0-9a-f]{12,64}\b", "ID", b) for b in bad).most_common(40):
        print("bad: %d x %s" % (k, text))
    if os.environ.get("RACES_VERBOSE"):
        for v in sorted(counts):
            print("%-18s %5d  ok %5d  slowest %.2f s" % (v, counts[v], won[v], slowest[v]))
    print("%d commands (%d succeeded) on %d containers, %d left for a look, %d events, seed %d" %
          (sum(counts.values()), sum(won.values()), total, n, len(follower.all), SEED))
    return 1 if bad else 0


sys.exit(main())
