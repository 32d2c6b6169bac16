"""A row of PostgreSQL by its key: pg.query beside FastAPI with a pool of asyncpg's,
both with so many connections."""

import os
import signal
import subprocess
import time

from rates import rates
from report import goal
import servers
from servers import CORES, answers

CONNECTIONS = 16
POSTGRES, REDIS = 9151, 9152


def databases():
    beside = subprocess.Popen(["sh", "util/servers.sh", "with", str(POSTGRES),
                               str(REDIS), "sh", "util/io.sh", "sleep", "3600"],
                              stdout=subprocess.DEVNULL)
    started = []

    try:
        ready(beside)

        for start in (servers.database, servers.fastapi_database):
            started.append(start(POSTGRES, CONNECTIONS, core=CORES[0]))

        ours, fastapi = started
        got = rates("a row", {"pg.query": (ours, "/note?id=1"),
                              "FastAPI, asyncpg": (fastapi, "/note?id=1")},
                    "pg.query")
        goal("a row", got, "pg.query", "FastAPI, asyncpg", 3, by="rate")
    finally:
        for server in started:
            server.stop()

        beside.send_signal(signal.SIGTERM)
        beside.wait()


def ready(beside):
    """The table is made when the last row of it can be read."""
    env = dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(POSTGRES),
               PGUSER="postgres", PGDATABASE="postgres")
    psql = subprocess.run(["sh", "util/servers.sh", "psql"], capture_output=True,
                          text=True, check=True).stdout.strip()
    until = time.time() + 30

    while not answers(POSTGRES) or subprocess.run(
            [psql, "-Xqc", "select from notes where id = 3"], env=env,
            capture_output=True).returncode:
        if beside.poll() is not None or time.time() > until:
            raise SystemExit("PostgreSQL did not start")
        time.sleep(.1)
