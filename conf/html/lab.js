/* The lab: sends /task and /quick to four lanes at once, and draws each request
 * as a bar on one time axis while it happens. */

"use strict";

const LANES = [
    {
        name: "async", port: 8100, atOnce: Infinity,
        title: "task_mode async",
        idea: "FastAPI: async def, await asyncio.sleep()",
        conf: "worker_processes 1;\n"
              + "location = /task { task sleep; task_mode async; }",
    },
    {
        name: "sync", port: 8110, atOnce: 1,
        title: "task_mode sync",
        idea: "FastAPI: async def, time.sleep()",
        conf: "worker_processes 1;\n"
              + "location = /task { task sleep; task_mode sync; }",
    },
    {
        name: "thread", port: 8120, atOnce: 40,
        title: "task_mode thread",
        idea: "FastAPI: def, time.sleep()",
        conf: "worker_processes 1;  thread_pool tasks threads=40;\n"
              + "location = /task { task sleep; task_mode thread=tasks; }",
    },
    {
        name: "workers", port: 8130, atOnce: 4,
        title: "task_mode sync, 4 workers",
        idea: "uvicorn --workers 4, time.sleep()",
        conf: "worker_processes 4;\n"
              + "location = /task { task sleep; task_mode sync; }",
    },
];

const TASK_PORTS = 2;          // the first ports of a lane, then those of /quick
const QUICK_PORTS = 6;
const STATUS_PORT = 8;
const PER_PORT = 6;            // connections a browser keeps to a host and port
const STAGGER = 50;            // between the starts of tasks, ms
const QUIET = 400;             // of beats behind the last task, ms
const PATIENCE = 1000;         // with the last numbers of a lane, ms
const GRACE = 30000;           // a run is given up so long after its time, ms

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
    label(lane, "not run yet");
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


function frame() {
    const now = performance.now();

    if (run) {
        run.span = Math.max(run.span, (now - run.start) * 1.04);
    }

    const at = run && run.ended ? run.ended : now;

    for (const lane of lanes) {
        if (run && now >= run.start && !run.ended) {
            numbers(lane, run, now);
            showVerdict(lane, verdict(lane));
        }

        draw(lane, run, at);
    }

    if (run && now >= run.start && !run.ended) {
        write($("state"), `Running, ${((now - run.start) / 1000).toFixed(1)} s of `
                          + `about ${time(longest(run) / 1000)}.`);
    }

    if (run && !run.ended) {
        requestAnimationFrame(frame);
    }
}


function tick() {
    const now = performance.now();

    if (run.stopped) {
        finish("stopped");
        return;
    }

    for (const lane of lanes) {
        while (lane.tasks.length < run.tasks
               && run.start + lane.tasks.length * STAGGER <= now)
        {
            startTask(lane, lane.tasks.length);
        }

        beat(lane, now);

        if (lane.over && !lane.said) {
            lane.said = true;
            say(`${lane.title}: ${verdict(lane)}`);
        }
    }

    if (lanes.every(l => l.over)) {
        finish("done");

    } else if (now - run.start > run.limit) {
        run.abort.abort();
        finish("limit");
    }
}


function over(state, text) {
    write($("state"), text);
    say(text);
    write($("run"), "Run");
    document.body.dataset.state = state;
}


/* what all lanes together show */

function conclusion(how, spent) {
    const slow = lanes.filter(l => l.result.waited).map(l => l.name);
    const well = lanes.filter(l => !l.result.waited).map(l => l.name);
    const names = list => list.join(", ").replace(/, (?=[^,]*$)/, " and ");

    return {
        done: `Done in ${time(spent)}. `,
        stopped: `Stopped after ${time(spent)}. `,
        limit: `Given up after ${time(spent)}: some lane had not ended. `,
    }[how] + (slow.length ? `/quick had to wait in ${names(slow)}`
                            + (well.length ? `, not in ${names(well)}.` : ".")
                          : "No /quick had to wait.");
}


async function finish(how) {
    clearInterval(run.timer);
    clearInterval(run.looks);

    const end = performance.now();

    /* a lane that was stopped may stand still for a while */

    await Promise.race([Promise.all(lanes.map(look)),
                        new Promise(resolve => setTimeout(resolve, PATIENCE))]);

    const now = performance.now();

    for (const lane of lanes) {
        numbers(lane, run, now);
        showVerdict(lane, verdict(lane));
        label(lane, `${verdict(lane)} ${lane.result.done} of ${run.tasks} tasks `
                    + "are done.");
    }

    run.ended = now;
    write($("late"), "in this run its own timer was late by " + ms(run.late)
                     + " at most");
    over("done", conclusion(how, (end - run.start) / 1000));
    document.body.dataset.result = JSON.stringify(
        Object.fromEntries(lanes.map(l => [l.name, l.result])));
    frame();
}


function prepare() {
    run = {
        duration: Math.round($("duration").value * 1000),
        tasks: Number($("tasks").value),
        beat: Number($("beat").value),
        abort: new AbortController(),
        late: 0,
        span: 5000,
        start: Infinity,
    };

    run.limit = longest(run) * 1.5 + GRACE;

    for (const lane of lanes) {
        Object.assign(lane, {
            tasks: [], quick: [], waiting: [], underway: Array(QUICK_PORTS).fill(0),
            answers: new Map(), done: 0, over: false, said: false, result: {},
            before: undefined, heard: undefined, failed: false, bound: 0,
        });
        label(lane, "running");
    }
}


/* the lanes that do not answer, in words */

function absent() {
    const none = lanes.filter(l => l.failed).map(l => l.title);

    $("elsewhere").hidden = none.length === 0;
    return none.length === lanes.length ? "No lane answers."
                                        : `No answer of ${none.join("; ")}.`;
}


async function begin() {
    prepare();
    document.body.dataset.state = "running";
    write($("run"), "Stop");
    write($("state"), "Asking the lanes, which may still have to end what was begun.");

    const mine = run;

    await Promise.all(lanes.map(look));

    if (mine !== run) {
        return;
    }

    if (run.stopped || lanes.some(l => l.failed)) {
        const stopped = run.stopped;

        run = null;
        lanes.forEach(lane => label(lane, "not run"));
        over(stopped ? "stopped" : "failed", stopped ? "Stopped." : absent());
        return;
    }

    $("elsewhere").hidden = true;
    run.start = performance.now() + 100;
    run.span = Math.max(5000, run.duration * 1.5);

    for (const lane of lanes) {
        lane.next = run.start;
    }

    say(`Running, for about ${time(longest(run) / 1000)}.`);
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
        lanes.forEach(lane => draw(lane, run, run && run.ended
                                              ? run.ended : performance.now()));
    });
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", frame);

/* whether this page has lanes at all is said before somebody presses Run */

look(lanes[0]).then(() => {
    $("elsewhere").hidden = !lanes[0].failed;
});
