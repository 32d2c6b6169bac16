/* The operator's page: the jobs of task_jobs with list=on, page by page, and
 * what can be done with each.  What is seen is asked for again every so often;
 * a page that begins after some job stays there, however many come. */

"use strict";

const EVERY = 2000;            // between two looks, ms
const PATIENCE = 5000;         // with an answer

const ENDED = ["done", "failed", "cancelled", "timeout", "lost", "dead"];
const AGAIN = ["failed", "lost", "dead"];

let filter = { state: "", queue: "", limit: "20" };
let after = "";                // where this page begins; "": the newest
let next = null;               // where the next one does
let jobs = [];
let gone = false;
let heard = 0;
let listed = true;             // jobs/ is a list here
let round = 0;                 // a page that was asked for later counts
let timer = 0;


const trouble = new Map();     // what could not be done, by id
const doing = new Map();       // what is being done


function took(job) {
    if (job.started === null) {
        return job.ended === null ? "–" : "never ran";
    }

    const end = job.ended === null ? Date.now() / 1000 : job.ended;

    return time(Math.max(end - job.started, 0));
}


function far({ progress: { done, total, message } }) {
    const part = total ? `${Math.floor(100 * done / total)} %` : "";

    return [part, message].filter(Boolean).join(", ") || "–";
}


function accepted(job) {
    const at = new Date(job.created * 1000);
    const today = at.toDateString() === new Date().toDateString();

    return (today ? "" : at.toLocaleDateString("en-GB") + " ") + clock(at);
}


const DOES = [
    { name: "Cancel", may: job => !ENDED.includes(job.state),
      method: "DELETE", args: "", done: "is asked to end" },
    { name: "Retry", may: job => AGAIN.includes(job.state),
      method: "POST", args: "?retry=1", done: "is queued again" },
    { name: "Forget", may: job => ENDED.includes(job.state),
      method: "DELETE", args: "?forget=1", done: "is forgotten" },
];


function showState(td, job) {
    if (td.firstChild === null) {
        td.append(element("span", "is"), element("span", "trouble"));
    }

    mark(td.parentNode, "data-state", job.state);
    write(td.firstChild, job.state + (job.status ? ` (${job.status})` : ""));
    write(td.lastChild, trouble.get(job.id) || "");
    td.lastChild.hidden = !trouble.has(job.id);
}


function showName(td, job) {
    if (td.firstChild === null) {
        td.append(element("span", "name"), " ", element("code", "id faint", job.id));
    }

    write(td.firstChild, job.function === null || job.function === job.queue
        ? job.queue : `${job.queue} (${job.function})`);
}


function showDoes(td, job) {
    if (td.firstChild === null) {
        td.append(element("span", "does"));
        td.parentNode.tabIndex = -1;

        for (const what of DOES) {
            const button = element("button", "quiet", what.name);

            button.type = "button";
            button.setAttribute("aria-label", `${what.name} ${job.queue} ${job.id}`);
            button.addEventListener("click", () => act(what, job.id));
            td.firstChild.append(button);
        }
    }

    DOES.forEach((what, i) => {
        const button = td.firstChild.children[i];
        const may = what.may(job);

        /* who has the focus there keeps a place to go on from */

        if (!may && document.activeElement === button) {
            td.parentNode.focus();
        }

        button.hidden = !may;
        mark(button, "aria-disabled", String(doing.has(job.id)));
    });
}


const TABLE = table("Jobs", [
    { name: "queue", text: true, show: showName },
    { name: "state", text: true, show: showState },
    { name: "accepted", value: accepted },
    { name: "took", value: took },
    { name: "progress", text: true, value: far },
    { name: "", show: showDoes },
], job => job.id, "No such job.");


function summary() {
    if (gone) {
        return "nginx does not answer"
               + (heard ? `, last heard at ${clock(heard)}` : "")
               + ". This page asks again until it does.";
    }

    if (!listed) {
        return "This nginx lists no jobs.";
    }

    const states = [...new Set(jobs.map(job => job.state))].map(s =>
        `${jobs.filter(job => job.state === s).length} ${s}`);

    return jobs.length
        ? `${count(jobs.length, "job", "jobs")}: ${states.join(", ")}.`
        : "No such job.";
}


