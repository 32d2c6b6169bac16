/* The picture of a lane: each request is a bar on one time axis, the same in
 * all lanes. */

"use strict";

const SLOW = 100;              // a /quick that takes longer has waited, ms
const AXIS = 18;               // height of the axis, px


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


/* as many pixels as the screen has, and a clean sheet */

function sheet(canvas) {
    const scale = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    const context = canvas.getContext("2d");

    if (canvas.width !== Math.round(width * scale)
        || canvas.height !== Math.round(height * scale))
    {
        canvas.width = Math.round(width * scale);
        canvas.height = Math.round(height * scale);
    }

    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);

    return { context, width, height };
}


function axis({ context, width, height }, span, x, colour) {
    const step = [500, 1000, 2000, 5000, 10000, 20000, 60000]
                 .find(s => span / s <= Math.max(width / 70, 2)) || 60000;

    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";

    for (let t = 0; t <= span; t += step) {
        context.fillStyle = colour("--line");
        context.fillRect(Math.round(x(t)), 0, 1, height - AXIS);
        context.fillStyle = colour("--faint");
        context.fillText(t / 1000 + " s", Math.min(Math.max(x(t), 14), width - 18),
                         height - 5);
    }
}


function draw(lane, run, now) {
    const paper = sheet(lane.canvas);
    const style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue(name);
    const span = run ? run.span : 5000;
    const x = t => 6 + t / span * (paper.width - 12);

    axis(paper, span, x, colour);

    if (!run) {
        return;
    }

    /* tasks on top, /quick below */

    const taskRow = rows(lane.tasks, now);
    const quickRow = rows(lane.quick, now);
    const nTask = Math.max(...taskRow, 0) + 1;
    const nQuick = Math.max(...quickRow, 0) + 1;
    const room = paper.height - AXIS - 10;
    const taskHeight = Math.min(10, room * .4 / nTask);
    const quickHeight = Math.min(10, (room - nTask * taskHeight - 6) / nQuick);
    const base = 6 + nTask * taskHeight + 6;

    const bar = (request, top, size, fill) => {
        const from = x(request.due - run.start);
        const to = x((request.end === undefined ? now : request.end) - run.start);

        paper.context.fillStyle = fill;
        paper.context.fillRect(from, top, Math.max(to - from, 2),
                               Math.max(size - (size > 3 ? 1 : 0), .6));
    };

    lane.tasks.forEach((t, i) => {
        bar(t, 6 + taskRow[i] * taskHeight, taskHeight, colour("--task"));
    });

    lane.quick.forEach((q, i) => {
        const end = q.end === undefined ? now : q.end;

        bar(q, base + quickRow[i] * quickHeight, quickHeight,
            colour(end - q.due > SLOW || q.ok === false ? "--slow" : "--quick"));
    });
}
