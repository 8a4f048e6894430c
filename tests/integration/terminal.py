#!/usr/bin/python3
"""terminal.py - run a command on a terminal of its own, by a small script on stdin

    terminal.py [-k] ROWSxCOLS COMMAND... < SCRIPT

SCRIPT lines: "expect TEXT" waits until TEXT was printed (10 s), "send TEXT" types it (with escapes
such as \\n \\x03), "resize RxC", "sleep SECONDS", "signal NAME" to the command, "hangup" closes the
terminal, "raw?" and "cooked?" check the terminal's mode, "screen" goes on. All output is copied to
stdout; the last line is "status N" (128+n for a signal). With -k the terminal survives and its
settings are compared with those before: "settings restored" or "settings CHANGED".
"""
import fcntl, os, pty, select, signal, struct, sys, termios, time

keep = sys.argv[1] == "-k"
args = sys.argv[2:] if keep else sys.argv[1:]
size, cmd = args[0], args[1:]
master, slave = pty.openpty()


def resize(s):
    r, c = s.split("x")
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", int(r), int(c), 0, 0))


def cooked():
    return bool(termios.tcgetattr(slave)[3] & termios.ICANON)


resize(size)
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.closerange(3, 100)
    os.execvp(cmd[0], cmd)
seen = b""
ended = None


def pump(seconds, until=None):
    """Copy output for a while, or until a text was seen; True when it was."""
    global seen, ended
    end = time.monotonic() + seconds
    while True:
        if until is not None and until in seen:
            seen = seen[seen.index(until) + len(until):]
            return True
        left = end - time.monotonic()
        if left <= 0:
            return False
        r, _, _ = select.select([master], [], [], min(left, 0.05))
        if r:
            try:
                data = os.read(master, 65536)
            except OSError:
                data = b""
            seen += data
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
        elif ended is None:
            p, st = os.waitpid(pid, os.WNOHANG)
            if p:
                ended = st
        if ended is not None and not r:
            return until is not None and until in seen


def fail(text):
    print(f"\nFAILED: {text}")
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
    sys.exit(99)


for line in sys.stdin.read().split("\n"):
    word, _, rest = line.strip().partition(" ")
    text = rest.encode().decode("unicode_escape").encode("latin-1")
    if word == "expect":
        if not pump(15, text):
            fail(f"'{rest}' did not appear")
    elif word == "send":
        os.write(master, text)
    elif word == "resize":
        resize(rest)
    elif word == "sleep":
        pump(float(rest))
    elif word == "signal":
        os.kill(pid, getattr(signal, "SIG" + rest))
    elif word == "hangup":
        os.close(slave)
        os.close(master)
        break
    elif word == "raw?":
        if cooked():
            fail("the terminal is not raw")
    elif word == "cooked?":
        if not cooked():
            fail("the terminal is not cooked")
    elif word:
        fail(f"unknown word '{word}'")
if word != "hangup":
    end = time.monotonic() + 20
    while ended is None and time.monotonic() < end:
        pump(0.1)
if ended is None:
    end = time.monotonic() + 20
    while ended is None and time.monotonic() < end:
        p, st = os.waitpid(pid, os.WNOHANG)
        ended = st if p else None
        time.sleep(0.02)
if ended is None:
    fail("the command did not end")
if keep and word != "hangup":
    pump(0.1)
    print("\nsettings", "restored" if termios.tcgetattr(slave) == before else "CHANGED")
print("\nstatus", os.WEXITSTATUS(ended) if os.WIFEXITED(ended) else 128 + os.WTERMSIG(ended))
