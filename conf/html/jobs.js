/* The page of conf/jobs.conf: begins jobs, and shows what becomes of them.
 *
 * A browser has six connections to a host, and a stream of events takes one for
 * each job.  So the jobs are asked one after another, and however many there
 * are, one connection is enough for all; starting and cancelling have the
 * others. */

"use strict";

const ROUND = 500;             // between two looks at all jobs, ms
const IDLE = 2000;             // where no job runs, or nginx is gone
const PATIENCE = 5000;         // with an answer
const KEPT = 100;              // jobs of this page
const BIG = 4000;              // letters of a result that is not stored

/* The jobs are kept for the session of this tab, not for ever: an id is the key
 * to its job, and two tabs would write over each other's list. */

const STORE = "jobs";

let jobs = [];                 // the newest first
let gone = false;
let heard = 0;
let known = true;              // /status is there to be asked in between
let wake = null;


function store() {
    const rows = jobs.filter(e => !e.unknown).slice(0, KEPT).map(e => {
        const big = e.job && JSON.stringify(e.job).length > BIG;

        return { id: e.id, href: e.href, name: e.name, since: e.since,
                 heard: e.heard, job: big && !e.job.ended ? null : big
                     ? { ...e.job, result: "too long to be kept by this page" }
                     : e.job };
    });

    try {
        sessionStorage.setItem(STORE, JSON.stringify(rows));
    } catch (error) { /* a browser that keeps nothing: a reload forgets them */ }
}


function restore() {
    try {
        jobs = JSON.parse(sessionStorage.getItem(STORE)) || [];

    } catch (error) {
        jobs = [];
    }
}


const silent = answer => answer.status === "gone" || answer.status === "slow";

const over = entry => Boolean(entry.unknown || entry.job && entry.job.ended);


const ORDER = ["running", "queued", "done", "failed", "cancelled", "timeout",
               "lost", "dead", "unknown"];


function states(entries) {
    return ORDER.map(s => [entries.filter(e => stateOf(e) === s).length, s])
                .filter(([n]) => n).map(([n, s]) => `${n} ${s}`).join(", ");
}


/* the sentence on top: which jobs there are, or that nobody can tell */

function summary() {
    if (gone) {
        return "nginx does not answer"
               + (heard ? `, last heard at ${clock(heard)}` : "")
               + ". This page asks again until it does.";
    }

    return jobs.length ? `${count(jobs.length, "job", "jobs")}: ${states(jobs)}.`
                       : "No job yet.";
}


function show() {
    const active = jobs.some(e => !over(e));

    write($("verdict"), summary());
    mark($("verdict"), "data-kind", gone ? "gone" : active ? "busy" : "well");
    document.body.dataset.state = gone ? "gone" : active ? "busy" : "idle";
    $("clear").hidden = !jobs.some(over);
    keyed($("jobs"), jobs, e => e.id, e => makeCard(e, cancel), showCard);
}


/* once when it goes, once when it comes back */

function hear(yes) {
    if (yes) {
        heard = Date.now();
    }

    if (gone === !yes) {
        return;
    }

    gone = !yes;
    jobs.forEach(e => { e.lost = gone; });
    say(gone ? summary() : "nginx answers again.");
}


function take(entry, answer) {
    const before = stateOf(entry);

    hear(true);

    if (answer.status === 404) {
        entry.unknown = true;

    } else if (answer.ok && answer.body) {
        noteDate(answer.date);
        entry.heard = Date.now();
        entry.job = answer.body;
        entry.trouble = "";

    } else {
        entry.trouble = `asked for it, nginx answers ${answer.status}`;
    }

    if (before !== stateOf(entry)) {
        store();
    }
}


async function see(entry) {
    const answer = await ask(entry.href, {}, PATIENCE);

    if (silent(answer)) {
        hear(false);
        return false;
    }

    take(entry, answer);
    return true;
}


/* one after another, never two at once; those that ended are read out together */

async function round() {
    const asked = jobs.filter(e => !over(e));

    for (const entry of asked) {
        if (!await see(entry)) {
            return;
        }
    }

    tell(asked.filter(over));
}


