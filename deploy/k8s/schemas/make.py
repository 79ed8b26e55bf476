#!/usr/bin/python3
"""usage: make.py DEFINITIONS VERSION >kubernetes-VERSION.json

Cuts Kubernetes' JSON schemas down to the kinds that deploy/k8s uses, without their prose. DEFINITIONS
is _definitions.json of the strict variant (no unknown members) as the Python package
kubernetes-validate carries it, made from the API's OpenAPI document of that version."""
import json
import sys

KINDS = {
    "v1/ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "v1/Namespace": "io.k8s.api.core.v1.Namespace",
    "v1/Secret": "io.k8s.api.core.v1.Secret",
    "v1/Service": "io.k8s.api.core.v1.Service",
    "v1/ServiceAccount": "io.k8s.api.core.v1.ServiceAccount",
    "apps/v1/Deployment": "io.k8s.api.apps.v1.Deployment",
    "apps/v1/StatefulSet": "io.k8s.api.apps.v1.StatefulSet",
    "autoscaling/v2/HorizontalPodAutoscaler": "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    "batch/v1/Job": "io.k8s.api.batch.v1.Job",
    "networking.k8s.io/v1/Ingress": "io.k8s.api.networking.v1.Ingress",
    "networking.k8s.io/v1/NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
    "policy/v1/PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
}


def reach(schema, definitions, found):
    if isinstance(schema, dict):
        name = schema.get("$ref", "").rpartition("/")[2]
        if name and name not in found:
            found[name] = None
            found[name] = without_prose(definitions[name])
            reach(definitions[name], definitions, found)
        for value in schema.values():
            reach(value, definitions, found)
    elif isinstance(schema, list):
        for value in schema:
            reach(value, definitions, found)


def without_prose(schema, is_properties=False):
    if isinstance(schema, list):
        return [without_prose(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if not is_properties and (key == "description" or key.startswith("x-kubernetes-")):
            continue
        if not is_properties and key == "$ref":
            value = "#/definitions/" + value.rpartition("/")[2]
        kept[key] = without_prose(value, key == "properties" and not is_properties)
    return kept


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        definitions = json.load(file)["$defs"]
    found = {}
    for name in KINDS.values():
        reach({"$ref": "#/definitions/" + name}, definitions, found)
    json.dump({"version": sys.argv[2], "kinds": KINDS, "definitions": found}, sys.stdout, indent=1,
              sort_keys=True)
    print()


if __name__ == "__main__":
    main()
