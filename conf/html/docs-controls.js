/* A control for each kind of value.  Each has
 *
 *     node              what is shown
 *     read(faults)      its value, undefined if nothing is to be sent; what
 *                       cannot be sent at all is told to faults
 *     fault(loc, text)  shows what is wrong with it, or with a part of it
 *     clear()           nothing is wrong any more
 *     rename(text)      another label: the rows of a list are numbered
 *     state(), restore(state)   what was entered, for another form of the body
 *
 * and is made from { name, schema, required, where, about, row }. */

"use strict";

let serial = 0;

const YES = ["true", "yes", "on", "1"];
const LONG_DEFAULT = 60;       // letters of one that is told below its control


function usualWords({ default: usual, ...schema }, kind) {
    if (usual === undefined || secretly(schema)) {
        return "";
    }

    const text = kind !== "boolean" ? inText(usual)
        : YES.includes(String(usual)) ? "yes" : "no";

    return `default ${text.length > LONG_DEFAULT
        ? text.slice(0, LONG_DEFAULT) + " …" : text === "" ? "empty" : text}`;
}


/* what is said below a control: its summary, what it takes, its default */

function hintFor(spec, kind) {
    const { schema } = spec;
    const about = spec.about || schema.description || "";
    const rest = [wordsFor(schema, kind),
                  usualWords(schema, kind), spec.note || ""]
        .filter(Boolean).join(" · ");

    return [about, about && element("br"), element("span", "takes", rest)]
        .filter(Boolean);
}


/* the label, the hint and the place of errors of one control */

function frame(spec, kind, input, note) {
    const id = `control-${++serial}`;
    const name = element("span", "name", spec.name);
    const label = element("label", spec.row ? "unseen" : "", name);
    const hint = element("p", "hint", ...hintFor(spec, kind));
    const wrong = element("p", "wrong");
    const node = element("div", `field ${kind}`);

    Object.assign(label, { htmlFor: id });
    Object.assign(input, { id: id });
    input.dataset.name = spec.name;
    Object.assign(hint, { id: `${id}-hint` });
    Object.assign(wrong, { id: `${id}-wrong` });
    input.setAttribute("aria-describedby", `${id}-wrong ${id}-hint`);

    if (spec.required && !spec.row) {
        label.append(element("span", "must", "required"));
        input.required = true;
    }

    node.append(...kind === "boolean" && input.type === "checkbox"
        ? [element("div", "check", input, label)] : [label, input]);
    note && node.append(note);
    node.append(wrong);
    spec.row || node.append(hint);

    return { node, name, wrong };
}


/* a control that is one element; more errors than one are joined */

function leaf(spec, kind, input, read, note) {
    const { node, name, wrong } = frame(spec, kind, input, note);

    return {
        node: node, input: input, read: read,

        fault(loc, text) {
            const said = loc.length ? `${loc.join(".")}: ${text}` : text;

            write(wrong, wrong.textContent ? `${wrong.textContent}; ${said}` : said);
            mark(input, "aria-invalid", "true");
        },

        clear() {
            write(wrong, "");
            mark(input, "aria-invalid", "false");
        },

        rename: text => write(name, text),
        focus: () => input.focus(),
        state: () => input.type === "checkbox" ? input.checked : input.value,

        restore(state) {
            if (typeof state === "boolean" && input.type === "checkbox") {
                input.checked = state;

            } else if (typeof state === "string" && input.type !== "file") {
                input.value = state;
            }
        },
    };
}


/* an empty text is one where it is asked for, or where someone has made a row */

function emptyCounts(spec, kind) {
    return spec.row
           || spec.required && kind === "string" && !(spec.schema.minLength > 0);
}


function jsonOf(schema, kind, text) {
    const number = ["integer", "number"].includes(kind)
        || typesOf(schema).some(t => t === "number" || t === "integer")
           && NUMBER.test(text);

    return number ? numberText(text) : JSON.stringify(text);
}


function textInput(spec, kind) {
    const { schema } = spec;
    const long = kind === "string" && schema.maxLength > 200 && !secretly(schema);
    const input = element(long ? "textarea" : "input");

    if (long) {
        input.rows = 3;

    } else {
        input.type = secretly(schema) ? "password"
            : kind === "integer" || kind === "number" ? "number" : "text";
    }

    if (input.type === "number") {
        input.step = kind === "integer" ? "1" : "any";
        input.min = schema.minimum ?? schema.exclusiveMinimum ?? "";
        input.max = schema.maximum ?? schema.exclusiveMaximum ?? "";
    }

    input.autocomplete = secretly(schema) ? "new-password" : "off";
    input.spellcheck = false;

    if (schema.default !== undefined && !secretly(schema)) {
        input.placeholder = inText(schema.default);
    }

    return input;
}


