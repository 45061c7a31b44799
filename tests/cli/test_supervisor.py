import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from calnet_ops.cli.supervisor import MARK, PORTS, Server, Supervisor, end_marked, free_ports
from calnet_ops.errors import ServiceUnavailable

SLEEPER = (sys.executable, "-c", "import time; time.sleep(60)")
# leaves its process group and ignores a polite request, as the worst of servers might
STUBBORN_SCRIPT = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
os.setpgid(0, 0)
time.sleep(60)
"""
STUBBORN = (sys.executable, "-c", STUBBORN_SCRIPT)


def _marked(mark):
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def test_servers_are_gone_after_an_error(tmp_path):
    supervisor = Supervisor(tmp_path, os.environ)

    def fail():
        with supervisor:
            supervisor.start(Server("sleeper", SLEEPER, lambda: True))
            assert _marked(supervisor._mark)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not _marked(supervisor._mark)


def test_descendants_that_ignore_the_request_are_killed(tmp_path):
    mark = "stubborn-test"
    with subprocess.Popen(STUBBORN, env={**os.environ, MARK: mark}):
        while len(_marked(mark)) < 2:
            time.sleep(0.05)
        end_marked(mark, grace_s=0.5)
        assert not _marked(mark)


def test_servers_are_gone_after_the_supervisor_was_killed(tmp_path):
    script = textwrap.dedent(
        f"""
        import os, pathlib, time
        from calnet_ops.cli.supervisor import Server, Supervisor
        with Supervisor(pathlib.Path({str(tmp_path)!r}), os.environ) as supervisor:
            supervisor.start(Server("sleeper", {SLEEPER!r}, lambda: True))
            print(supervisor._mark, flush=True)
            time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout
        mark = process.stdout.readline().decode().strip()
        assert _marked(mark)
        process.send_signal(signal.SIGKILL)
    end = time.monotonic() + 20
    while _marked(mark) and time.monotonic() < end:
        time.sleep(0.1)
    assert not _marked(mark)


def test_a_server_that_ends_at_once_is_told_with_its_last_words(tmp_path):
    server = Server("broken", (sys.executable, "-c", "print('no port'); exit(3)"), lambda: False)
    with Supervisor(tmp_path, os.environ) as supervisor:
        supervisor.start(server)
        with pytest.raises(ServiceUnavailable, match="no port"):
            supervisor.wait_ready(server)


def test_ports_are_free_and_below_the_ephemeral_ones():
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert all(port in PORTS for port in ports)
