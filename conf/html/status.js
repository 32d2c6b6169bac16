/* The status page: asks /status once a second, and changes in place what has
 * changed since. */

"use strict";

const EVERY = 1000;            // between two looks, ms
const PATIENCE = 1500;         // then another connection, so another worker, ms
const SILENT = 2000;           // so long without an answer is told, ms

const TRY = [
    { path: "quick", about: "is answered from memory, at once" },
    { path: "task", about: "sleeps for 20 s, by a timer of the event loop" },
    { path: "task/thread", about: "sleeps for 20 s, in a thread of a pool" },
    { path: "task/choose", about: "sleeps as long as you choose", seconds: 3 },
];

const tables = new Map();

let heard = 0;                 // when the last answer came
let asked = 0;                 // since when there is no answer
let kind = "";


/* buttons that start a task, each with a clock beside it */

function button(test) {
    const go = element("button", "quiet", "Start");
    const name = element("code", "", "/" + test.path);
    const about = element("span", "about", test.about);
    const out = element("output", "answer");
    const row = element("li", "try", go, name, about);

    go.type = "button";
    go.setAttribute("aria-label", "Start /" + test.path);

    if (test.seconds) {
        const seconds = element("input");
        const label = element("label", "beside", seconds, " seconds");

        Object.assign(seconds, { type: "number", min: 0, max: 30, step: .1,
                                 value: test.seconds });
        about.append(": ", label);
        test.address = () => `${test.path}?duration=`
                             + Math.round(seconds.value * 1000) + "ms";
    }

    out.setAttribute("aria-live", "off");
    row.append(out);
    go.addEventListener("click", () => {
        if (test.abort) {
            test.abort.abort();

        } else {
            start(test, go, out);
        }
    });

    return row;
}


/* Stop closes the connection: the client leaves, and nginx cancels the task */

async function start(test, go, out) {
    const begin = performance.now();
    const took = () => time((performance.now() - begin) / 1000);
    const timer = setInterval(() => write(out, took()), 100);

    test.abort = new AbortController();
    write(out, took());
    write(go, "Stop");
    mark(go, "aria-label", "Stop /" + test.path);

    const answer = await ask(test.address ? test.address() : test.path,
                             { signal: test.abort.signal });

    clearInterval(timer);

    if (test.abort.signal.aborted) {
        write(out, `left after ${took()}`);

    } else if (answer.status === "gone") {
        write(out, `no answer: nginx went away after ${took()}`);

    } else {
        out.replaceChildren(`${answer.status} after ${took()} `,
                            element("code", "", words(answer)));
    }

    say(`/${test.path}: ${out.textContent}`);
    test.abort = null;
    write(go, "Start");
    mark(go, "aria-label", "Start /" + test.path);
}


function words(answer) {
    if (answer.body && Array.isArray(answer.body.detail)) {
        return answer.body.detail.map(d => `${d.loc.at(-1)}: ${d.msg}`).join("; ");
    }

    return answer.body ? answer.text : "";
}


/* those that this nginx has; /quick is in no zone */

function buttons(zones) {
    const has = new Set(zones.flatMap(z => z.tasks.map(t => t.location)));

    $("try").hidden = false;
    keyed($("buttons"), TRY.filter(t => t.path === "quick"
                                        || has.has("/" + t.path)),
          t => t.path, button, () => {});
}


/* the table of a name is made when it is there for the first time */

function shown(parent, name, make) {
    if (!tables.has(name)) {
        const t = make();

        tables.set(name, t);
        parent.append(t.node);
    }

    return tables.get(name);
}


function zone(z, several) {
    const of = several ? ` of zone ${z.name}` : "";
    const newest = Math.max(...z.workers.map(w => w.generation));
    const rows = z.workers.map(w => ({ ...w, old: w.generation < newest }))
                          .sort((a, b) => a.old - b.old || a.worker - b.worker);

    shown($("zones"), "workers " + z.name,
          () => table("Event loops", WORKERS, w => w.pid, "No worker counts here.",
                      "Late: so much after its time the loop of a worker came to "
                      + "a timer; meanwhile nobody was answered."))
        .show(rows, "Event loops" + of);

    shown($("zones"), "tasks " + z.name,
          () => table("Locations", LOCATIONS,
                      t => [t.server, t.location, t.function, t.mode].join(" "),
                      "No task was started yet.",
                      "Half, or 95 %, of those that ended have waited in line, or "
                      + "taken, no longer than this."))
        .show(z.tasks.filter(t => t.started), "Locations" + of);
}


/* what runs, the oldest first: each worker tells some */