function textControl(spec, kind) {
    const input = textInput(spec, kind);
    const note = ["time", "size"].includes(kind) ? element("p", "reading") : null;

    const control = leaf(spec, kind, input, faults => {
        const text = input.value;

        if (input.validity.badInput) {
            faults.push([control, "This is no number."]);
            return undefined;
        }

        return text === "" && !emptyCounts(spec, kind) ? undefined
            : { text: text, json: jsonOf(spec.schema, kind, text),
                secret: secretly(spec.schema) ? spec.name : "" };
    }, note);

    note && input.addEventListener("input", () =>
        write(note, reading(kind, input.value)));

    return control;
}


function option(value, text) {
    const e = element("option", "", text);

    e.value = value;
    return e;
}


/* none: what is chosen where nothing is to be sent */

function choose(spec, kind, values) {
    const select = element("select");
    const { default: usual } = spec.schema;
    const none = !spec.required && !spec.row;

    if (none) {
        select.append(option("", usual === undefined ? "not sent"
                             : `default, ${inText(usual)}`));
    }

    values.forEach((v, i) => select.append(option(String(i), inText(v))));

    if (!none && values.includes(usual)) {
        select.value = String(values.indexOf(usual));
    }

    return leaf(spec, kind, select, () => {
        const value = values[select.value];

        return select.value === "" ? undefined
            : { text: inText(value),
                json: value instanceof Exact ? value.source : JSON.stringify(value),
                secret: secretly(spec.schema) ? spec.name : "" };
    });
}


function choiceControl(spec, kind) {
    return choose(spec, kind, spec.schema.enum || [spec.schema.const]);
}


/* a box where it is known what it is unchecked, else a choice of three */

function boolControl(spec, kind) {
    const { default: usual } = spec.schema;
    const by = YES.includes(String(usual));
    const box = element("input");

    if (usual === undefined && !spec.required && !spec.row) {
        return choose(spec, kind, [true, false]);
    }

    box.type = "checkbox";
    box.checked = by;

    return leaf({ ...spec, required: false }, kind, box, () =>
        box.checked === by && !spec.required && !spec.row ? undefined
            : { text: String(box.checked), json: String(box.checked) });
}


function fileControl(spec, kind) {
    const input = element("input");
    const type = spec.schema.contentMediaType;

    input.type = "file";

    if (type && type !== "application/octet-stream") {
        input.accept = type;
    }

    const control = leaf(spec, kind, input, faults => {
        if (spec.row && !input.files.length) {
            faults.push([control, "No file is chosen."]);
        }

        return input.files.length ? { file: input.files[0] } : undefined;
    });

    return control;
}


/* why a text is no JSON, or not of the type that is asked for */

function jsonFault(schema, text) {
    let value;

    try {
        value = JSON.parse(text);

    } catch (error) {
        return "This is no JSON: " + error.message;
    }

    const is = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
    const types = [].concat(schema.type || []);

    return types.length && !types.includes(is)
           && !(is === "number" && types.includes("integer"))
        ? `This is JSON, but no ${types.join(" or ")}.` : "";
}


function jsonControl(spec, kind) {
    const area = element("textarea");
    const { default: usual } = spec.schema;

    area.rows = 4;
    area.spellcheck = false;

    if (usual !== undefined) {
        area.placeholder = JSON.stringify(usual);
    }

    const control = leaf(spec, kind, area, faults => {
        const text = area.value.trim();
        const fault = text === "" ? "" : jsonFault({}, text);

        if (fault || text === "" && spec.row) {
            faults.push([control, fault || "This is no JSON: it is empty."]);
        }

        return text === "" || fault ? undefined
            : { text: text, json: text, secret: secretly(spec.schema)
                ? spec.name : "" };
    });

    const check = end => {
        const text = area.value.trim();
        const fault = text && jsonFault(spec.schema, text);

        if (!fault || end) {
            control.clear();
            fault && control.fault([], fault);
        }
    };

    /* while one types nothing is wrong yet, but what was may be right now */

    area.addEventListener("input", () => check(false));
    area.addEventListener("change", () => check(true));

    return control;
}
