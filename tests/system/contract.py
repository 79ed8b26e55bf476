"""Holds requests and answers to proto/openapi.yaml.

Every answer that a test gets through belfry.Api is looked at, and those that come over sockets of a
test's own where it hands them in (raw, event): its status and its error's code must be
those that the operation documents, its headers, content type and body as described, without a member
that the document does not know. A request that succeeded must have been one that the document allows.
"""
import http.client
import io
import json
import os
import re
import urllib.parse

import jsonschema
import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z", re.IGNORECASE)
FORMATS = jsonschema.FormatChecker(())
FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or bool(TIME.match(value)))
FORMATS.checks("date")(lambda value: not isinstance(value, str) or
                       bool(re.match(r"\d{4}-\d\d-\d\d\Z", value)))
FORMATS.checks("uri")(lambda value: not isinstance(value, str) or
                      bool(re.match(r"[a-z][a-z0-9+.-]*:\S+\Z", value, re.IGNORECASE)))
TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
BY_ROW = "x-judged-by-row"


class ContractError(AssertionError):
    """An exchange that the document does not describe."""


class Operation:
    def __init__(self, document, path, item, operation):
        self.document, self.path = document, path
        self.parameters = [document.follow(p) for p in
                           item.get("parameters", []) + operation.get("parameters", [])]
        self.body = document.follow(operation.get("requestBody", {}))
        self.responses = {status: document.follow(response)
                          for status, response in operation["responses"].items()}
        self.validators = {}

    def validator(self, name, schema, is_answer):
        """The schema with its references in place, read once."""
        if name not in self.validators:
            whole = self.document.whole(schema, is_answer)
            self.validators[name] = jsonschema.Draft202012Validator(whole, format_checker=FORMATS)
        return self.validators[name]

    def faults_of(self, name, schema, value, is_answer):
        for error in self.validator(name, schema, is_answer).iter_errors(value):
            at = "/".join(map(str, error.absolute_path))
            yield f"{name}: /{at}: {error.message[:300]}"

    def response(self, status):
        """What is documented for a status: by itself, or in the words of the default answer."""
        response = self.responses.get(str(status))
        if response is None:
            response = self.responses.get("default", {})
            if not re.search(rf"\b{status}\b", response.get("description", "")):
                return None
        return response


class Document:
    def __init__(self):
        with open(os.path.join(ROOT, "proto/openapi.yaml"), encoding="utf-8") as file:
            self.doc = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.paths = []
        for path, item in self.doc["paths"].items():
            pattern = re.compile(re.sub(r"{\w+}", "[^/]+", path.replace(".", r"\.")) + r"\Z")
            methods = {method.upper(): Operation(self, path, item, operation)
                       for method, operation in item.items() if method != "parameters"}
            self.paths.append((path.count("{"), pattern, methods))
        self.paths.sort(key=lambda entry: entry[0])  # a literal path goes before one with ids
        self.problem = self.whole({"$ref": "#/components/schemas/Problem"}, True)

    def follow(self, thing):
        while "$ref" in thing:
            here = self.doc
            for part in thing["$ref"][2:].split("/"):
                here = here[part]
            thing = here
        return thing

    def operation(self, method, path):
        for _, pattern, methods in self.paths:
            if pattern.match(path):
                return methods.get("GET" if method == "HEAD" else method)
        return None

    def whole(self, schema, is_answer):
        """A schema without references. Of an answer: parts of an allOf become one object, and what
        an object does not name it does not have. Of a request: rows that are judged one by one,
        without failing it, may be anything."""
        if isinstance(schema, list):
            return [self.whole(part, is_answer) for part in schema]
        if not isinstance(schema, dict):
            return schema
        schema = self.follow(schema)
        if is_answer and "allOf" in schema:
            schema = self.merge(schema)
        out = {key: self.members(value, is_answer) if key == "properties"
               else self.whole(value, is_answer) if key in
               ("items", "allOf", "anyOf", "oneOf", "additionalProperties") else value
               for key, value in schema.items() if not key.startswith("example")}
        if is_answer and "properties" in out:
            out.setdefault("additionalProperties", False)
        if not is_answer and schema.get(BY_ROW):
            out.pop("items")
        return out

    def members(self, properties, is_answer):
        return {name: self.whole(part, is_answer) for name, part in properties.items()}

    def merge(self, schema):
        out = {"type": "object", "properties": {}, "required": []}
        for part in schema["allOf"]:
            part = self.follow(part)
            if "allOf" in part:
                part = self.merge(part)
            out["properties"].update(part.get("properties", {}))
            out["required"] += part.get("required", [])
        return out

    # --- an exchange

    def faults(self, request, answer):
        operation = self.operation(request.method, request.path)
        if answer.status >= 400:
            yield from self.faults_of_problem(operation, answer)
        if operation is None:
            if answer.status not in (400, 404, 405, 501):
                yield f"{answer.status} at a path and method that are not described"
            return
        response = operation.response(answer.status)
        if response is None:
            yield f"the status {answer.status} is not described"
            return
        yield from self.faults_of_answer(operation, request, response, answer)
        if answer.status < 400:
            yield from self.faults_of_request(operation, request)

    def faults_of_problem(self, operation, answer):
        """An error is a problem, and its code stands where the status is described."""
        if not answer.body or not answer.headers["Content-Type"].startswith("application/"):
            return  # to HEAD, and of paths that speak plain text
        body = json.loads(answer.body)
        for error in jsonschema.Draft202012Validator(self.problem).iter_errors(body):
            yield f"problem: {error.message[:300]}"
        response = operation.response(answer.status) if operation else None
        if response and f"`{body.get('code')}`" not in response["description"]:
            yield f"the code {body.get('code')} is not described for {answer.status}"

    @staticmethod
    def faults_of_answer(operation, request, response, answer):
        if not answer.headers.get("X-Request-Id"):
            yield "no X-Request-Id"
        # What could not be read as a request belongs to no trace.
        if answer.headers.get("X-Content-Type-Options") and not TRACE.match(
                answer.headers.get("traceresponse", "")):
            yield "no traceresponse"
        for name in response.get("headers", {}) if answer.status < 300 else ():
            if name not in answer.headers:
                yield f"no {name}"
        content = response.get("content", {})
        kind = (answer.headers.get("Content-Type") or "").split(";")[0]
        if request.method == "HEAD" or (not content and not answer.body):
            return
        if kind not in content:
            yield f"the content type {kind!r} is not one of {sorted(content)}"
        elif kind.endswith("json"):
            yield from operation.faults_of(f"{answer.status} {kind}", content[kind]["schema"],
                                           json.loads(answer.body), True)

    def faults_of_request(self, operation, request):
        given = urllib.parse.parse_qs(request.query, keep_blank_values=True)
        known = {p["name"]: p for p in operation.parameters if p["in"] == "query"}
        for name in set(given) - set(known):
            yield f"the query parameter {name} is not described"
        for parameter in operation.parameters:
            values = given.get(parameter["name"]) if parameter["in"] == "query" else \
                request.header(parameter["name"]) if parameter["in"] == "header" else ["x"]
            if not values:
                if parameter.get("required"):
                    yield f"went without {parameter['name']}"
            elif parameter["in"] != "path":
                schema = self.follow(parameter["schema"])
                yield from operation.faults_of(parameter["name"], schema,
                                               from_text(schema, values[0]), False)
        yield from self.faults_of_body(operation, request)

    @staticmethod
    def faults_of_body(operation, request):
        content = operation.body.get("content", {})
        if request.body is None or (not content and request.body in (b"", b"{}")):
            if operation.body.get("required"):
                yield "went without a body"
            return
        kind = ((request.header("Content-Type") or [""])[0]).split(";")[0].lower()
        if kind not in content:
            yield f"was sent as {kind!r}, which is not described"
        elif kind.endswith("json"):
            yield from operation.faults_of("body", content[kind]["schema"],
                                           json.loads(request.body), False)


