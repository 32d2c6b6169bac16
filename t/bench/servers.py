"""The servers of the benchmark, each on the loopback, most with one worker."""

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

ROOT = os.path.join(os.getcwd(), "build", "bench")
BUILD = os.path.join(os.getcwd(), "build")
NGINX = os.environ.get("TASK_NGINX", "nginx")
PYTHON = "/usr/bin/python3"
MODULES = "/usr/lib/nginx/modules"
CORES = sorted(os.sched_getaffinity(0))
TICK = os.sysconf("SC_CLK_TCK")

# what is added to a port for the same by HTTP/2

H2 = 100

resource.setrlimit(resource.RLIMIT_NOFILE,
                   (min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
                    resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

QUICK = '{"status":"quick response"}'

OURS = """
    location = /return { default_type application/json; return 200 '%s'; }
    location = /empty  { empty; }
    location = /hold   { empty_hold; }
    location = /bare   { empty_thread bare; }
    location = /bare_shared { empty_thread default; }
    location = /quick  { quick; }
    location = /async  { task sleep; task_mode async;
                         task_param duration default=0; }
    location = /fixed  { task sleep duration=0; }
    location = /thread { task sleep duration=0; task_mode thread=default; }
    location = /ms     { task sleep duration=1ms; }
    location = /primes { task primes; task_mode thread=cpu; }
    location = /primes_all { task primes; task_mode thread=default; }
    location = /json   { task hello; task_mode thread=default;
                         client_max_body_size 2m; }
    location = /status { task_status json; }
""" % QUICK

JOBS = """
    location = /job   { task sleep duration=0; task_background on zone=jobs; }
    location /jobs/   { task_jobs zone=jobs; }
"""

# the task of /held waits for others of its kind

QUEUE = """
    task_background on zone=jobs;
    location = /async  { task stamp; task_mode async; }
    location = /thread { task stamp; task_mode thread=default; }
    location = /held   { task sleep; task_mode async; task_param duration default=0;
                         task_limit running=1 queue=100000; }
    location /jobs/    { task_jobs zone=jobs; }
    location = /status { task_status json; }
"""

FILES = """
    sendfile off;
    location = /file { alias FILES; aio threads=default; }
"""

# in a pool with a thread for each of 1,000 clients, and some more

STREAMS = f"""
    location = /file          {{ alias {ROOT}/streams.bin; sendfile off; }}
    location = /flood         {{ task flood; task_mode async; }}
    location = /flood_thread  {{ task flood; task_mode thread=streams; }}
    location = /events        {{ task events; task_mode async; }}
    location = /events_thread {{ task events; task_mode thread=streams; }}
"""

LUA_STREAMS = """
    location = /flood  { default_type application/octet-stream;
                         content_by_lua_block {
                             local piece = tonumber(ngx.var.arg_piece)
                             local text = string.rep('x', piece)
                             for _ = 1, tonumber(ngx.var.arg_size) / piece do
                                 if not ngx.print(text)
                                    or not ngx.flush(true)
                                 then
                                     return
                                 end
                             end } }
    location = /events { default_type text/event-stream;
                         content_by_lua_block {
                             local pause = tonumber(ngx.var.arg_pause or 0)
                             for _ = 1, tonumber(ngx.var.arg_n) do
                                 if not ngx.print('event: tick\\ndata: tick\\n\\n')
                                    or not ngx.flush(true)
                                 then
                                     return
                                 end
                                 if pause > 0 then ngx.sleep(pause) end
                             end } }
"""

# a file in a form; FastAPI's is read in pieces, so all of ours is read, too,
# or nothing is; SMALL is a port that takes less ahead

SMALL = 9162

UPLOADS = """
    client_max_body_size 0; client_body_temp_path SPOOL;
    client_body_buffer_size 1m;
    location = /quick       { quick; }
    location = /spool       { echo_read_request_body; echo spooled; }
    location = /thread      { task upload read=1; task_mode thread; }
    location = /thread_only { task upload; task_mode thread; }
    location = /thread_16k  { task upload read=1; task_mode thread;
                              client_body_buffer_size 16k; }
    location = /async       { task upload read=1; task_mode async; }
    location = /async_only  { task upload; task_mode async; }
"""

# a small upstream, by proxy_pass, and by what a function, lua or njs fetches

UPSTREAM = """upstream small { server 127.0.0.1:9141; keepalive 128; }
proxy_http_version 1.1; proxy_set_header Connection "";
"""

FETCH = """
    location = /proxy   { proxy_pass http://small/; }
    location = /backend { internal; proxy_pass http://small/; }
    location = /slow    { internal; proxy_pass http://small/slow; }
    location = /fetch   { task plain uri=/backend; }
    location = /ten     { task many uri=/slow n=10; }
"""

FETCH_PEERS = """
    location = /proxy   { proxy_pass http://small/; }
    location = /backend { internal; proxy_pass http://small/; }
    location = /capture { content_by_lua_block {
                              local r = ngx.location.capture('/backend')
                              ngx.status = r.status
                              ngx.print(r.body) } }
    location = /subrequest { js_content main.fetch; }
"""

PEERS = """
    location = /echo       { default_type application/json; echo -n '%s'; }
    location = /echo_sleep { default_type application/json;
                             echo_sleep 0.001; echo -n '%s'; }
    location = /echo_20    { default_type application/json;
                             echo_sleep 20; echo -n '%s'; }
    location = /echo_any   { default_type application/json;
                             echo_sleep $arg_duration; echo -n '%s'; }
    location = /lua        { default_type application/json;
                             content_by_lua_block { ngx.print('%s') } }
    location = /lua_sleep  { default_type application/json;
                             content_by_lua_block {
                                 ngx.sleep(0.001) ngx.print('%s') } }
    location = /lua_20     { default_type application/json;
                             content_by_lua_block {
                                 ngx.sleep(20) ngx.print('%s') } }
    location = /lua_any    { default_type application/json;
                             content_by_lua_block {
                                 ngx.sleep(tonumber(ngx.var.arg_duration))
                                 ngx.print('%s') } }
    location = /lua_thread { default_type application/json;
                             content_by_lua_block {
                                 ngx.run_worker_thread('lua', 'nothing', 'run')
                                 ngx.print('%s') } }
    location = /njs        { js_content main.quick; }
""" % ((QUICK,) * 9)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(p) for p in f.read().split()]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def ticks(pid):
    """Processor time, in hundredths of a second."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()

    return (int(fields[11]) + int(fields[12])) / TICK


def exact(pid):
    """The same in nanoseconds, of a process whose threads live as long as it
    does; 0 where the kernel does not tell."""
    total = 0

    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
                total += int(f.read().split()[0])

    return total / 1e9


class Program:
    """A program that runs; with core, it is kept on that core."""

    def __init__(self, name, command, core=None):
        self.name = name
        self.log = open(os.path.join(ROOT, name + ".log"), "w")

        if core is not None and len(CORES) > 1:
            command = ["taskset", "-c", str(core)] + command

        self.process = subprocess.Popen(command, cwd=os.getcwd(),
                                        stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)

    def cpu(self):
        """Seconds of processor time that it and its children took."""
        pid = self.process.pid
        return sum(ticks(p) for p in [pid] + children(pid))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Server(Program):
    """A server that runs; with core, its processes are kept on that core."""

    def __init__(self, name, port, command, core=None, workers=0):
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self.h2 = f"http://127.0.0.1:{port + H2}"
        self.workers = workers

        if answers(port):
            raise SystemExit(f"{name}: something else answers at port {port}")

        super().__init__(name, command, core)
        until = time.time() + 20

        while not answers(port):
            if self.process.poll() is not None or time.time() > until:
                raise SystemExit(f"{name} did not start, see {self.log.name}")
            time.sleep(.05)

        # nginx listens before it has forked

        while len(children(self.process.pid)) < workers:
            time.sleep(.01)

        self.pids = children(self.process.pid) or [self.process.pid]

    def cpu(self):
        """Seconds of processor time that its processes took."""
        return sum((self.workers and exact(pid)) or ticks(pid) for pid in self.pids)

    def memory(self):
        """Bytes of the first of its processes."""
        with open(f"/proc/{self.pids[0]}/smaps_rollup") as f:
            for line in f:
                if line.startswith("Private_Dirty:"):
                    return int(line.split()[1]) * 1024


class Redis(Server):
    """A Redis with these options, on a socket, too; what it has goes with it,
    and both go with us."""

    def __init__(self, name, port, options):
        self.dir = subprocess.run(["sh", "util/servers.sh", "make", "redis", ROOT],
                                  capture_output=True, text=True,
                                  check=True).stdout.strip()
        self.socket = os.path.join(self.dir, "data", "socket")
        self.keep = subprocess.Popen(["setsid", "sh", "util/servers.sh", "keep",
                                      self.dir], stdin=subprocess.PIPE)
        super().__init__(name, port, [
            "sh", "util/servers.sh", "run", "redis", self.dir, str(port),
            "--unixsocket", self.socket, "--unixsocketperm", "777", *options])

    def stop(self):
        super().stop()
        self.keep.stdin.close()
        self.keep.wait()


def listen_h2(port):
    """"listen ... http2" became "http2 on" in 1.25.1."""
    version = subprocess.run([NGINX, "-v"], capture_output=True, text=True).stderr
    found = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", version)

    if found and tuple(map(int, found.groups())) < (1, 25, 1):
        return f"listen 127.0.0.1:{port} http2;"

    return f"listen 127.0.0.1:{port}; http2 on;"


def nginx(name, port, locations, modules, http="", workers=1, core=None,
          main="", h2=True):
    root = os.path.join(ROOT, name)
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)

    load = "".join(f"load_module {m};\n" for m in modules)
    paths = "".join(f"{p}_temp_path {root}/{p};\n" for p in
                    ("client_body", "proxy", "fastcgi", "scgi", "uwsgi"))
    user = "user root;" if os.getuid() == 0 else ""
    conf = os.path.join(root, "nginx.conf")
    more = f"""server {{ {listen_h2(port + H2)}
{locations}
}}""" if h2 else ""

    with open(conf, "w") as f:
        f.write(f"""{load}{user}
daemon off; worker_processes {workers}; worker_rlimit_nofile 65536;
error_log stderr warn; pid {root}/nginx.pid;
thread_pool default threads=32 max_queue=65536;
thread_pool cpu threads={len(CORES)} max_queue=65536;
thread_pool bare threads=32 max_queue=65536;
thread_pool lua threads=32 max_queue=65536;
{main}
events {{ worker_connections 20000; }}
http {{
access_log off; keepalive_requests 1000000000; keepalive_timeout 300s;
client_body_buffer_size 2m;
{paths}{http}
server {{ listen 127.0.0.1:{port} backlog=16384;
{locations}
}}
{more} }}
""")

    return Server(name, port, [NGINX, "-p", root + "/", "-c", conf,
                               "-e", "stderr"], core, workers)


def ours(name="ours", port=9101, http="", workers=1, core=None, more="",
         refuse=False):
    """With refuse the kernel lets no thread be SCHED_BATCH, nor timers be a
    timerfd: as it was before."""
    tasks = "".join(f"task_load {BUILD}/tasks/{t}.so;\n"
                    for t in ["primes", "hello"] + ["test/seccomp"] * refuse)

    return nginx(name, port, OURS + more,
                 [f"{BUILD}/ngx_http_task_module.so",
                  f"{BUILD}/empty/ngx_http_empty_module.so"],
                 http=http, workers=workers, core=core, main=tasks)


def peers(core=None):
    os.makedirs(os.path.join(ROOT, "scripts"), exist_ok=True)

    with open(os.path.join(ROOT, "scripts", "main.js"), "w") as f:
        f.write("""function quick(r) {
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, '%s');
}
function fetch(r) {
    r.subrequest('/backend', reply => r.return(reply.status, reply.responseBuffer));
}
export default { quick, fetch };
""" % QUICK)

    with open(os.path.join(ROOT, "scripts", "nothing.lua"), "w") as f:
        f.write("return { run = function() return true end }\n")

    return nginx("peers", 9102, PEERS + FETCH_PEERS,
                 [f"{MODULES}/{m}.so" for m in
                  ("ndk_http_module", "ngx_http_echo_module",
                   "ngx_http_lua_module", "ngx_http_js_module")],
                 http=UPSTREAM + f"""
