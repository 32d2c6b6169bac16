/* The lab: sends /task and /quick to four lanes at once, and draws each request
 * as a bar on one time axis while it happens. */

"use strict";

const LANES = [
    {
        name: "async", port: 8100,
        title: "task_mode async",
        idea: "FastAPI: async def, await asyncio.sleep()",
        conf: "worker_processes 1;\n"
              + "location = /task { task sleep; task_mode async; }",
    },
    {
        name: "sync", port: 8110,
        title: "task_mode sync",
        idea: "FastAPI: async def, time.sleep()",
        conf: "worker_processes 1;\n"
              + "location = /task { task sleep; task_mode sync; }",
    },
    {
        name: "thread", port: 8120,
        title: "task_mode thread",
        idea: "FastAPI: def, time.sleep()",
        conf: "worker_processes 1;  thread_pool tasks threads=40;\n"
              + "location = /task { task sleep; task_mode thread=tasks; }",
    },
    {
        name: "workers", port: 8130,
        title: "task_mode sync, 4 workers",
        idea: "uvicorn --workers 4: async def, time.sleep()",
        conf: "worker_processes 4;\n"
              + "location = /task { task sleep; task_mode sync; }",
    },
];

const TASK_PORTS = 2;          // the first ports of a lane, then those of /quick
const QUICK_PORTS = 6;
const STATUS_PORT = 8;
const PER_PORT = 6;            // connections a browser keeps to a host and port
const STAGGER = 50;            // between the starts of tasks, ms
const SLOW = 100;              // a /quick that takes longer is slow, ms
const QUIET = 400;             // of beats behind the last task, ms
const LIMIT = 240000;          // of a whole run, ms

const $ = id => document.getElementById(id);

let lanes = [];
let run = null;
let serial = 0;


function fill(lane) {
    const section = $("lane").content.cloneNode(true).firstElementChild;

    section.id = lane.name;
    section.querySelector("h2").textContent = lane.title;
    section.querySelector("header p").textContent = lane.idea;
    section.querySelector("pre").textContent = lane.conf;
    $("lanes").append(section);

    lane.section = section;
    lane.canvas = section.querySelector("canvas");
    lane.canvas.setAttribute("aria-label", lane.title + ": not run yet");
}


function show(lane, name, text, bad) {
    const dd = lane.section.querySelector(`[data-number=${name}]`);

    dd.textContent = text;
    dd.classList.toggle("bad", Boolean(bad));
}


function time(ms) {
    return ms === undefined ? "–" : ms < 1000 ? Math.round(ms) + " ms" : (ms / 1000).toFixed(2) + " s";
}


/* nearest rank, of sorted values */

function percentile(sorted, p) {
    return sorted[Math.max(Math.ceil(sorted.length * p) - 1, 0)];
}


/* one request; its clock runs since it was due */

async function send(lane, request, port) {
    const address = `http://127.0.0.1:${lane.port + port}${request.uri}`;

    request.sent = performance.now();

    try {
        const answer = await fetch(address, { cache: "no-store",
                                              signal: run.abort.signal });
        await answer.text();
        request.end = performance.now();
        request.ok = answer.ok;
        lane.answers.set(answer.headers.get("X-Worker"),
                         (lane.answers.get(answer.headers.get("X-Worker")) || 0)
                         + 1);

    } catch (error) {
        request.end = performance.now();
        request.ok = false;
    }
}


function startTask(lane, i) {
    const request = {
        due: run.start + i * STAGGER,
        uri: `/task?duration=${run.duration}ms&n=${++serial}`,
    };

    lane.tasks.push(request);
    send(lane, request, i % TASK_PORTS).then(() => { lane.done++; });
}


/* those that are due and have a connection; the others wait in line here */

function pump(lane) {
    while (lane.waiting.length) {
        const port = lane.underway.findIndex(n => n < PER_PORT);

        if (port < 0) {
            return;
        }

        const request = lane.waiting.shift();

        lane.underway[port]++;
        send(lane, request, TASK_PORTS + port).then(() => {
            lane.underway[port]--;
            pump(lane);
        });
    }
}


function beat(lane, now) {
    const last = lane.tasks.length === run.tasks
                 && lane.tasks.every(t => t.end !== undefined)
                 ? Math.max(...lane.tasks.map(t => t.end)) + QUIET : Infinity;

    while (lane.next <= now && lane.next <= last) {
        const request = { due: lane.next,
                          uri: `/quick?n=${++serial}` };

        run.late = Math.max(run.late, now - lane.next);
        lane.quick.push(request);
        lane.waiting.push(request);
        lane.next += run.beat;
    }

    if (lane.next > last && lane.quick.every(q => q.end !== undefined)) {
        lane.over = true;
    }

    pump(lane);
}


