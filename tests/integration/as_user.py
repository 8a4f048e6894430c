"""as_user.py - rl as the user of the tests, for the loops that damage and kill: what lib.sh's rl() is to scripts

The environment comes from the script that calls (kill.sh, kill_image.sh, damage.sh).
"""
import os, subprocess

env = os.environ
RL, T, ROOT, MARK = env["RL"], env["T"], env["ROOT"], env["MARK"]
UID, GID = int(env["TEST_UID"]), int(env["TEST_GID"])
USER_ENV = {"HOME": T + "/home", "USER": env["TEST_USER"], "PATH": "/usr/bin:/bin", "TERM": "xterm",
            "XDG_RUNTIME_DIR": T + "/run", "RL_ROOT": ROOT, "TMPDIR": T + "/tmp", "RL_TEST_MARK": MARK}
PREFIX = ["setpriv", "--reuid", str(UID), "--regid", str(GID), "--init-groups"] if os.getuid() == 0 else []


def rl(*args, limit=60):
    """(status, stdout, stderr) of an rl command; 124 when it takes longer than so many seconds"""
    try:
        p = subprocess.run(PREFIX + [RL, *args], env=USER_ENV, cwd=T + "/work", stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, errors="replace", timeout=limit)
        return p.returncode, p.stdout.strip(), p.stderr.strip()
    except subprocess.TimeoutExpired:
        return 124, "", "timeout"
