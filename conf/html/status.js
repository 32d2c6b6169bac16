/* The status page: asks /status once a second and shows what it says. */

"use strict";

const EVERY = 1000;            // ms
const LATE = 0.1;              // a loop that is later stands still, seconds

const $ = id => document.getElementById(id);

let version;


function element(name, content, className) {
    const e = document.createElement(name);

    e.append(...(Array.isArray(content) ? content : [content]));

    if (className) {
        e.className = className;
    }

    return e;
}


function time(s) {
    return s < 1 ? Math.round(s * 1000) + " ms" : s.toFixed(2) + " s";
}


/* the upper bound of the bucket that holds this part of what was counted */

function percentile(histogram, p) {
    if (histogram.count === 0) {
        return "–";
    }

    for (const [le, n] of Object.entries(histogram.buckets)) {
        if (n >= histogram.count * p) {
            return le === "+Inf" ? "more" : "≤ " + time(Number(le));
        }
    }

    return "–";
}


function table(caption, heads, rows, none) {
    const body = rows.length
        ? rows.map(row => element("tr", row.map(cell =>
              cell instanceof Node && cell.nodeName === "TD" ? cell
                                                : element("td", cell))))
        : [ element("tr", (() => {
              const td = element("td", none);
              td.colSpan = heads.length;
              return td;
          })()) ];

    return element("div", element("table", [
        element("caption", caption),
        element("thead", element("tr", heads.map(h => {
            const th = element("th", h);
            th.scope = "col";
            return th;
        }))),
        element("tbody", body),
    ]), "wide");
}


/* a bar of up to 10 s, by its logarithm from 1 ms on */

function bar(s) {
    const span = element("span", "", s > LATE ? "bar bad" : "bar");

    span.style.width = Math.max(Math.min(Math.log10(s * 1000 + 1), 4), 0) * 1.25
                       + "rem";

    return element("td", [span, " " + time(s)]);
}


function workers(zone) {
    return table("Workers", ["pid", "number", "generation", "loop is late by",
                             "at worst", "running", "waiting",
                             "pools: threads held + queue"],
        zone.workers.map(w => [
            String(w.pid), String(w.worker), String(w.generation),
            bar(w.loop_lag), bar(w.loop_lag_worst),
            String(w.running), String(w.waiting),
            w.pools.filter(p => p.running || p.waiting || w.pools.length < 3)
                   .map(p => `${p.name}: ${p.running} + ${p.waiting}`)
                   .join(", ") || "–",
        ]), "none");
}


function tasks(zone) {
    const used = zone.tasks.filter(t => t.started);
    const ends = ["done", "failed", "cancelled", "rejected", "timeout", "lost"];

    return table("Tasks", ["location", "function", "mode", "running", "waiting",
                           ...ends, "queue p95", "run p50", "run p95"],
        used.map(t => [
            (t.server ? t.server + " " : "") + t.location, t.function, t.mode,
            String(t.running), String(t.waiting),
            ...ends.map(end => String(t.ended[end])),
            percentile(t.queue_time, .95),
            percentile(t.run_time, .5), percentile(t.run_time, .95),
        ]), "none yet: ask for one of the locations above");
}


function card(zone) {
    return element("section", [
        element("h2", `zone ${zone.name}`), workers(zone), tasks(zone),
    ], "card");
}


function jobs(zones) {
    const states = ["queued", "running", "done", "failed", "cancelled",
                    "timeout", "lost"];
    const room = r => `${r.used} of ${r.total}`;

    return element("section", [
        element("h2", "jobs"),
        table("Zones", ["zone", ...states, "places", "blocks of results",
                        "dropped", "refused"],
            zones.map(z => [
                z.name, ...states.map(state => String(z.states[state])),
                room(z.places), room(z.blocks),
                String(z.dropped), String(z.refused),
            ]), "none"),
    ], "card");
}


async function ask() {
    const start = performance.now();

    try {
        const answer = await fetch("status", { cache: "no-store" });
        const status = await answer.json();
        const took = performance.now() - start;

        version = version || `nginx ${status.nginx}, module ${status.version}`;
        $("state").textContent = took > EVERY
            ? `Answered after ${time(took / 1000)}: the loop stood still. `
              + version + "."
            : version + ".";
        $("zones").replaceChildren(...status.zones.map(card),
            ...(status.jobs.length ? [jobs(status.jobs)] : []));

    } catch (error) {
        $("state").textContent = "No answer: nginx does not run.";
    }

    setTimeout(ask, Math.max(EVERY - (performance.now() - start), 100));
}


ask();
