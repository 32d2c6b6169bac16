/* Controls of controls: a list with its rows, an object with its members, and
 * a body that is taken as it is. */

"use strict";


function makeControl(given, depth = 0) {
    const spec = { ...given, schema: plainSchema(given.schema) };
    const kind = kindOf(spec.schema, depth);

    const make = { list: listControl, object: objectControl, choice: choiceControl,
                   boolean: boolControl, file: fileControl,
                   json: jsonControl }[kind] || textControl;

    return make(spec, kind, depth);
}


/* a fieldset with its name, its hint, and a place for what is wrong with it */

function group(spec, kind) {
    const name = element("span", "name", spec.name);
    const legend = element("legend", "", name);
    const wrong = element("p", "wrong");
    const hint = element("p", "hint", ...hintFor(spec, kind));
    const inside = element("div", "inside");
    const node = element("fieldset", `field ${kind}`, legend);

    wrong.id = `control-${++serial}-wrong`;
    node.setAttribute("aria-describedby", wrong.id);

    if (spec.required && !spec.row) {
        legend.append(element("span", "must", "required"));
    }

    spec.row || node.append(hint);
    node.append(inside, wrong);

    return {
        node: node, inside: inside,
        rename: text => write(name, text),
        clear: () => write(wrong, ""),

        fault(loc, text) {
            const said = loc.length ? `${loc.join(".")}: ${text}` : text;

            write(wrong, wrong.textContent ? `${wrong.textContent}; ${said}` : said);
        },
    };
}


function objectControl(spec, kind, depth) {
    const { schema } = spec;
    const shown = group(spec, kind);
    const must = schema.required || [];
    const members = new Map();

    for (const [name, each] of Object.entries(schema.properties)) {
        const member = makeControl({ name: name, schema: each,
                                     required: must.includes(name) }, depth + 1);

        members.set(name, member);
        shown.inside.append(member.node);
    }

    return {
        node: shown.node, members: members, rename: shown.rename,

        read(faults) {
            const given = [...members].map(([name, m]) => [name, m.read(faults)])
                .filter(([, value]) => value !== undefined);

            return given.length || spec.required || spec.row
                ? { object: given } : undefined;
        },

        fault(loc, text) {
            const member = members.get(loc[0]);

            member ? member.fault(loc.slice(1), text) : shown.fault(loc, text);
        },

        clear() {
            shown.clear();
            members.forEach(m => m.clear());
        },

        focus: () => [...members.values()][0]?.focus(),
        state: () => Object.fromEntries([...members].map(([n, m]) => [n, m.state()])),

        restore(state) {
            members.forEach((m, name) => state && typeof state === "object"
                && Object.hasOwn(state, name) && m.restore(state[name]));
        },
    };
}


/* one row of a list: its control, and a button that removes it */

function makeRow(spec, depth, remove) {
    const control = makeControl({ name: spec.name, schema: spec.schema.items,
                                  required: true, row: true }, depth + 1);
    const button = element("button", "quiet", "Remove");
    const row = { control: control, button: button,
                  node: element("div", "row", control.node, button) };

    button.type = "button";
    button.addEventListener("click", () => remove(row));

    return row;
}


/* the rows of a list, and the button that adds one; they are numbered anew where
 * one goes, and the focus stays near */

function makeRows(spec, depth, shown) {
    const add = element("button", "quiet", "Add");
    const rows = [];

    const number = () => {
        rows.forEach((row, i) => {
            row.control.rename(`${spec.name} ${i + 1}`);
            mark(row.button, "aria-label", `Remove ${spec.name} ${i + 1}`);
        });
        add.disabled = rows.length >= (spec.schema.maxItems ?? Infinity);
    };

    const changed = () =>
        shown.node.dispatchEvent(new Event("input", { bubbles: true }));

    const remove = row => {
        const i = rows.indexOf(row);

        rows.splice(i, 1);
        row.node.remove();
        number();
        (rows[i] || rows[i - 1] || { button: add }).button.focus();
        changed();
    };

    const append = () => {
        const row = makeRow(spec, depth, remove);

        rows.push(row);
        shown.inside.append(row.node);
        number();

        return row;
    };

    add.type = "button";
    mark(add, "aria-label", `Add a row to ${spec.name}`);
    add.addEventListener("click", () => {
        append().control.focus();
        changed();
    });
    shown.node.append(add);

    return { rows, append, add };
}


function listControl(spec, kind, depth) {
    const shown = group(spec, kind);
    const { rows, append, add } = makeRows(spec, depth, shown);
    const least = spec.required ? Math.min(spec.schema.minItems || 0, 20) : 0;

    for (let i = 0; i < least; i++) {
        append();
    }

    return {
        node: shown.node, rename: shown.rename,
        focus: () => (rows[0] ? rows[0].control : add).focus(),

        read(faults) {
            const list = rows.map(r => r.control.read(faults))
                .filter(value => value !== undefined);

            return list.length || spec.required || spec.row
                ? { list: list } : undefined;
        },

        fault(loc, text) {
            const row = rows[loc[0]];

            row ? row.control.fault(loc.slice(1), text) : shown.fault(loc, text);
        },

        clear() {
            shown.clear();
            rows.forEach(r => r.control.clear());
        },

        state: () => rows.map(r => r.control.state()),

        restore(state) {
            if (Array.isArray(state)) {
                state.forEach((s, i) => (rows[i] || append()).control.restore(s));
            }
        },
    };
}


/* a body as it is: a file, or where that can be, a text */

function rawControl(type, required) {
    const note = type === "*/*" ? "of any type" : type;
    const file = fileControl({ name: "body", required: required, note: note,
                               schema: { contentMediaType: type } }, "file");
    const letters = /^(text\/|\*\/\*)|json|xml/.test(type);

    file.input.accept = type === "*/*" ? "" : type;

    if (!letters) {
        return { ...file, read: faults => file.read(faults) };
    }

    const area = element("textarea");
    const about = { name: "or a text", schema: {}, note: "where no file is chosen" };
    const text = leaf(about, "text", area, () =>
        area.value === "" ? undefined : { text: area.value, json: "" });

    area.rows = 4;
    area.spellcheck = false;

    return {
        node: element("div", "fields", file.node, text.node),
        read: faults => file.read(faults) || text.read(faults),
        fault: file.fault, clear: file.clear, focus: file.focus, rename: file.rename,
        state: () => text.state(), restore: state => text.restore(state),
    };
}
