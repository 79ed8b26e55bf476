"""usage: openapi.py OPENAPI PROBLEM.C <routes.c, preprocessed

The document: no key twice, every $ref leads somewhere and every component is used, operations have
an id of their own, a summary, a declared tag and a default answer, path parameters are those of the
path, schemas are sound JSON Schema 2020-12, objects of requests say what more they take, and examples
fit their schemas. Against the gateway: the same routes, filters, bodies and idempotency keys, and
every error code. The table of routes alone: what changes something has a name in the audit trail.
"""
import re
import sys

import jsonschema
import yaml

import source

METHODS = ("get", "post", "patch", "delete", "put", "head", "options", "trace")
ACTION = re.compile(r"[a-z]+\.[a-z_]+\Z")
LIST_PARAMETERS = {"limit", "cursor"}
# What objects of OpenAPI 3.1 may have, as far as this document has such objects; a schema's words are
# those of JSON Schema.
WORDS = {
    "document": "openapi info servers security tags paths components",
    "operation": "tags summary description operationId parameters requestBody responses security",
    "parameter": "name in description required schema style explode example examples",
    "body": "description required content",
    "response": "description headers content",
    "header": "description schema required",
    "media": "schema example examples",
    "components": "securitySchemes parameters headers responses schemas",
    "schema": "$ref type enum const properties required additionalProperties items minItems maxItems "
              "uniqueItems minLength maxLength pattern format minimum maximum exclusiveMinimum "
              "maxProperties allOf oneOf anyOf default description examples example writeOnly "
              "contentMediaType contentSchema x-judged-by-row",
}


class Loader(yaml.SafeLoader):
    """Refuses a key that stands twice; leaves dates as text."""


def mapping(loader, node):
    out = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in out:
            raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice",
                                       problem_mark=key_node.start_mark)
        out[key] = loader.construct_object(value_node, deep=True)
    return out


Loader.add_constructor("tag:yaml.org,2002:map", mapping)
Loader.add_constructor("tag:yaml.org,2002:timestamp", Loader.construct_yaml_str)


