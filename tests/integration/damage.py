#!/usr/bin/python3
"""damage.py - damage one state file of rl at a time, then try what people do next

    damage.py [WORD...]          (called by damage.sh, which sets the environment)

Containers 'good' (runs) and 'bad' (runs, has ended, or was only created; with a network, volumes, a
secret, a health check) are there; a file of bad's folder, of its runtime folder or of the store is
damaged. Then: `rl ps -a` and `rl images` work and show good; good can be entered, its log read; no
command about bad hangs or crashes, an error of it has words; `rl fsck` says something; `rl rm -f` of
bad works, its name is free and nothing of it is left. Files of the store are put back afterwards.
Prints "ok<TAB>what" and "not ok<TAB>what<TAB>why". POINTS of all combinations (0 = all), SEED chooses
them; with WORDs only those whose "state file damage" has all of them.
"""
import os, random, shutil, stat, subprocess, sys, time

sys.dont_write_bytecode = True
from as_user import GID, ROOT, T, UID, env, rl
from leftovers import shows

POINTS = int(env.get("POINTS", "0"))
rng = random.Random(int(env["SEED"]))
IMAGE = "docker.io/library/alpine"
NET = os.path.exists("/dev/net/tun")


def own(path):
    if os.getuid() == 0:
        os.chown(path, UID, GID, follow_symlinks=False)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)
    own(path)


def in_place(path, data, size=None):
    with open(path, "r+b") as f:
        f.truncate(size or 0)
        f.write(data)


def new(path, make):
    remove(path)
    make(path)
    own(path)


def noise():
    return bytes(rng.randrange(256) for _ in range(300))


def loop(path):
    os.symlink(os.path.basename(path), path)


def huge(path):
    with open(path, "ab") as f:
        f.truncate(64 << 20)  # no record may be that large


