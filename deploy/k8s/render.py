#!/usr/bin/python3
"""usage: render.py OVERLAY

Prints what `kubectl kustomize deploy/k8s/overlays/OVERLAY` prints, for the part of Kustomize that
these files use, so that they can be checked where there is no Kustomize. Whatever it does not know it
refuses."""
import copy
import os
import sys

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
KNOWN = {"apiVersion", "kind", "resources", "namespace", "images", "patches"}
MERGE_KEYS = {"containers": "name", "initContainers": "name", "volumes": "name", "env": "name",
              "ports": "containerPort", "volumeMounts": "mountPath"}
CLUSTER_WIDE = {"Namespace"}


def load(path):
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.safe_load_all(file) if document]


def identity(manifest):
    return manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]


def merge(base, patch, key=None):
    """A strategic merge: maps member by member, lists of named things by name, all else replaced."""
    if isinstance(base, dict) and isinstance(patch, dict):
        for name, value in patch.items():
            base[name] = merge(base[name], value, name) if name in base else copy.deepcopy(value)
        return base
    if isinstance(base, list) and isinstance(patch, list) and key in MERGE_KEYS:
        by = MERGE_KEYS[key]
        have = {item[by]: item for item in base}
        new = [copy.deepcopy(item) for item in patch if item[by] not in have]
        for item in patch:
            if item[by] in have:
                merge(have[item[by]], item)
        return new + base
    return copy.deepcopy(patch)


def pod_specs(manifest):
    """The pod templates of a manifest."""
    spec = manifest.get("spec", {})
    return [spec["template"]["spec"]] if "template" in spec else []


def set_images(manifest, images):
    for pod in pod_specs(manifest):
        for container in pod.get("initContainers", []) + pod["containers"]:
            for image in images:
                if container["image"] == image["name"]:
                    container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"


def build(folder):
    """The manifests of a kustomization."""
    kustomization, = load(os.path.join(folder, "kustomization.yaml"))
    unknown = set(kustomization) - KNOWN
    if unknown:
        raise SystemExit(f"{folder}: {', '.join(sorted(unknown))}: not known to this renderer")
    manifests = []
    for entry in kustomization.get("resources", []):
        path = os.path.normpath(os.path.join(folder, entry))
        manifests += build(path) if os.path.isdir(path) else load(path)
    ids = [identity(manifest) for manifest in manifests]
    if len(set(ids)) != len(ids):
        raise SystemExit(f"{folder}: a resource is given twice")
    by_id = dict(zip(ids, manifests))
    for entry in kustomization.get("patches", []):
        if set(entry) != {"path"}:
            raise SystemExit(f"{folder}: patches are files here")
        for patch in load(os.path.join(folder, entry["path"])):
            if identity(patch) not in by_id:
                raise SystemExit(f"{folder}: {entry['path']}: no such resource to change")
            merge(by_id[identity(patch)], patch)
    for manifest in manifests:
        set_images(manifest, kustomization.get("images", []))
        if "namespace" in kustomization and manifest["kind"] not in CLUSTER_WIDE:
            manifest["metadata"]["namespace"] = kustomization["namespace"]
    return manifests


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__.splitlines()[0])
    class Plain(yaml.SafeDumper):
        """Without anchors."""

        def ignore_aliases(self, data):
            return True

    print(yaml.dump_all(build(os.path.join(HERE, "overlays", sys.argv[1])), Dumper=Plain,
                        sort_keys=False, width=200), end="")


if __name__ == "__main__":
    main()