/* the numbers of a lane's nginx; one that stands still does not answer */

async function look(lane) {
    if (lane.looking) {
        return;
    }

    lane.looking = true;

    try {
        const address = `http://127.0.0.1:${lane.port + STATUS_PORT}/status`;
        const answer = await fetch(`${address}?n=${++serial}`,
                                   { cache: "no-store" });
        const zone = (await answer.json()).zones[0];

        lane.heard = performance.now();
        lane.worst = Math.max(...zone.workers.map(w => w.loop_lag_worst));
        lane.buckets = zone.loop_lag.buckets;
        lane.now = Math.max(...zone.workers.map(w => w.loop_lag));

        if (lane.before === undefined) {
            lane.before = { worst: lane.worst, buckets: lane.buckets };
        }

    } catch (error) {
        lane.failed = true;
    }

    lane.looking = false;
}


/* since Run was pressed: a new worst, or the highest bucket that has grown */

function lag(lane) {
    if (lane.before === undefined) {
        return { text: "–", ms: 0 };
    }

    if (lane.worst > lane.before.worst) {
        return { text: time(lane.worst * 1000), ms: lane.worst * 1000 };
    }

    let below = 0;
    let text = "under 1 ms";

    for (const [le, n] of Object.entries(lane.buckets)) {
        const grown = n - lane.before.buckets[le];

        if (grown > below) {
            text = le === "+Inf" ? "over 60 s" : "under " + time(le * 1000);
            below = grown;
            lane.bound = le * 1000;
        }
    }

    return { text: text, ms: lane.bound || 0 };
}


function numbers(lane, now) {
    const took = lane.quick.filter(q => q.end !== undefined || q.due < now)
                           .map(q => (q.end === undefined ? now : q.end) - q.due)
                           .sort((a, b) => a - b);

    for (const [name, p] of [["p50", .5], ["p95", .95], ["worst", 1]]) {
        const ms = took.length ? percentile(took, p) : undefined;

        lane.result[name] = ms;
        show(lane, name, ms === undefined ? "–" : time(ms), ms > SLOW);
    }

    const good = lane.tasks.filter(t => t.ok).length;

    lane.result.done = good;
    show(lane, "done", `${good} of ${run.tasks}`,
         lane.tasks.some(t => t.ok === false));

    const silent = now - (lane.heard || run.start);

    if (lane.looking && silent > 700) {
        show(lane, "lag", "silent for " + time(silent), true);

    } else {
        const worst = lag(lane);

        lane.result.lag = worst.ms;
        show(lane, "lag", worst.text, worst.ms > SLOW);
    }

    const counts = [...lane.answers.values()].sort((a, b) => b - a);

    show(lane, "workers", counts.length === 0 ? "–"
         : (counts.length === 1 ? "1 worker: " : counts.length + " workers: ")
           + counts.join(" + "));
}


/* rows: each bar in the first that is free, so what waits together piles up */

function rows(requests, now) {
    const free = [];

    return requests.map(request => {
        const end = request.end === undefined ? now : request.end;
        let row = free.findIndex(t => t <= request.due);

        if (row < 0) {
            row = free.length;
        }

        free[row] = end + 1;
        return row;
    });
}


function draw(lane, now) {
    const canvas = lane.canvas;
    const scale = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    const style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue(name);
    const context = canvas.getContext("2d");

    if (canvas.width !== Math.round(width * scale)
        || canvas.height !== Math.round(height * scale))
    {
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
    }

    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);

    const axis = 18;
    const start = run ? run.start : 0;
    const span = run ? run.span : 5000;
    const x = t => 6 + (t - start) / span * (width - 12);

    /* the time axis, the same in each lane */

    const step = [500, 1000, 2000, 5000, 10000, 20000, 60000]
                 .find(s => span / s <= Math.max(width / 70, 2)) || 60000;

    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";

    for (let t = 0; t <= span; t += step) {
        context.fillStyle = colour("--line");
        context.fillRect(Math.round(x(start + t)), 0, 1, height - axis);
        context.fillStyle = colour("--faint");
        context.fillText(t / 1000 + " s",
                         Math.min(Math.max(x(start + t), 14), width - 18),
                         height - 5);
    }

    if (!run) {
        return;
    }

    /* tasks on top, /quick below */

    const taskRow = rows(lane.tasks, now);
    const quickRow = rows(lane.quick, now);
    const nTask = Math.max(...taskRow, 0) + 1;
    const nQuick = Math.max(...quickRow, 0) + 1;
    const room = height - axis - 10;
    const taskHeight = Math.min(10, room * .4 / nTask);
    const quickHeight = Math.min(10, (room - nTask * taskHeight - 6) / nQuick);
    const base = 6 + nTask * taskHeight + 6;

    function bar(request, top, size, fill) {
        const end = request.end === undefined ? now : request.end;

        context.fillStyle = fill;
        context.fillRect(x(request.due), top,
                         Math.max(x(end) - x(request.due), 2),
                         Math.max(size - (size > 3 ? 1 : 0), .6));
    }

    lane.tasks.forEach((t, i) => {
        bar(t, 6 + taskRow[i] * taskHeight, taskHeight, colour("--task"));
    });

    lane.quick.forEach((q, i) => {
        const end = q.end === undefined ? now : q.end;

        bar(q, base + quickRow[i] * quickHeight, quickHeight,
            colour(end - q.due > SLOW || q.ok === false ? "--slow" : "--quick"));
    });
}


