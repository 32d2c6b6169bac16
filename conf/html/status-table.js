/* The tables of the status page: their columns, and cells that are more than a
 * text. */

"use strict";

const LATE = .1;               // a loop that is later stands still, seconds

const ENDS = {
    done: "answered",
    failed: "the function said that it failed",
    cancelled: "the client left, or the job was cancelled",
    rejected: "there was no room",
    timeout: "task_timeout was over",
    given_back: "jobs that wait again, for another worker",
    lost: "their worker was killed",
};


/* the upper bound of the bucket that holds this part of what was counted */

function percentile(histogram, p) {
    if (histogram.count === 0) {
        return "–";
    }

    for (const [le, n] of Object.entries(histogram.buckets)) {
        if (n >= histogram.count * p) {
            return le === "+Inf" ? "more" : "≤ " + bound(Number(le));
        }
    }

    return "–";
}


/* A table whose rows are known by a key.  A column has a name, and shows an
 * item in a cell or tells its text; texts are to the left, numbers to the
 * right.  The roles are still there where a phone gets cards. */

function table(title, columns, key, none, note = "") {
    const head = element("tr");
    const body = element("tbody");
    const empty = element("p", "faint", none);
    const grid = element("table", "", element("thead", "", head), body);
    const name = element("h2", "", title);
    const foot = element("p", "note", note);

    for (const column of columns) {
        const th = element("th", column.text ? "text" : "", column.name);

        th.scope = "col";
        th.setAttribute("role", "columnheader");
        head.append(th);
    }

    grid.setAttribute("role", "table");
    grid.setAttribute("aria-label", title);
    head.setAttribute("role", "row");

    const row = () => {
        const tr = element("tr");

        tr.setAttribute("role", "row");

        for (const column of columns) {
            const td = element("td", column.text ? "text" : "");

            td.setAttribute("role", "cell");
            td.dataset.name = column.name;
            tr.append(td);
        }

        return tr;
    };

    return {
        node: element("section", "", name, grid, empty, foot),
        show(items, heading) {
            write(name, heading || title);
            grid.hidden = items.length === 0;
            empty.hidden = items.length > 0;
            foot.hidden = !note || items.length === 0;
            keyed(body, items, key, row, (tr, item) => columns.forEach((c, i) =>
                c.show ? c.show(tr.cells[i], item)
                       : write(tr.cells[i], String(c.value(item)))));
        },
    };
}


/* a bar of up to 10 s, by its logarithm from 1 ms on, and the time */

function lag(td, s) {
    if (td.firstChild === null) {
        td.append(element("span", "track", element("span", "fill")),
                  element("span", "value"));
    }

    const part = Math.max(Math.min(Math.log10(s * 1000 + 1) / 4, 1), 0);

    td.querySelector(".fill").style.width = Math.round(part * 100) + "%";
    td.classList.toggle("bad", s > LATE);
    write(td.querySelector(".value"), time(s));
}


/* how tasks ended: a line, and all of it on demand */

function ends(td, counts) {
    const some = Object.entries(counts).filter(([, n]) => n);

    if (td.firstChild === null) {
        td.append(element("details", "", element("summary"), element("dl")),
                  element("span", "", "none yet"));
    }

    const [fold, none] = td.children;

    fold.hidden = some.length === 0;
    none.hidden = some.length > 0;
    write(fold.querySelector("summary"),
          some.map(([name, n]) => `${n} ${name}`).join(", "));

    keyed(fold.querySelector("dl"), Object.entries(counts), ([name]) => name,
          ([name]) => element("div", "", element("dt", "", name),
                              element("dd", "", element("b"), " ",
                                      ENDS[name] || "")),
          (div, [, n]) => write(div.querySelector("b"), String(n)));
}


function worker(td, w) {
    if (td.firstChild === null) {
        td.append(element("b", "", String(w.pid)), " ",
                  element("span", "faint"));
    }

    write(td.lastChild, w.old ? "leaves: a reload replaced it"
                              : "number " + w.worker);
}


const WORKERS = [
    { name: "worker (pid)", text: true, show: worker },
    { name: "late now", show: (td, w) => lag(td, w.loop_lag) },
    { name: "late at worst", show: (td, w) => lag(td, w.loop_lag_worst) },
    { name: "tasks running", value: w => w.running },
    { name: "waiting", value: w => w.waiting },
    { name: "threads in use", text: true,
      value: w => w.pools.filter(p => p.running || p.waiting)
                   .map(p => `${p.running} of pool ${p.name}`
                             + (p.waiting ? `, ${p.waiting} in its queue` : ""))
                   .join("; ") || "none" },
];

const LOCATIONS = [
    { name: "location", text: true,
      value: t => (t.server ? t.server + " " : "") + t.location },
    { name: "function", text: true, value: t => `${t.function}, ${t.mode}` },
    { name: "running", value: t => t.running },
    { name: "waiting", value: t => t.waiting },
    { name: "ended", text: true, show: (td, t) => ends(td, t.ended) },
    { name: "waited, 95 %", value: t => percentile(t.queue_time, .95) },
    { name: "took, half", value: t => percentile(t.run_time, .5) },
    { name: "took, 95 %", value: t => percentile(t.run_time, .95) },
];

const ended = ({ queued, running, ...rest }) => rest;

const JOBS = [
    { name: "zone", text: true, value: z => z.name },
    { name: "running", value: z => z.states.running },
    { name: "waiting", value: z => z.states.queued },
    { name: "ended and kept", text: true,
      show: (td, z) => ends(td, ended(z.states)) },
    { name: "places taken", value: z => `${z.places.used} of ${z.places.total}` },
    { name: "room of results",
      value: z => z.blocks.total
          ? Math.round(100 * z.blocks.used / z.blocks.total) + " % taken" : "–" },
    { name: "oldest waits", value: z => z.oldest_queued_seconds
          ? time(z.oldest_queued_seconds) : "–" },
    { name: "tried again", value: z => z.retried },
    { name: "dropped early", value: z => z.dropped },
    { name: "refused", value: z => z.refused },
];