class Raw:
    """The bytes of an answer, as http.client wants them."""

    def __init__(self, data):
        self.data = data

    def makefile(self, *_):
        return io.BytesIO(self.data)


class Request:
    def __init__(self, method, target, body, headers):
        parts = urllib.parse.urlsplit(target)
        self.method, self.path, self.query = method, parts.path, parts.query
        self.body = body
        self.headers = {name.lower(): str(value) for name, value in (headers or {}).items()}
        if body is not None and not isinstance(body, bytes):
            try:
                self.body = json.dumps(body).encode()
            except TypeError:  # a file, which goes as it is
                self.body = b"..."
            else:
                self.headers.setdefault("content-type", "application/json")

    def header(self, name):
        value = self.headers.get(name.lower())
        return None if value is None else [value]


def from_text(schema, text):
    """A parameter's value in the type that its schema names."""
    if schema.get("type") == "integer":
        return int(text) if re.match(r"-?\d+\Z", text) else text
    if schema.get("type") == "array":
        return text.split(",")
    return text


DOCUMENT = None
FAULTS = []  # of all exchanges so far: threads of tests may swallow what is raised


def document():
    global DOCUMENT
    if DOCUMENT is None:
        DOCUMENT = Document()
    return DOCUMENT


def check(method, target, body, headers, answer):
    """Raises ContractError where the exchange is not as documented."""
    if target == "/" or target.startswith("/dashboard"):
        return  # files of the dashboard, which are no part of the API
    faults = list(document().faults(Request(method, target, body, headers), answer))
    complain(f"{method} {target}: {answer}", faults)


def raw(sent, data, answer_type):
    """Holds an answer that came as bytes to the document, by the first line of what was sent; gives it
    as an answer_type(status, headers, body)."""
    response = http.client.HTTPResponse(Raw(data))
    response.begin()
    answer = answer_type(response.status, response.headers, response.read())
    if not data.endswith(b"\r\n\r\n" + answer.body):
        raise ContractError(f"more than an answer: {data!r}")
    line = sent.split(b"\r\n")[0].decode("latin-1").split(" ")
    check(line[0], line[1], None, {}, answer)
    return answer


def event(target, name, data):
    """Holds an event of a stream to what the document says of the stream's answer."""
    operation = document().operation("GET", target)
    schema = operation.responses["200"]["content"]["text/event-stream"]["schema"]
    faults = list(operation.faults_of("event", schema["contentSchema"], data, True))
    if f"`event: {name}`" not in document().follow(document().doc["paths"][
            "/v1/campaigns/{campaign_id}/stream"])["get"]["description"]:
        faults.append(f"the event {name} is not described")
    complain(f"GET {target}: event {name}: {data}", faults)


def complain(what, faults):
    if faults:
        error = ContractError(f"{what}\n  proto/openapi.yaml: " +
                              "\n  proto/openapi.yaml: ".join(faults[:8]))
        FAULTS.append(str(error))
        raise error