function oldest(zones) {
    const runs = zones.flatMap(z => z.workers)
        .flatMap(w => w.oldest.map((t, i) =>
            ({ ...t, pid: w.pid, key: `${w.pid} ${i}` })))
        .sort((a, b) => b.age - a.age);
    const all = zones.flatMap(z => z.tasks).reduce((n, t) => n + t.running, 0);

    $("now").hidden = false;
    keyed($("oldest"), runs, t => t.key,
          () => element("li", "", element("b"), element("span"),
                        element("span", "faint")),
          (li, t) => {
              const [first, name, more] = li.children;

              write(first, age(t.age));
              write(name, (t.server ? t.server + " " : "") + t.location);
              write(more, `${t.function}, ${t.mode}, worker ${t.pid}`);
          });

    write($("none"), all === 0 ? "Nothing."
        : runs.length < all ? `${all - runs.length} more, that began later.` : "");

    return runs.length ? runs[0].age : undefined;
}


/* the sentence on top */

function verdict(name, text) {
    write($("verdict"), text);
    mark($("verdict"), "data-kind", name);
    document.body.dataset.state = name;

    if (name !== kind) {
        kind = name;
        say(text);
    }
}


function late(workers) {
    const worst = workers.filter(w => w.loop_lag > LATE)
                         .sort((a, b) => b.loop_lag - a.loop_lag);

    if (worst.length === 0) {
        return null;
    }

    const [w] = worst;

    return worst.length === 1
        ? `The event loop of worker ${w.pid} stands still, for ${time(w.loop_lag)}: `
          + "nothing that it has is answered."
        : `${worst.length} of ${workers.length} event loops stand still, that of `
          + `worker ${w.pid} for ${time(w.loop_lag)}.`;
}


function judge(zones, longest) {
    const workers = [...new Map(zones.flatMap(z => z.workers)
                                     .map(w => [w.pid, w])).values()];
    const tasks = zones.flatMap(z => z.tasks);
    const running = tasks.reduce((n, t) => n + t.running, 0);
    const waiting = tasks.reduce((n, t) => n + t.waiting, 0);
    const wrong = late(workers);

    if (wrong) {
        verdict("late", wrong);
        return;
    }

    const loops = workers.length === 1 ? "The event loop is on time"
                                       : `All ${workers.length} event loops are on time`;
    const run = running === 0 ? "no task runs"
        : count(running, "task runs", "tasks run")
          + (longest === undefined ? ""
             : `, ${running > 1 ? "the longest " : ""}for ${age(longest)}`);

    verdict("well", `${loops}; ${run}`
                    + (waiting ? `, ${count(waiting, "waits", "wait")}` : "") + ".");
}


function show(status) {
    write($("version"), `nginx ${status.nginx}, module ${status.version}. `);
    buttons(status.zones);

    const longest = oldest(status.zones);

    status.zones.forEach(z => zone(z, status.zones.length > 1));

    if (status.jobs.length) {
        shown($("jobs"), "jobs",
              () => table("Jobs", JOBS, z => z.name, "No zone of jobs."))
            .show(status.jobs);
    }

    if (status.zones.length) {
        judge(status.zones, longest);

    } else {
        verdict("well", "nginx answers; it has no task_zone, so nothing is counted.");
    }
}


function missing(status) {
    const since = heard ? `, last heard at ${clock(heard)}` : "";

    if (status === "gone") {
        asked = 0;
        verdict("gone", `nginx does not answer${since}. This page asks again each `
                        + "second.");

    } else if (status !== "slow") {
        $("elsewhere").hidden = false;
        verdict("elsewhere", "There are no numbers here: /status is answered "
                             + status + ".");
    }
}


/* while there is no answer, on whatever connection */

function silent() {
    const s = (performance.now() - asked) / 1000;

    if (s < SILENT / 1000 || kind === "gone") {
        return;
    }

    verdict("silent", `No answer for ${time(s)}: the event loop that has this `
                      + "page's connection stands still.");
}


async function look() {
    const begin = performance.now();

    asked = asked || begin;

    const watch = setInterval(silent, 500);
    const answer = await ask("status", {}, PATIENCE);

    clearInterval(watch);

    if (answer.ok && answer.body) {
        heard = Date.now();
        asked = 0;
        $("elsewhere").hidden = true;
        show(answer.body);

    } else {
        missing(answer.status);
    }

    document.body.classList.toggle("old", kind === "gone" || kind === "silent");

    if (kind !== "elsewhere") {
        setTimeout(look, Math.max(EVERY - (performance.now() - begin), 100));
    }
}


look();
