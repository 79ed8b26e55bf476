#!/usr/bin/python3
"""Renders deploy/k8s/overlays/* and judges the manifests: by the JSON schemas of the Kubernetes API
(deploy/k8s/schemas, strict: no unknown member), and by the rules that a schema cannot say. First it
shows that it can refuse: each of a list of spoilt manifests must have a fault."""
import copy
import glob
import json
import os
import re
import sys

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
K8S = os.path.join(ROOT, "deploy/k8s")
sys.path.insert(0, K8S)
import render  # noqa: E402

OURS = "belfry"
SERVICES = {"api-gateway", "scheduler", "dispatcher", "webhook-sender"}
DIALERS = {"dialer-sim", "dialer-sip"}


class Judge:
    def __init__(self):
        path, = glob.glob(os.path.join(K8S, "schemas/kubernetes-*.json"))
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        if f"-{document['version']}.json" not in path:
            raise SystemExit(f"{path}: is of version {document['version']}")
        self.kinds = {kind: jsonschema.Draft7Validator(
            {"$ref": f"#/definitions/{name}", "definitions": document["definitions"]})
            for kind, name in document["kinds"].items()}
        with open(os.path.join(ROOT, "libcommon/sys/settings_known.txt"), encoding="utf-8") as file:
            self.settings = set(file.read().split())

    def faults(self, manifests):
        self.found = []
        self.by_kind = {}
        for manifest in manifests:
            self.by_kind.setdefault(manifest["kind"], {})[manifest["metadata"]["name"]] = manifest
            self.schema(manifest)
        if self.found:
            return self.found
        for manifest in manifests:
            self.where = f"{manifest['kind']} {manifest['metadata']['name']}"
            if manifest["kind"] not in ("Namespace",):
                self.need(manifest["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") == OURS,
                          "is not labelled as a part of belfry")
            for pod in render.pod_specs(manifest):
                self.pod(manifest, pod)
        self.relations()
        return self.found

    def need(self, good, what):
        if not good:
            self.found.append(f"{self.where}: {what}")

    def schema(self, manifest):
        kind = f"{manifest['apiVersion']}/{manifest['kind']}"
        if kind not in self.kinds:
            self.found.append(f"{kind}: deploy/k8s/schemas has no such kind")
            return
        for error in self.kinds[kind].iter_errors(manifest):
            at = ".".join(str(part) for part in error.absolute_path)
            self.found.append(f"{manifest['kind']} {manifest['metadata']['name']}: {at}: {error.message[:200]}")

    # --- pods ------------------------------------------------------------------------------

    def pod(self, manifest, pod):
        labels = manifest["spec"]["template"]["metadata"]["labels"]
        selector = manifest["spec"].get("selector", {}).get("matchLabels", {})
        self.need(labels.get("app.kubernetes.io/part-of") == OURS, "its pods are outside of the policies")
        self.need(selector.items() <= labels.items(), "its selector does not choose its pods")
        self.need(pod.get("automountServiceAccountToken") is False, "its pods hold a token")
        self.need(pod.get("enableServiceLinks") is False, "service links would become BELFRY_ variables")
        self.need(pod.get("serviceAccountName") in self.by_kind.get("ServiceAccount", {}),
                  "its service account is missing")
        security = pod.get("securityContext", {})
        self.need(security.get("runAsNonRoot") is True and security.get("runAsUser", 0) > 0, "runs as root")
        self.need(security.get("seccompProfile", {}).get("type") == "RuntimeDefault", "has no seccomp profile")
        self.need(not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")), "shares the host's")
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        claims = manifest["spec"].get("volumeClaimTemplates", [])
        volumes.update({claim["metadata"]["name"]: claim for claim in claims})
        self.need(not any("hostPath" in volume for volume in volumes.values()), "mounts a path of the host")
        for container in pod.get("initContainers", []):
            self.container(pod, container, volumes, container.get("restartPolicy") == "Always")
        is_job = manifest["kind"] == "Job"
        for container in pod["containers"]:
            self.container(pod, container, volumes, not is_job)
        if is_job:
            return
        if manifest["kind"] == "Deployment":
            self.need(pod.get("topologySpreadConstraints"), "its pods are not spread over nodes")
            drain = sum(int(e.get("value", 0)) for c in pod["containers"] for e in c.get("env", [])
                        if e["name"] == "BELFRY_DRAIN_CALLS_S")
            self.need(pod.get("terminationGracePeriodSeconds", 30) >= 20 + drain + 20,
                      "its grace period is shorter than its drain")

    def container(self, pod, container, volumes, is_lasting):
        name, where = container["name"], self.where
        self.where = f"{where}, container {name}"
        security = container.get("securityContext", {})
        self.need(security.get("allowPrivilegeEscalation") is False, "may escalate")
        self.need(security.get("readOnlyRootFilesystem") is True, "may write to its image")
        self.need(security.get("capabilities", {}).get("drop") == ["ALL"], "keeps capabilities")
        resources = container.get("resources", {})
        self.need({"cpu", "memory"} <= set(resources.get("requests", {})), "asks for no resources")
        self.need("memory" in resources.get("limits", {}), "has no limit on memory")
        image = container["image"]
        self.need(":" in image.rpartition("/")[2] and not image.endswith(":latest"), "its image has no tag")
        mounts = {mount["name"] for mount in container.get("volumeMounts", [])}
        self.need(mounts <= set(volumes), f"mounts what is not there: {mounts - set(volumes)}")
        env = {entry["name"]: entry for entry in container.get("env", [])}
        for reference in container.get("envFrom", []):
            data = self.by_kind["ConfigMap"].get(reference["configMapRef"]["name"], {}).get("data", {})
            env.update({key: {"value": value} for key, value in data.items() if key not in env})
        self.variables(container, env, volumes)
        if is_lasting:
            self.probes(container)
        if is_lasting and name in SERVICES | DIALERS:
            self.port(container, env)
        self.where = where

    def variables(self, container, env, volumes):
        for key, entry in env.items():
            if not key.startswith("BELFRY_"):
                continue
            self.need(key in self.settings, f"{key} is no setting of Belfry's")
            if key.endswith("_FILE") and key[:-len("_FILE")] in self.settings:
                folder, _, file = entry["value"].rpartition("/")
                mount = [m for m in container.get("volumeMounts", []) if m["mountPath"] == folder]
                items = [item["path"] for m in mount for item in volumes[m["name"]]["secret"]["items"]]
                self.need(file in items, f"{key}: {entry['value']} is not mounted")

    def probes(self, container):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            found = container.get(probe, {})
            self.need(found, f"has no {probe}")
            port = found.get("httpGet", {}).get("port")
            self.need(port is None or port in [p.get("name") for p in container.get("ports", [])],
                      f"its {probe} asks at a port that it has not")

    def port(self, container, env):
        ports = {p["name"]: p["containerPort"] for p in container["ports"] if p["name"].startswith("metrics")}
        said = int(env.get("BELFRY_METRICS_PORT", {"value": -1})["value"])
        self.need(list(ports.values()) == [said], f"tells its numbers at {said}, and names {ports}")

    # --- between manifests -------------------------------------------------------------------

    def relations(self):
        deployments = self.by_kind.get("Deployment", {})
        self.where = "overlay"
        self.need(SERVICES <= set(deployments), f"lacks {SERVICES - set(deployments)}")
        for name in SERVICES & set(deployments):
            self.where = f"Deployment {name}"
            pod = deployments[name]["spec"]["template"]["spec"]
            waits = [c for c in pod.get("initContainers", []) if c["command"][:3] == ["belfry-admin", "schema", "wait"]]
            self.need(waits, "does not wait for the migrations")
            budgets = [b for b in self.by_kind.get("PodDisruptionBudget", {}).values()
                       if b["spec"]["selector"] == deployments[name]["spec"]["selector"]]
            self.need(len(budgets) == 1, "has no disruption budget")
        self.dispatcher(deployments)
        for name, scaler in self.by_kind.get("HorizontalPodAutoscaler", {}).items():
            self.where = f"HorizontalPodAutoscaler {name}"
            target = scaler["spec"]["scaleTargetRef"]["name"]
            self.need(target in deployments, f"scales {target}, which is not there")
            self.need("replicas" not in deployments.get(target, {"spec": {}})["spec"],
                      "each `kubectl apply` would undo it: its target names replicas")
        for name, ingress in self.by_kind.get("Ingress", {}).items():
            self.ingress(name, ingress)
        self.secrets()
        self.gateway_role()
        self.policies()

    def dispatcher(self, deployments):
        self.where = "Deployment dispatcher"
        pod = deployments.get("dispatcher", {"spec": {"template": {"spec": {"containers": []}}}})["spec"]["template"]["spec"]
        sidecars = [c for c in pod.get("initContainers", []) if c.get("restartPolicy") == "Always"]
        self.need(len(sidecars) == 1 and sidecars[0]["name"] in DIALERS, "has no dialer beside it")
        for container in pod["containers"]:
            dialers = [e["value"] for e in container.get("env", []) if e["name"] == "BELFRY_DIALERS"]
            listens = [e["value"] for c in sidecars for e in c["env"] if e["name"] == "BELFRY_DIALER_LISTEN"]
            self.need([d.partition("=")[2] for d in dialers] == listens, f"{dialers} is not where {listens} listens")

    def ingress(self, name, ingress):
        self.where = f"Ingress {name}"
        hosts = {host for tls in ingress["spec"].get("tls", []) for host in tls["hosts"]}
        for rule in ingress["spec"]["rules"]:
            self.need(rule["host"] in hosts, f"{rule['host']} is served without TLS")
            for path in rule["http"]["paths"]:
                service = self.by_kind["Service"].get(path["backend"]["service"]["name"], {"spec": {"ports": []}})
                ports = [port["name"] for port in service["spec"]["ports"]]
                self.need(path["backend"]["service"]["port"]["name"] in ports, "leads to no service")

    def secrets(self):
        """Where the overlay brings the Secret, each key that is mounted is in it."""
        for manifest in [m for kind in self.by_kind.values() for m in kind.values()]:
            for pod in render.pod_specs(manifest):
                for volume in pod.get("volumes", []):
                    secret = self.by_kind.get("Secret", {}).get(volume.get("secret", {}).get("secretName"))
                    keys = {item["key"] for item in volume.get("secret", {}).get("items", [])}
                    self.where = f"{manifest['kind']} {manifest['metadata']['name']}"
                    self.need(secret is None or keys <= set(secret["stringData"]), f"keys {keys} are not all in the Secret")

    def gateway_role(self):
        """Strangers talk to the gateway: the owner's way into the database is nowhere in its pods."""
        def mounted(kind, name):
            pod = render.pod_specs(self.by_kind.get(kind, {}).get(name, {}))
            return {(volume["secret"]["secretName"], item["key"]) for spec in pod
                    for volume in spec.get("volumes", []) if "secret" in volume
                    for item in volume["secret"].get("items", [{"key": "all of it"}])}
        self.where = "Deployment api-gateway"
        keys = mounted("Deployment", "api-gateway")
        self.need(("belfry-gateway", "database-url") in keys, "has no role of its own")
        self.need(not keys & {("belfry", "database-url"), ("belfry", "all of it")}, "holds the owner's database URL")
        self.where = "Job belfry-migrate"
        self.need(("belfry-gateway", "password") in mounted("Job", "belfry-migrate"), "makes no role for the gateway")

    def policies(self):
        self.where = "NetworkPolicies"
        policies = self.by_kind.get("NetworkPolicy", {})
        closed = policies.get("belfry-closed", {"spec": {}})["spec"]
        self.need(closed == {"podSelector": {"matchLabels": {"app.kubernetes.io/part-of": OURS}},
                             "policyTypes": ["Ingress", "Egress"]}, "do not begin with all of it closed")
        for name, policy in policies.items():
            beyond = [peer["ipBlock"]["cidr"] for rule in policy["spec"].get("egress", [])
                      for peer in rule.get("to", [{"ipBlock": {"cidr": "anything"}}])
                      if "ipBlock" in peer and not re.match(r"10\.|172\.|192\.168\.", peer["ipBlock"]["cidr"])]
            chosen = policy["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")
            self.need(not beyond or chosen in ("webhook-sender", "dispatcher"),
                      f"{name} lets {chosen} reach {beyond}")


def spoilt(manifests):
    """(what is wrong, the manifests with that wrong)."""
    def pod(of, kind="Deployment", name="scheduler"):
        return next(render.pod_specs(m)[0] for m in of if m["kind"] == kind and m["metadata"]["name"] == name)

    def spoil(what, change):
        copied = copy.deepcopy(manifests)
        change(copied)
        return what, copied

    def find(of, kind):
        return next(m for m in of if m["kind"] == kind)

    return [
        spoil("an unknown member", lambda m: pod(m).update(securityContextt={})),
        spoil("a word for a number", lambda m: pod(m).update(terminationGracePeriodSeconds="long")),
        spoil("a token", lambda m: pod(m).update(automountServiceAccountToken=True)),
        spoil("root", lambda m: pod(m)["securityContext"].update(runAsUser=0)),
        spoil("an unknown setting", lambda m: pod(m)["containers"][0]["env"].append({"name": "BELFRY_X", "value": ""})),
        spoil("no probe", lambda m: pod(m)["containers"][0].pop("livenessProbe")),
        spoil("another port", lambda m: pod(m)["containers"][0]["ports"][0].update(containerPort=1)),
        spoil("no wait for migrations", lambda m: pod(m)["initContainers"].clear()),
        spoil("no budget", lambda m: m.remove(find(m, "PodDisruptionBudget"))),
        spoil("no dialer", lambda m: pod(m, name="dispatcher")["initContainers"].pop(0)),
        spoil("a short grace", lambda m: pod(m, name="dispatcher").update(terminationGracePeriodSeconds=30)),
        spoil("the owner's database in the gateway", lambda m: pod(m, name="api-gateway")["volumes"][0]["secret"]
              ["items"].append({"key": "database-url", "path": "database-url"})),
        spoil("no role for the gateway", lambda m: pod(m, "Job", "belfry-migrate")["volumes"][1]["secret"].update(
            secretName="belfry")),
        spoil("no TLS", lambda m: find(m, "Ingress")["spec"].pop("tls")),
        spoil("open", lambda m: find(m, "NetworkPolicy")["spec"].update(egress=[{}])),
    ]


def main():
    judge, faults = Judge(), []
    overlays = sorted(os.listdir(os.path.join(K8S, "overlays")))
    for overlay in overlays:
        manifests = render.build(os.path.join(K8S, "overlays", overlay))
        faults += [f"{overlay}: {fault}" for fault in judge.faults(manifests)]
        for what, bad in spoilt(manifests) if not faults else []:
            if not judge.faults(bad):
                faults.append(f"{overlay}: {what} passes the checks")
    for fault in faults:
        print(fault)
    return 1 if faults or not overlays else 0


if __name__ == "__main__":
    sys.exit(main())
