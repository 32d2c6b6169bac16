/* A request as a line for a shell. */

"use strict";

const WIDE = 76;               // then each option has a line of its own

const ENDINGS = { "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif",
                  "image/webp": "webp", "image/svg+xml": "svg",
                  "application/pdf": "pdf", "application/zip": "zip",
                  "application/json": "json", "text/csv": "csv",
                  "text/plain": "txt", "text/html": "html" };


/* between two ' a shell reads nothing but a ' */

function quoted(text) {
    return /^[\w@%+=:,./-]+$/.test(text) ? text
        : `'${text.replaceAll("'", "'\\''")}'`;
}


function ending(type) {
    return ENDINGS[type.split(";")[0].trim().toLowerCase()] || "bin";
}


/* in "": a name of a file may have a comma or a semicolon */

function part(field) {
    if (!field.file) {
        return ["--form-string", `${field.name}=${field.text}`];
    }

    const name = field.file.name.replace(/[\\"]/g, "\\$&");
    const type = field.file.type || "application/octet-stream";

    return ["-F", `${field.name}=@"${name}";type=${type}`];
}


/* "-" would be what is typed into curl */

const fromFile = file => `@${file.name === "-" ? "./-" : file.name}`;


function bodyOptions(body) {
    if (body.type === "multipart") {
        return body.fields.map(part);
    }

    if (body.fields) {
        return body.fields.map(f => ["--data-urlencode",
                                     `${encoded(f.name)}=${f.text}`]);
    }

    return [["-H", `Content-Type: ${body.type}`],
            body.file ? ["--data-binary", fromFile(body.file)]
                      : ["--data-raw", body.text]];
}


function methodOptions({ method, body }) {
    return method === "HEAD" ? [["-I"]]
        : method === (body ? "POST" : "GET") ? [] : [["-X", method]];
}


/* bytes do not belong into a terminal */

function outputOptions({ answers, name }) {
    const type = answers[0] || "";
    const readable = /^text\/|json|xml|\*/.test(type);

    return answers.length !== 1 || readable || streams(type) ? []
        : [["-o", `${name.replace(/\W+/g, "-")}.${ending(type)}`]];
}


function curlLine(request) {
    const options = [
        ...request.streams ? [["-N"]] : [],
        ...methodOptions(request),
        ...request.headers.map(([name, text]) =>
            ["-H", text === "" ? `${name};` : `${name}: ${text}`]),
        ...request.cookies.map(([name, text]) => ["-b", `${name}=${text}`]),
        ...request.body ? bodyOptions(request.body) : [],
        ...outputOptions(request),
    ].map(words => words.map(quoted).join(" "));

    const line = ["curl", ...options, quoted(request.url)].join(" ");

    return line.length <= WIDE ? line
        : ["curl", ...options.map(o => `    ${o}`), `    ${quoted(request.url)}`]
            .join(" \\\n").replace(/^curl \\\n {4}/, "curl ");
}