function tell(ended) {
    if (ended.length === 1) {
        say(`${title(ended[0])}: ${stateOf(ended[0])}`);

    } else if (ended.length) {
        say(`${ended.length} jobs have ended: ${states(ended)}.`);
    }
}


/* another nginx has the jobs: here nothing can be started */

function elsewhere(yes) {
    $("elsewhere").hidden = !yes;
    $("controls").hidden = yes;
}


/* where nothing runs, whether nginx is still there */

async function beat() {
    const answer = await ask("status", {}, PATIENCE);

    if (silent(answer)) {
        hear(false);
        return;
    }

    hear(true);
    known = answer.ok;
    elsewhere(!known || answer.body.jobs.length === 0);
}


async function poll() {
    for (;;) {
        const begin = performance.now();
        const active = jobs.some(e => !over(e));

        if (active) {
            await round();

        } else if (known || gone) {
            await beat();
        }

        show();

        const every = gone || !active ? IDLE : ROUND;
        const rest = Math.max(every - (performance.now() - begin), 50);

        await new Promise(resolve => {
            wake = resolve;
            setTimeout(resolve, rest);
        });
    }
}


/* what is wrong with a request stands at the field that it is about */

function fields(detail) {
    for (const id of ["steps", "every"]) {
        const wrong = detail.filter(d => d.loc.at(-1) === id).map(d => d.msg);

        write($(id + "-wrong"), wrong.join("; "));
        mark($(id), "aria-invalid", String(wrong.length > 0));
    }
}


function refused(answer) {
    if (silent(answer)) {
        hear(false);
        return "Not started: nginx does not answer.";
    }

    if (answer.status === 422) {
        const wrong = answer.body.detail.map(d => d.loc.at(-1));

        fields(answer.body.detail);
        return `Not started: ${[...new Set(wrong)].join(" and ")} cannot be so.`;
    }

    if (answer.status === 404) {
        elsewhere(true);
        return "Not started: this nginx has no /countdown.";
    }

    return "Not started: " + ({
        429: "too many in a second, says nginx (429); try again.",
        503: "no room for another job now, says nginx (503).",
    }[answer.status] || `nginx answers ${answer.status}.`);
}


async function start() {
    const steps = $("steps").value;
    const every = $("every").value;
    const many = Math.min(Math.max(Math.round($("many").value) || 1, 1), 20);
    let text = "";
    let n = 0;

    fields([]);

    while (n < many) {
        const address = `countdown?steps=${encodeURIComponent(steps)}`
                        + `&every=${encodeURIComponent(every)}ms`;
        const answer = await ask(address, { method: "POST" }, PATIENCE);

        if (answer.status !== 202) {
            text = refused(answer);
            break;
        }

        hear(true);
        jobs.unshift({ id: answer.body.id,
                       href: answer.body.href.replace(/^\//, ""),
                       name: `countdown, ${count(Number(steps), "step", "steps")}`,
                       since: Date.now(), heard: Date.now(), job: null });
        n++;
        store();
        show();
    }

    text = (n ? `${count(n, "job", "jobs")} accepted. ` : "") + text;
    write($("state"), text);
    say(text);
    show();

    if (wake) {
        wake();
    }
}


async function cancel(entry) {
    entry.cancelling = true;
    show();

    const answer = await ask(entry.href, { method: "DELETE" }, PATIENCE);

    entry.cancelling = false;

    if (silent(answer)) {
        hear(false);
        entry.trouble = "Not cancelled: nginx does not answer.";

    } else if (!answer.ok && answer.status !== 404) {
        entry.trouble = `Not cancelled: nginx answers ${answer.status}.`;

    } else {
        await see(entry);
        tell([entry].filter(over));
    }

    show();
}


$("controls").addEventListener("submit", event => {
    event.preventDefault();
    start();
});

$("clear").addEventListener("click", () => {
    jobs = jobs.filter(e => !over(e));
    store();
    show();
    $("controls").querySelector("[type=submit]").focus();
});

restore();
show();

/* what this nginx has is asked once; then the jobs */

beat().then(poll);