class Document:
    def __init__(self, doc):
        self.doc, self.faults, self.used = doc, [], set()
        self.resolver = jsonschema.RefResolver("", doc)

    def fault(self, where, what):
        self.faults.append(f"{where}: {what}")

    def follow(self, thing):
        """What a reference leads to, or the thing itself."""
        seen = 0
        while isinstance(thing, dict) and "$ref" in thing and seen < 10:
            thing, seen = self.at(thing["$ref"]), seen + 1
        return thing if isinstance(thing, dict) else {}

    def at(self, ref):
        here = self.doc
        for part in ref[2:].split("/"):
            here = here.get(part.replace("~1", "/").replace("~0", "~")) \
                if isinstance(here, dict) else None
        return here

    def operations(self):
        for path, item in self.doc["paths"].items():
            for method in METHODS:
                if method in item:
                    yield path, method, item, item[method]

    def parameters(self, item, operation):
        return [self.follow(p) for p in item.get("parameters", []) + operation.get("parameters", [])]

    # --- by itself

    def check_words(self, kind, thing, where):
        """A comma in a description that has no quotes makes a key of what follows it."""
        for word in set(thing) - set(WORDS[kind].split()) - {"$ref"}:
            self.fault(where, f"a {kind} has no '{word}'")

    def check_all_words(self):
        self.check_words("document", self.doc, "#")
        components = self.doc["components"]
        self.check_words("components", components, "components")
        for name, parameter in components["parameters"].items():
            self.check_words("parameter", parameter, f"components/parameters/{name}")
        for name, header in components["headers"].items():
            self.check_words("header", header, f"components/headers/{name}")
        for name, response in components["responses"].items():
            self.check_response_words(response, f"components/responses/{name}")
        for path, method, item, operation in self.operations():
            where = f"{method.upper()} {path}"
            self.check_words("operation", operation, where)
            self.check_words("body", operation.get("requestBody", {}), where + " body")
            for parameter in item.get("parameters", []) + operation.get("parameters", []):
                self.check_words("parameter", parameter, where)
            for status, response in operation.get("responses", {}).items():
                self.check_response_words(response, f"{where} {status}")

    def check_response_words(self, response, where):
        self.check_words("response", response, where)
        for header in response.get("headers", {}).values():
            self.check_words("header", header, where)

    def check_refs(self, thing, where):
        if isinstance(thing, dict):
            ref = thing.get("$ref")
            if isinstance(ref, str):
                self.used.add(ref)
                if not ref.startswith("#/") or self.at(ref) is None:
                    self.fault(where, f"{ref} leads nowhere")
            for key, value in thing.items():
                self.check_refs(value, f"{where}/{key}")
        elif isinstance(thing, list):
            for n, value in enumerate(thing):
                self.check_refs(value, f"{where}/{n}")

    def check_components(self):
        for kind, components in self.doc["components"].items():
            for name in components:
                if kind != "securitySchemes" and f"#/components/{kind}/{name}" not in self.used:
                    self.fault(f"components/{kind}/{name}", "is used by nothing")

    def check_schema(self, schema, where, examples):
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            self.fault(where, f"no sound schema: {error.message}")
            return
        if isinstance(schema, dict):
            self.check_words("schema", schema, where)
            examples = examples + schema.get("examples", []) + \
                ([schema["example"]] if "example" in schema else [])
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        for example in examples:
            for error in validator.iter_errors(example):
                self.fault(where, f"an example does not fit: {error.message}")
        for name, part in subschemas(schema):
            self.check_schema(part, f"{where}/{name}", [])

    def check_content(self, content, where):
        for kind, media in content.items():
            self.check_words("media", media, f"{where} {kind}")
            examples = [self.follow(x).get("value") for x in media.get("examples", {}).values()]
            examples += [media["example"]] if "example" in media else []
            if "schema" in media:
                self.check_schema(media["schema"], f"{where} {kind}", examples)

    def check_closed(self, schema, where, depth=0):
        """Objects of a request refuse what they do not know, and the schema says so."""
        schema = self.follow(schema)
        for part in schema.get("oneOf", []) + schema.get("anyOf", []):
            self.check_closed(part, where, depth + 1)
        parts = schema.get("allOf", [])
        if schema.get("properties") and not parts and depth < 10 and \
                "additionalProperties" not in schema and "unevaluatedProperties" not in schema:
            self.fault(where, "an object of a request without additionalProperties")
        for name, part in schema.get("properties", {}).items():
            self.check_closed(part, f"{where}/{name}", depth + 1)
        self.check_closed_items(schema, where, depth)

    def check_closed_items(self, schema, where, depth):
        if isinstance(schema.get("items"), dict):
            self.check_closed(schema["items"], where + "/items", depth + 1)

    def check_parameters(self, path, item, operation, where):
        parameters = self.parameters(item, operation)
        names = [(p.get("name"), p.get("in")) for p in parameters]
        for name in {n for n in names if names.count(n) > 1}:
            self.fault(where, f"the parameter {name[0]} stands twice")
        in_path = {p.get("name") for p in parameters if p.get("in") == "path"}
        if in_path != set(re.findall(r"{(\w+)}", path)):
            self.fault(where, f"path parameters {sorted(in_path)} are not those of the path")
        for parameter in parameters:
            if parameter.get("in") == "path" and parameter.get("required") is not True:
                self.fault(where, f"{parameter.get('name')} must be required")
            if "schema" not in parameter:
                self.fault(where, f"{parameter.get('name')} has no schema")
            else:
                self.check_schema(parameter["schema"], f"{where} {parameter.get('name')}", [])

    def check_responses(self, operation, where):
        responses = operation.get("responses", {})
        if not any(str(status).startswith("2") for status in responses):
            self.fault(where, "no answer of success")
        if operation.get("security") != [] and "default" not in responses:
            self.fault(where, "no default answer")
        for status, response in responses.items():
            response = self.follow(response)
            if status != "default" and not re.match(r"[1-5][0-9][0-9]\Z", str(status)):
                self.fault(where, f"{status} is no status")
            if not isinstance(status, str):
                self.fault(where, f"{status} stands without quotes")
            if not response.get("description"):
                self.fault(where, f"{status} has no description")
            self.check_content(response.get("content", {}), f"{where} {status}")

    def check_operations(self):
        ids, tags = set(), {tag["name"] for tag in self.doc.get("tags", [])}
        used = set()
        for path, method, item, operation in self.operations():
            where, name = f"{method.upper()} {path}", operation.get("operationId", "")
            if not re.match(r"[a-z][A-Za-z0-9]*\Z", name) or name in ids:
                self.fault(where, f"operationId '{name}' is missing, misspelt or taken")
            ids.add(name)
            if not operation.get("summary"):
                self.fault(where, "has no summary")
            used |= set(operation.get("tags", []))
            if not operation.get("tags") or set(operation["tags"]) - tags:
                self.fault(where, f"tags {operation.get('tags')} are not declared")
            self.check_parameters(path, item, operation, where)
            self.check_responses(operation, where)
            body = self.follow(operation.get("requestBody", {}))
            self.check_content(body.get("content", {}), where + " body")
            for media in body.get("content", {}).values():
                self.check_closed(media.get("schema", {}), where + " body")
        for tag in tags - used:
            self.fault("tags", f"{tag} is used by nothing")

    def check_itself(self):
        if not re.match(r"3\.1\.\d+\Z", str(self.doc.get("openapi"))):
            self.fault("openapi", "is not 3.1")
        self.check_refs(self.doc, "#")
        self.check_all_words()
        self.check_components()
        self.check_operations()
        for name, schema in self.doc["components"]["schemas"].items():
            self.check_schema(schema, f"components/schemas/{name}", [])

    # --- against the gateway

    def check_routes(self, routes):
        served = {route.key: route for route in routes}
        described = {(method.upper(), re.sub(r"{\w+}", "{}", path)): (path, item, operation)
                     for path, method, item, operation in self.operations()}
        for key in served.keys() - described.keys():
            self.fault(" ".join(key), "is served and not described")
        for key in described.keys() - served.keys():
            self.fault(" ".join(key), "is described and not served")
        for key in served.keys() & described.keys():
            self.check_route(served[key], *described[key])

    def check_route(self, route, path, item, operation):
        where = f"{route.method} {path}"
        parameters = {(p.get("in"), p.get("name")): p for p in self.parameters(item, operation)}
        query = {name for kind, name in parameters if kind == "query"}
        if query != route.filters:
            self.fault(where, f"query parameters {sorted(query)}, served are {sorted(route.filters)}")
        key = parameters.get(("header", "Idempotency-Key"))
        if (route.method == "POST") != (key is not None):
            self.fault(where, "a POST takes an Idempotency-Key, others do not")
        elif key and key.get("required", False) != route.needs_key:
            self.fault(where, "the Idempotency-Key is required in one, not in the other")
        body = self.follow(operation.get("requestBody", {}))
        if route.body == "OBJECT" and body.get("required") is not True:
            self.fault(where, "needs a body")
        if route.body == "EMPTY" and body:
            self.fault(where, "takes no body")
        if (route.scope is None) != (operation.get("security") == []):
            self.fault(where, "needs a key in one, not in the other")
        if route.is_change and not ACTION.match(route.action or ""):
            self.fault(where, "changes something and has no action (noun.verb) for the audit trail")
        if not route.is_change and route.action:
            self.fault(where, "changes nothing and has an action")

    def check_codes(self, text):
        document = yaml.dump(self.doc, width=10 ** 6, allow_unicode=True)
        for code in re.findall(r'{ [45]\d\d, "(\w+)",', text):
            if not re.search(rf"`{code}`", document):
                self.fault("errors", f"`{code}` is nowhere described")


