"""Count the system calls of the processes of a round, from the end of their warm-up."""

import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE = 5  # seconds for a tracer to attach or to end


def available():
    """The best counter there is: a class; :class:`Unseen` where none works.

    perf is preferred, since it hardly slows what it counts; strace makes each call dear, so that
    more is gathered into one.
    """
    return next((counter for counter in (Perf, Strace) if counter.works()), Unseen)


class Counter:
    """Counts from the moment all ends are warm to their end.

    Parameters
    ----------
    roles : sequence of str
        The ends to wait for, and whose processes are counted.
    """

    def __init__(self, roles):
        self.roles = set(roles)
        self.cold = {f"warm {role}" for role in roles}
        self.tracer = None

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="bench-")
        self.output = Path(self.folder.name, "counts")
        return self

    def __exit__(self, *exc_info):
        self.stop()
        self.folder.cleanup()

    def on_message(self, message, children):
        """Start to count when the last end is warm, and let the ends continue."""
        before = len(self.cold)
        self.cold -= set(message)
        if self.cold or not before:
            return
        self.attach([each.pid for each in children if self.roles.intersection(each.roles)])
        for child in children:
            child.send({"go": True})

    def attach(self, pids):
        self.tracer = subprocess.Popen(
            self.command(pids),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while not self.attached(pids) and time.monotonic() < deadline:
            if self.tracer.poll() is not None:
                break
            time.sleep(0.005)  # no event reports that a tracer is ready

    def stop(self):
        if self.tracer is not None and self.tracer.poll() is None:
            self.tracer.send_signal(signal.SIGINT)
            try:
                self.tracer.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.tracer.kill()
                self.tracer.wait()

    def total(self):
        """Return the number of calls."""
        self.stop()
        return self.parse(self.output.read_text())


class Unseen(Counter):
    """System calls cannot be counted: only the debug counters are."""

    def attach(self, pids):
        pass

    def total(self):
        return None


class Perf(Counter):
    @staticmethod
    def works():
        if shutil.which("perf") is None:
            return False
        done = subprocess.run(
            ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"],
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.returncode == 0 and done.stderr.partition(",")[0].isdigit()

    @staticmethod
    def around(output):
        """Return the words before a command that count the calls of all its processes."""
        return ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-o", str(output)]

    def command(self, pids):
        return [*self.around(self.output), "-p", ",".join(map(str, pids))]

    def attached(self, pids):
        """perf needs a descriptor for each thread that it counts."""
        threads = sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids)
        links = Path(f"/proc/{self.tracer.pid}/fd")
        try:
            return sum("perf_event" in str(link.readlink()) for link in links.iterdir()) >= threads
        except OSError:
            return False

    @staticmethod
    def parse(text):
        return int(next(line for line in text.splitlines() if "sys_enter" in line).split(",")[0])


class Strace(Counter):
    @staticmethod
    def works():
        if shutil.which("strace") is None:
            return False
        return subprocess.run(["strace", "-c", "-f", "true"], capture_output=True).returncode == 0

    @staticmethod
    def around(output):
        return ["strace", "-c", "-f", "-o", str(output)]

    def command(self, pids):
        return [*self.around(self.output), *(f"-p{pid}" for pid in pids)]

    def attached(self, pids):
        return all("TracerPid:\t0" not in Path(f"/proc/{pid}/status").read_text() for pid in pids)

    @staticmethod
    def parse(text):
        # % time, seconds, usecs/call, calls, perhaps errors, name; the rows are between two rules.
        rows = re.split(r"^[- ]+$", text, flags=re.MULTILINE)[1].strip()
        return sum(int(row.split()[3]) for row in rows.splitlines())
