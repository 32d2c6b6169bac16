"""Our part of the benchmark of jobs: a job is a request, on a connection that is
kept.  $JOB_PORT and $JOB_URI tell where."""

import http.client
import json
import os

connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["JOB_PORT"]))


def ask(method, uri):
    connection.request(method, uri)
    answer = connection.getresponse()
    text = answer.read()

    if answer.status not in (200, 202):
        raise SystemExit(f"{method} {uri}: {answer.status} {text}")

    return json.loads(text)


def submit(n):
    return ask("POST", f"{os.environ['JOB_URI']}?n={n}")["href"]


def began(href):
    return ask("GET", href + "?wait=30s")["result"]["began"]