DAMAGES = {
    "empty": lambda p: in_place(p, b""),
    "cut": lambda p: os.truncate(p, os.path.getsize(p) // 2),
    "noise": lambda p: in_place(p, noise()),
    "zeros": lambda p: in_place(p, bytes(max(os.path.getsize(p), 1))),
    "braces": lambda p: in_place(p, b"{}"),
    "missing": remove,
    "link": lambda p: new(p, lambda q: os.symlink("/etc/passwd", q)),
    "loop": lambda p: new(p, loop),
    "fifo": lambda p: new(p, os.mkfifo),
    "folder": lambda p: new(p, os.mkdir),
    "huge": huge,
    "unreadable": lambda p: os.chmod(p, 0),
}


def flags(state):
    words = ["--name", "bad", "-v", "v1:/v", "-v", "/anon", "--secret", "s1", "--health-cmd", "true"]
    if NET:
        words += ["--network", "n1"]
    return words + [IMAGE, "sh", "-c", "echo word; " + ("exec sleep 100" if state == "running" else "exit 3")]


def make(state):
    """Container bad in that state; its id, or None."""
    code, out, err = rl("create" if state == "created" else "run", *(["-d"] if state == "running" else []), *flags(state))
    code, out, err = rl("inspect", "-f", "{{.Id}}", "bad")
    return out if code == 0 else None


def files(top, skip):
    for d, dirs, names in os.walk(top):
        dirs[:] = [x for x in dirs if not skip(os.path.join(d, x))]
        for n in names:
            p = os.path.join(d, n)
            if stat.S_ISREG(os.lstat(p).st_mode) or stat.S_ISLNK(os.lstat(p).st_mode):
                yield os.path.relpath(p, top)


def of_container(ident):
    """Files of its folder but what it wrote itself"""
    return sorted(files(f"{ROOT}/containers/{ident}", lambda p: os.path.basename(p) in ("upper", "work")))


def of_store():
    skip = lambda p: p.endswith("/diff") or p.endswith("/_data") or p == ROOT + "/containers"
    return sorted(files(ROOT, skip))


def processes(ident):
    found = []
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit() and shows(open(f"/proc/{pid}/mountinfo", "rb").read(), f"{ROOT}/containers/{ident}".encode()):
                found.append(pid)
        except OSError:
            continue
    return found


def worded(code, err):
    return code == 0 or (code not in (124,) and 0 < code < 128 and "Error:" in err)


def look_at_others(why):
    code, out, err = rl("ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.State}}")
    if code != 0 or "good running" not in out:
        why.append(f"ps -a: {code} {out} {err}")
    code, out, err = rl("exec", "good", "echo", "in")
    if (code, out) != (0, "in"):
        why.append(f"exec in another: {code} {out} {err}")
    code, out, err = rl("logs", "good")
    if (code, out) != (0, "hello"):
        why.append(f"logs of another: {code} {out} {err}")
    code, out, err = rl("inspect", "-f", "{{.State.Status}}", "good")
    if (code, out) != (0, "running"):
        why.append(f"inspect of another: {code} {out} {err}")


def one(state, name, how, in_store):
    """Returns the list of what is wrong."""
    ident = make(state)
    if not ident:
        return ["no container 'bad': " + str(rl("ps", "-a"))]
    base = ROOT if in_store else f"{ROOT}/containers/{ident}"
    path = os.path.join(base, name)
    saved = None
    why = []
    if not os.path.lexists(path):
        rl("rm", "-f", "-v", "-t", "0", ident)
        return why
    if in_store:
        saved = os.readlink(path) if os.path.islink(path) else (open(path, "rb").read(), os.lstat(path))
    try:
        DAMAGES[how](path)
    except OSError as e:  # a link that leads nowhere has no size
        if how not in ("empty", "cut", "noise", "zeros", "braces", "huge", "unreadable"):
            why.append(f"damage: {e}")
    if not in_store or "container-names" not in name:
        look_at_others(why)
    steps = [["inspect", ident], ["logs", ident], ["start", ident], ["stop", "-t", "0", ident], ["wait", ident],
             ["port", ident], ["update", "--restart", "no", ident], ["rename", ident, "bad"], ["top", ident], ["exec", ident, "true"], ["diff", ident], ["why", ident]]
    rng.shuffle(steps)
    for step in steps[:5] + [["images"], ["fsck", "--quick"]]:
        if step[0] == "wait" and state != "exited":
            continue
        code, out, err = rl(*step)
        if not worded(code, err) and not (step[0] in ("fsck", "exec", "top") and code in (1, 255)):
            why.append(f"{step[0]}: {code} {out[:200]} {err}")
    code, out, err = rl("rm", "-f", "-v", "-t", "0", ident)
    if in_store and worded(code, err) and code:
        pass  # it says why; it must work when that is mended
    elif code != 0 or os.path.lexists(f"{ROOT}/containers/{ident}"):
        why.append(f"rm -f: {code} {out} {err}")
    if in_store:
        remove(path)
        if isinstance(saved, str):
            os.symlink(saved, path)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            put(path, saved[0])
            os.chmod(path, stat.S_IMODE(saved[1].st_mode))
        own(path)
        code, out, err = rl("rm", "-f", "-v", "-t", "0", ident)
        if code != 0:
            why.append(f"rm -f, mended: {code} {out} {err}")
    end = time.time() + 3
    while processes(ident) and time.time() < end:
        time.sleep(0.02)
    if processes(ident):
        why.append("processes are left")
    code, out, err = rl("create", "--name", "bad", "--network", "none", IMAGE, "true")
    if code != 0:
        why.append(f"the name is not free: {err}")
    rl("rm", "-f", "bad")
    look_at_others(why)
    return why


def clear():
    rl("rm", "-f", "-v", "-t", "0", "bad")
    for x in os.listdir(ROOT + "/containers"):
        if x != GOOD and not x.startswith("."):
            rl("rm", "-f", "-t", "0", x)
            for pid in processes(x):
                os.kill(int(pid), 9)
            subprocess.run(["rm", "-rf", f"{ROOT}/containers/{x}"])


def main():
    global GOOD
    if NET:
        rl("network", "create", "n1")
    put(T + "/work/secret", b"secret")
    rl("secret", "create", "s1", "secret")
    code, GOOD, err = rl("run", "-d", "--name", "good", "--network", "none", IMAGE, "sh", "-c", "echo hello; exec sleep 1000")
    todo = []
    for state in ("running", "exited", "created"):
        ident = make(state)
        todo += [(state, f, how, False) for f in of_container(ident) for how in DAMAGES]
        if state == "running":
            store = [f for f in of_store() if GOOD not in f and ident not in f]
            anonymous = [v for v in os.listdir(ROOT + "/volumes") if len(v) == 64]
            todo += [(state, f, how, True) for f in store if not any(a in f for a in anonymous) for how in DAMAGES]
        rl("rm", "-f", "-v", "-t", "0", "bad")
    words = sys.argv[1:]
    todo = [t for t in todo if all(w in " ".join(t[:3]) for w in words)]
    if POINTS and POINTS < len(todo):
        todo = rng.sample(todo, POINTS)
    bad = 0
    for t in todo:
        why = one(*t)
        if why:
            bad += 1
            print(f"not ok\t{t[0]}: {t[1][-60:]}: {t[2]}\t{'; '.join(why)[:1500]}".replace("\n", " / "))
            sys.stdout.flush()
            clear()
    if not bad:
        print(f"ok\t{len(todo)} damages")
    rl("rm", "-af", "-v", "-t", "0")
    rl("volume", "rm", "-af")
    rl("network", "rm", "n1")


main()