js_path {ROOT}/scripts; js_import main.js;
lua_package_path "{ROOT}/scripts/?.lua;;";
lua_worker_thread_vm_pool_size 32;
""", core=core)


def fetches(core=None):
    return nginx("fetches", 9142, FETCH, [f"{BUILD}/ngx_http_task_module.so"],
                 http=UPSTREAM, core=core,
                 main=f"task_load {BUILD}/tasks/test/fetch.so;")


def small(core=None):
    """The upstream; it is beside the load."""
    return nginx("small", 9141, """
    location = /     { return 200 "a small answer\n"; }
    location = /slow { task sleep duration=100ms; }
""", [f"{BUILD}/ngx_http_task_module.so"], core=core)


def uploads(spool, core=None):
    locations = UPLOADS.replace("SPOOL", spool)

    return nginx("uploads", 9161, locations,
                 [f"{BUILD}/ngx_http_task_module.so",
                  f"{MODULES}/ngx_http_echo_module.so"],
                 main=f"task_load {BUILD}/tasks/test/upload.so;", core=core, http=f"""
server {{ listen 127.0.0.1:{SMALL} rcvbuf=256k;
{locations}
}}
""")


def fastapi_uploads(spool, core=None):
    os.environ["TMPDIR"] = spool

    return uvicorn("fastapi_uploads", 9163, "app_uploads", core)


def database(port, connections, core=None):
    return nginx("database", 9143, """
    location = /note {
        task        pg.query "statement=select id, author, text from notes
                              where id = $$1";
        task_param  id type=int;
    }
