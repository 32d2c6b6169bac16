/* The numbers of a lane of the lab, and the words for them. */

"use strict";

const ms = n => n === undefined ? "–" : time(n / 1000);


function number(lane, name, text, bad) {
    const dd = lane.section.querySelector(`[data-number=${name}]`);

    write(dd, text);
    dd.classList.toggle("bad", Boolean(bad));
}


/* nearest rank, of sorted values */

function percentile(sorted, p) {
    return sorted[Math.max(Math.ceil(sorted.length * p) - 1, 0)];
}


/* the numbers of a lane's nginx; one that stands still does not answer, and is
 * not asked again meanwhile */

function look(lane) {
    lane.looking = lane.looking || hear(lane).finally(() => {
        lane.looking = null;
    });

    return lane.looking;
}


async function hear(lane) {
    const answer = await ask(`http://127.0.0.1:${lane.port + STATUS_PORT}/status`
                             + `?n=${++serial}`);

    if (!answer.ok || !answer.body) {
        lane.failed = true;
        return;
    }

    const [zone] = answer.body.zones;

    lane.heard = performance.now();
    lane.worst = Math.max(...zone.workers.map(w => w.loop_lag_worst));
    lane.buckets = zone.loop_lag.buckets;

    if (lane.before === undefined) {
        lane.before = { worst: lane.worst, buckets: lane.buckets };
    }
}


/* since Run was pressed: a new worst, or the highest bucket that has grown */

function lag(lane) {
    if (lane.before === undefined) {
        return { text: "–", ms: 0 };
    }

    if (lane.worst > lane.before.worst) {
        return { text: ms(lane.worst * 1000), ms: lane.worst * 1000 };
    }

    let below = 0;
    let text = "under 1 ms";

    for (const [le, n] of Object.entries(lane.buckets)) {
        const grown = n - lane.before.buckets[le];

        if (grown > below) {
            text = le === "+Inf" ? "over 60 s" : "under " + bound(Number(le));
            below = grown;
            lane.bound = le * 1000;
        }
    }

    return { text: text, ms: lane.bound || 0 };
}


/* how long the tasks of a lane take at best, or all of the lanes at most */

function expected(run, atOnce) {
    return Math.max(Math.ceil(run.tasks / atOnce), 1) * run.duration;
}


function longest(run) {
    return expected(run, 1) + QUIET + run.tasks * STAGGER;
}


function showTimes(lane, run, now) {
    const last = lane.tasks.map(t => t.end === undefined ? now : t.end);
    const spent = last.length ? Math.max(...last) - run.start : 0;

    number(lane, "time", `${(spent / 1000).toFixed(1)} of `
           + time(expected(run, lane.atOnce) / 1000));
}


/* the numbers so far; what is not answered yet has waited until now */

function numbers(lane, run, now) {
    const took = lane.quick.filter(q => q.end !== undefined || q.due < now)
                           .map(q => (q.end === undefined ? now : q.end) - q.due)
                           .sort((a, b) => a - b);

    for (const [name, p] of [["p50", .5], ["p95", .95], ["worst", 1]]) {
        const n = took.length ? percentile(took, p) : undefined;

        lane.result[name] = n;
        number(lane, name, ms(n), n > SLOW);
    }

    const good = lane.tasks.filter(t => t.ok).length;

    lane.result.quick = took.length;
    lane.result.waited = took.filter(n => n > SLOW).length;
    lane.result.done = good;
    number(lane, "done", `${good} of ${run.tasks}`,
           lane.tasks.some(t => t.ok === false));
    showTimes(lane, run, now);

    const silent = now - (lane.heard || run.start);

    if (lane.looking && silent > 700) {
        number(lane, "lag", "silent, " + ms(silent), true);

    } else {
        const worst = lag(lane);

        lane.result.lag = worst.ms;
        number(lane, "lag", worst.text, worst.ms > SLOW);
    }

    const counts = [...lane.answers.values()].sort((a, b) => b - a);

    number(lane, "workers", counts.length === 0 ? "–"
           : count(counts.length, "worker", "workers") + ": "
             + counts.join(" + "));
}


/* the verdict: who waited, and for how long */

function verdict(lane) {
    const { quick, waited, worst } = lane.result;

    if (!quick) {
        return "No /quick was sent.";
    }

    return waited
        ? `${waited} of ${quick} /quick waited, up to ${ms(worst)}.`
        : `None of ${quick} /quick waited, the slowest took ${ms(worst)}.`;
}


function showVerdict(lane, text) {
    const words = lane.section.querySelector(".words");
    const { quick, waited } = lane.result;

    write(words, text);
    words.classList.toggle("bad", waited > 0);
    words.classList.toggle("good", quick > 0 && waited === 0);
}


function label(lane, text) {
    mark(lane.canvas, "aria-label", `${lane.title}: ${text}`);
}