def subschemas(schema):
    if not isinstance(schema, dict):
        return
    for key in ("items", "additionalProperties", "not", "if", "then", "else", "contains"):
        if isinstance(schema.get(key), dict):
            yield key, schema[key]
    for key in ("allOf", "anyOf", "oneOf", "prefixItems"):
        for n, part in enumerate(schema.get(key, [])):
            yield f"{key}/{n}", part
    for key in ("properties", "patternProperties", "$defs"):
        yield from schema.get(key, {}).items()


class Route:
    def __init__(self, text):
        def word(pattern):
            found = re.search(pattern, text)
            return found.group(1) if found else None
        self.method = word(r"^\s*HTTP_(\w+)")
        self.pattern = word(r'\.pattern = \(?"([^"]+)"')
        self.scope = word(r"\.scope = SCOPE_(\w+)")
        self.body = word(r"\.body = BODY_(\w+)")
        self.action = word(r'\.action = \(?"([^"]*)"')
        self.needs_key = ".needs_key = true" in text
        filters = re.search(r"\.filters = {([^}]*)}", text)
        self.filters = set(re.findall(r'"([^"]+)"', filters.group(1))) if filters else set()
        if ".is_list = true" in text:
            self.filters |= LIST_PARAMETERS
        self.key = (self.method, re.sub(r"{\w+}", "{}", self.pattern))
        # Who may read may ask for a preview, and may sign in, which does change something.
        self.is_change = self.method != "GET" and (self.scope != "READ" or
                                                   self.pattern == "/v1/session")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = Document(yaml.load(file, Loader))  # the loader is a safe one
    routes = [Route(text) for text in sys.stdin.read().split(".method =")[1:]]
    if len(routes) < 10:
        document.fault("routes", "the table was not understood")
    document.check_itself()
    document.check_routes(routes)
    document.check_codes(source.read(sys.argv[2]))
    for fault in document.faults:
        print(f"{sys.argv[1]}: {fault}")
    return 1 if document.faults else 0


if __name__ == "__main__":
    sys.exit(main())
