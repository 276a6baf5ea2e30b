"""Count the system calls of the processes of a round, after their warm-up."""

import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE = 5  # seconds for a tracer to attach or to end


def available():
    """Return the best counter class that works on this machine, or :class:`Unseen` if none does.

    perf is preferred, because it hardly slows down the processes. strace makes each system call
    slow, so that more messages are batched into one call.
    """
    return next((counter for counter in (Perf, Strace) if counter.works()), Unseen)


class Counter:
    """Counts system calls, from the time when all ends have finished their warm-up.

    Parameters
    ----------
    roles : sequence of str
        The ends whose warm-up is awaited and whose processes are counted.
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
        """When the last end has finished its warm-up, start to count, and let all ends continue."""
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
        """Stop counting, and return the number of system calls."""
        self.stop()
        return self.parse(self.output.read_text())


class Unseen(Counter):
    """Counts no system calls, so a round with it has debug counters only."""

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
        """Return the words to put before a command, so that the calls of all its processes are
        counted."""
        return ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-o", str(output)]

    def command(self, pids):
        return [*self.around(self.output), "-p", ",".join(map(str, pids))]

    def attached(self, pids):
        """Return whether perf has attached to all threads: it opens a descriptor for each of
        them."""
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
        # The columns are: % time, seconds, usecs/call, calls, optional errors, name. The rows are
        # between two lines of dashes.
        rows = re.split(r"^[- ]+$", text, flags=re.MULTILINE)[1].strip()
        return sum(int(row.split()[3]) for row in rows.splitlines())