""", [f"{BUILD}/ngx_http_task_module.so"], core=core, main=f"""
task_load {BUILD}/tasks/pg.so;
task_set pg.url "host=127.0.0.1 port={port} user=postgres";
task_set pg.connections {connections};""")


def fastapi_database(port, connections, core=None):
    os.environ.update(PGHOST="127.0.0.1", PGPORT=str(port), PGUSER="postgres",
                      PGDATABASE="postgres", CONNECTIONS=str(connections))

    return uvicorn("fastapi_database", 9144, "app_database", core)


REDIS_MODULE = f"{BUILD}/ngx_http_task_redis_module.so"


def has_redis():
    return os.path.exists(REDIS_MODULE)


def queue(port, store, workers, redis):
    """Jobs in a store, for which http{} has this."""
    return nginx("queue", port, QUEUE,
                 [f"{BUILD}/ngx_http_task_module.so"] + [REDIS_MODULE] * redis,
                 http=store, workers=workers, h2=False,
                 main=f"task_load {BUILD}/tasks/test/stamp.so;")


def pythons(name, *command):
    """A worker of a queue: it ends when we do."""
    return Program(name, ["setpriv", "--pdeathsig", "TERM", PYTHON, "-m", *command])


def streams(core=None):
    return nginx("streams", 9131, STREAMS, [f"{BUILD}/ngx_http_task_module.so"],
                 main=f"""task_load {BUILD}/tasks/test/stream.so;