function frame() {
    const now = performance.now();

    if (run) {
        run.span = Math.max(run.span, (now - run.start) * 1.04);
    }

    for (const lane of lanes) {
        if (run && now >= run.start && !run.ended) {
            numbers(lane, now);
        }

        draw(lane, run && run.ended ? run.ended : now);
    }

    if (run && !run.ended) {
        requestAnimationFrame(frame);
    }
}


function tick() {
    const now = performance.now();

    if (run.stopped) {
        finish();
        return;
    }

    for (const lane of lanes) {
        while (lane.tasks.length < run.tasks
               && run.start + lane.tasks.length * STAGGER <= now)
        {
            startTask(lane, lane.tasks.length);
        }

        beat(lane, now);
    }

    if (lanes.every(l => l.over) || now - run.start > LIMIT) {
        finish();
    }
}


function over(state, text) {
    $("state").textContent = text;
    $("run").textContent = "Run";
    document.body.dataset.state = state;
}


async function finish() {
    clearInterval(run.timer);
    clearInterval(run.looks);

    await Promise.all(lanes.map(look));

    const now = performance.now();

    for (const lane of lanes) {
        numbers(lane, now);
        lane.canvas.setAttribute("aria-label",
            `${lane.title}: /quick p50 ${time(lane.result.p50)}, `
            + `worst ${time(lane.result.worst)}, ${lane.result.done} tasks done`);
    }

    run.ended = now;
    $("late").textContent = "in this run its own timer was late by "
                            + time(run.late) + " at most";
    over("done", run.stopped
        ? "Stopped."
        : "Done. Look where /quick had to wait, and behind what.");
    document.body.dataset.result = JSON.stringify(
        Object.fromEntries(lanes.map(l => [l.name, l.result])));
    frame();
}


async function begin() {
    run = {
        duration: Math.round($("duration").value * 1000),
        tasks: Number($("tasks").value),
        beat: Number($("beat").value),
        abort: new AbortController(),
        late: 0,
        span: 5000,
        start: Infinity,
    };

    for (const lane of lanes) {
        Object.assign(lane, {
            tasks: [], quick: [], waiting: [], underway: Array(QUICK_PORTS).fill(0),
            answers: new Map(), done: 0, over: false, result: {},
            before: undefined, heard: undefined, failed: false, bound: 0,
        });
    }

    document.body.dataset.state = "running";
    $("run").textContent = "Stop";
    $("state").textContent = "Running …";

    const mine = run;

    await Promise.all(lanes.map(look));

    if (mine !== run) {
        return;
    }

    if (run.stopped) {
        run = null;
        over("stopped", "Stopped.");
        return;
    }

    if (lanes.some(l => l.failed)) {
        const missing = lanes.filter(l => l.failed).map(l => l.title).join("; ");

        run = null;
        over("failed", `No answer of ${missing}: is "make lab" running?`);
        return;
    }

    run.start = performance.now() + 100;
    run.span = Math.max(5000, run.duration * 1.5);

    for (const lane of lanes) {
        lane.next = run.start;
    }

    run.timer = setInterval(tick, 10);
    run.looks = setInterval(() => lanes.forEach(look), 500);
    requestAnimationFrame(frame);
}


function stop() {
    run.stopped = true;
    run.abort.abort();

    for (const lane of lanes) {
        lane.waiting.forEach(q => { q.end = performance.now(); q.ok = false; });
        lane.waiting = [];
    }
}


$("controls").addEventListener("submit", event => {
    event.preventDefault();

    if (document.body.dataset.state === "running") {
        stop();

    } else {
        begin();
    }
});

lanes = LANES.map(lane => ({ ...lane, tasks: [], quick: [],
                             answers: new Map(), result: {} }));
lanes.forEach(fill);

for (const event of ["resize", "load"]) {
    window.addEventListener(event, () => {
        lanes.forEach(lane => draw(lane, run && run.ended ? run.ended
                                                         : performance.now()));
    });
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", frame);