function show() {
    write($("verdict"), summary());
    mark($("verdict"), "data-kind", gone ? "gone" : "well");
    document.body.dataset.state = gone ? "gone" : listed ? "listed" : "elsewhere";
    $("elsewhere").hidden = listed;
    $("controls").hidden = !listed;
    $("jobs").hidden = !listed;
    $("pages").hidden = !listed;
    offer($("newest"), after !== "");
    offer($("older"), next !== null);
    write($("page"), after !== "" ? "older ones"
                     : next !== null ? "the newest" : "");
    TABLE.show(jobs);
}


/* a button that goes leaves its focus to one that stays */

function offer(button, yes) {
    const had = document.activeElement === button;

    button.hidden = !yes;

    if (had && !yes) {
        const other = button.parentNode.querySelector("button:not([hidden])");

        (other || $("controls").querySelector("[type=submit]")).focus();
    }
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
    say(gone ? summary() : "nginx answers again.");
}


function wrong(detail) {
    const limit = detail.filter(d => d.loc.at(-1) === "limit").map(d => d.msg);

    write($("limit-wrong"), limit.join("; "));
    mark($("limit"), "aria-invalid", String(limit.length > 0));
}


function address() {
    const args = new URLSearchParams();

    for (const [name, value] of Object.entries({ ...filter, after: after })) {
        if (value !== "") {
            args.set(name, value);
        }
    }

    return "jobs/?" + args;
}


async function look() {
    const mine = ++round;

    clearTimeout(timer);

    const answer = await ask(address(), {}, PATIENCE);

    if (mine !== round) {
        return false;
    }

    timer = setTimeout(look, EVERY);

    if (answer.status === "gone" || answer.status === "slow") {
        hear(false);
        show();
        return false;
    }

    hear(true);
    listed = answer.status !== 404 && answer.status !== 405;

    if (answer.ok && answer.body) {
        wrong([]);
        jobs = answer.body.jobs;
        next = answer.body.next;

    } else if (answer.status === 422) {
        wrong(answer.body.detail);

    } else if (listed) {
        write($("state"), `nginx answers ${answer.status}.`);
    }

    show();

    return answer.ok;
}


/* another page, or another filter: said as soon as it is there */

async function turn(to) {
    after = to;

    if (await look()) {
        write($("state"), "");
        say(summary());
    }
}


function refused(what, answer) {
    if (answer.status === "gone" || answer.status === "slow") {
        hear(false);
        return `${what.name}: nginx does not answer.`;
    }

    const detail = answer.body && answer.body.detail;

    return answer.status === 404 ? "It is not there any more."
        : typeof detail === "string" && detail !== "Conflict"
        ? `${detail}.` : `${what.name}: nginx answers ${answer.status}.`;
}


async function act(what, id) {
    if (doing.has(id)) {
        return;
    }

    doing.set(id, what);
    trouble.delete(id);
    show();

    const answer = await ask(`jobs/${id}${what.args}`, { method: what.method },
                             PATIENCE);

    doing.delete(id);

    if (!answer.ok) {
        trouble.set(id, refused(what, answer));
    }

    const text = answer.ok ? `Job ${id.slice(0, 8)} ${what.done}.`
                           : trouble.get(id);

    write($("state"), text);
    say(text);

    /* the row that has the focus may go: the table is where one goes on */

    const before = document.activeElement;

    await look();

    if (before !== document.body && !before.isConnected) {
        $("controls").querySelector("[type=submit]").focus();
    }
}


$("controls").addEventListener("submit", event => {
    event.preventDefault();
    filter = { state: $("state-is").value, queue: $("queue").value,
               limit: $("limit").value };
    turn("");
});

$("state-is").addEventListener("change", () => $("controls").requestSubmit());
$("newest").addEventListener("click", () => turn(""));
$("older").addEventListener("click", () => next !== null && turn(next));

$("jobs").append(TABLE.node);
show();
look();