thread_pool streams threads=1100;""", core=core)


def lua_streams(core=None):
    return nginx("lua_streams", 9132, LUA_STREAMS,
                 [f"{MODULES}/{m}.so" for m in
                  ("ndk_http_module", "ngx_http_lua_module")], core=core)


def newest():
    """The root of a newer Debian with its FastAPI, which can stream events."""
    root = os.path.join(ROOT, "forky")

    if subprocess.run(["sh", "util/fastapi.sh", root]).returncode:
        raise SystemExit("no newer FastAPI")

    shutil.copy("t/bench/app_streams.py", os.path.join(root, "srv"))

    return root


def fastapi_streams(core=None):
    return Server("fastapi_streams", 9133,
                  ["chroot", newest(), "/usr/bin/python3", "-m", "uvicorn",
                   "--app-dir", "/srv", "app_streams:app",
                   "--host", "127.0.0.1", "--port", "9133",
                   "--loop", "uvloop", "--http", "httptools",
                   "--no-access-log", "--log-level", "warning",
                   "--timeout-graceful-shutdown", "1",
                   "--backlog", "16384"], core)


def fastapi(core=None, workers=1):
    return uvicorn("fastapi", 9103, "app", core)


def uvicorn(name, port, app, core, workers=1):
    more = ["--workers", str(workers)] if workers > 1 else []

    return Server(name, port,
                  [PYTHON, "-m", "uvicorn", "--app-dir", "t/bench",
                   f"{app}:app", "--host", "127.0.0.1", "--port", str(port),
                   "--loop", "uvloop", "--http", "httptools",
                   "--no-access-log", "--log-level", "warning",
                   "--backlog", "16384"] + more, core)
