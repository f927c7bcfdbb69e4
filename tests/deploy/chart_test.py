#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The chart, as Helm renders it: what is in it, what must never be, and the rights to the letter.

Takes the path of Helm as its argument (tests/deploy/run.sh gives it).
"""
import pathlib
import subprocess
import sys

import yaml

REPO = pathlib.Path(__file__).resolve().parents[2]
CHART = REPO / "charts" / "seccompd"
NAMESPACE = "seccompd-system"

passed = failed = 0


def expect(name, good, detail=""):
    global passed, failed
    if good:
        passed += 1
        print(f"ok: {name}")
    else:
        failed += 1
        print(f"FAIL: {name}")
        if detail:
            print(f"    {detail}")


def helm(*values, release="seccompd"):
    command = [sys.argv[1], "template", release, str(CHART), "--namespace", NAMESPACE]
    for value in values:
        command += ["--set", value]
    return subprocess.run(command, capture_output=True, text=True)


def render(*values, release="seccompd"):
    result = helm(*values, release=release)
    if result.returncode != 0:
        raise SystemExit(f"FAIL: helm template {' '.join(values)}: {result.stderr}")
    return [document for document in yaml.safe_load_all(result.stdout) if document]


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def by_name(documents, kind, name):
    return next(d for d in of_kind(documents, kind) if d["metadata"]["name"] == name)


def pod_of(documents):
    return of_kind(documents, "DaemonSet")[0]["spec"]["template"]["spec"]


def container_of(documents):
    return pod_of(documents)["containers"][0]


def walk(value, path=""):
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, f"{path}[{index}]")


# Section 9 of the design: (who, group, resource, names) -> verbs. A change here is a change of the rights granted.
AGENT, EVENTS, LEASES = "seccompd-agent", "default/seccompd-events", f"{NAMESPACE}/seccompd-leases"
EDITOR, VIEWER = "seccompd-profile-editor", "seccompd-profile-viewer"
CRDS = "nodeseccompstates.seccompd.io tenantseccompprofiles.seccompd.io"
RIGHTS = {
    (AGENT, "seccompd.io", "tenantseccompprofiles", ""): "get list watch",
    (AGENT, "seccompd.io", "nodeseccompstates", ""): "create get patch",
    (AGENT, "seccompd.io", "nodeseccompstates/status", ""): "patch",
    (AGENT, "", "nodes", ""): "get list watch",
    (AGENT, "apiextensions.k8s.io", "customresourcedefinitions", CRDS): "get",
    (AGENT, "", "namespaces", "kube-system"): "get",
    (EVENTS, "", "events", ""): "create patch",
    (LEASES, "coordination.k8s.io", "leases", ""): "create get update",
    (EDITOR, "seccompd.io", "tenantseccompprofiles", ""): "create delete deletecollection get list patch update watch",
    (VIEWER, "seccompd.io", "tenantseccompprofiles", ""): "get list watch",
}


def rights_of(documents):
    rights = {}
    for role in of_kind(documents, "ClusterRole") + of_kind(documents, "Role"):
        metadata = role["metadata"]
        who = "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)
        for rule in role["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    names = " ".join(sorted(rule.get("resourceNames", [])))
                    rights[(who, group, resource, names)] = " ".join(sorted(rule["verbs"]))
    return rights


def test_rights():
    documents = render()
    got = rights_of(documents)
    expect("the rights are those of the design, no more and no less", got == RIGHTS,
           f"difference: {set(got.items()) ^ set(RIGHTS.items())}")
    bindings = of_kind(documents, "ClusterRoleBinding") + of_kind(documents, "RoleBinding")
    bound = {binding["roleRef"]["name"] for binding in bindings}
    expect("only the agent's three roles are bound",
           bound == {"seccompd-agent", "seccompd-events", "seccompd-leases"}, str(bound))
    subjects = [subject for binding in bindings for subject in binding["subjects"]]
    expect("they are bound to the agent's ServiceAccount alone",
           all(s == {"kind": "ServiceAccount", "name": "seccompd", "namespace": NAMESPACE} for s in subjects))

    def aggregated(documents):
        return {(role["metadata"]["name"], label.rsplit("/", 1)[1]) for role in of_kind(documents, "ClusterRole")
                for label in role["metadata"]["labels"] if "aggregate" in label}
    expect("tenants' roles are not aggregated by default", aggregated(documents) == set())
    expect("rbac.aggregate adds them to admin, edit and view", aggregated(render("rbac.aggregate=true")) == {
        (EDITOR, "aggregate-to-admin"), (EDITOR, "aggregate-to-edit"), (VIEWER, "aggregate-to-view")})


MATRIX = [
    [],
    ["hostNetwork=true"],
    ["crds.install=false"],
    ["rbac.aggregate=true", "createNamespace=true"],
    ["metrics.enabled=false"],
    ["metrics.service.enabled=true"],
    ["metrics.serviceMonitor.enabled=true", "metrics.serviceMonitor.labels.release=prometheus"],
    ["kubeletRoot=/data/kubelet", "stateDir=/data/seccompd"],
    ["seccompRoot=/etc/seccomp"],
    ["image.digest=sha256:" + "0" * 64],
    ["seLinuxOptions.type=spc_t"],
    ["agent.extraArgs={--once}", "agent.extraEnv[0].name=A", "agent.extraEnv[0].value=b"],
    ["updateStrategy.type=OnDelete", "updateStrategy.rollingUpdate=null"],
    ["imagePullSecrets[0].name=pull", "podLabels.team=infra", "podAnnotations.note=x"],
]


def test_every_rendering_is_confined():
    for values in MATRIX:
        name = " ".join(values) or "defaults"
        documents = render(*values)
        pod, container = pod_of(documents), container_of(documents)
        expect(f"{name}: one container, no init container",
               len(pod["containers"]) == 1 and "initContainers" not in pod)
        security = dict(container["securityContext"])
        security.pop("seLinuxOptions", None)
        expect(f"{name}: uid 0 with every capability dropped, no escalation, read-only root, RuntimeDefault", security == {
            "runAsUser": 0, "runAsGroup": 0, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}, str(security))
        bad = [path for path, value in walk(pod)
               if path.endswith(".privileged") or path.endswith("capabilities.add") or path in (".hostPID", ".hostIPC")]
        expect(f"{name}: nothing privileged", not bad, str(bad))
        paths = sorted(volume["hostPath"]["path"] for volume in pod["volumes"])
        mounts = sorted(mount["mountPath"] for mount in container["volumeMounts"])
        expect(f"{name}: two host directories, each mounted where it is", len(paths) == 2 and paths == mounts,
               f"{paths} {mounts}")
        expect(f"{name}: a memory limit and no CPU limit", set(container["resources"]["limits"]) == {"memory"})


def test_daemonset():
    documents = render()
    daemonset, pod, container = of_kind(documents, "DaemonSet")[0], pod_of(documents), container_of(documents)
    expect("a rollout takes at most 10% of the nodes",
           daemonset["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"] == "10%")
    expect("it tolerates every taint", pod["tolerations"] == [{"operator": "Exists"}])
    expect("it runs on Linux only", pod["nodeSelector"] == {"kubernetes.io/os": "linux"})
    expect("it goes before ordinary pods", pod["priorityClassName"] == "system-node-critical")
    expect("services add no variables", pod["enableServiceLinks"] is False)
    expect("hostPath directories are made when missing",
           all(volume["hostPath"]["type"] == "DirectoryOrCreate" for volume in pod["volumes"]))
    expect("the tenants directory is inside the seccomp root",
           container["volumeMounts"][0]["mountPath"] == "/var/lib/kubelet/seccomp/tenants"
           and "--seccomp-root=/var/lib/kubelet/seccomp" in container["args"])
    environment = {variable["name"]: variable["valueFrom"]["fieldRef"]["fieldPath"] for variable in container["env"]}
    expect("node and namespace come from the downward API",
           environment == {"NODE_NAME": "spec.nodeName", "SECCOMPD_LEASE_NAMESPACE": "metadata.namespace"})
    for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        expect(f"{probe} asks {path}", container[probe]["httpGet"] == {"path": path, "port": "health"})

    documents = render("hostNetwork=true")
    pod, container = pod_of(documents), container_of(documents)
    probes = [container[probe]["httpGet"].get("host") for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
    expect("with hostNetwork the health port is on loopback only, and is probed there",
           "--listen-health=127.0.0.1:9798" in container["args"] and probes == ["127.0.0.1"] * 3)
    expect("with hostNetwork cluster names resolve", pod["dnsPolicy"] == "ClusterFirstWithHostNet")
    container = container_of(render("metrics.enabled=false"))
    place = container["args"].index("--listen-metrics")
    expect("without metrics the listener is off",
           container["args"][place + 1] == "" and [p["name"] for p in container["ports"]] == ["health"])
    expect("a digest beats the tag",
           container_of(render("image.digest=sha256:" + "0" * 64, "image.tag=x"))["image"].endswith("@sha256:" + "0" * 64))
    for size, spread in ((1, "0s"), (99, "0s"), (100, "1s"), (5000, "50s")):
        expect(f"{size} nodes spread their reports over {spread}",
               f"--report-spread={spread}" in container_of(render(f"clusterSize={size}"))["args"])
    expect("the agent is to sandbox itself", "--sandbox=try" in container_of(render())["args"])
    expect("or not to start", "--sandbox=require" in container_of(render("agent.sandbox=require"))["args"])
    expect("another kubelet root is followed everywhere", "--seccomp-root=/data/kubelet/seccomp"
           in container_of(render("kubeletRoot=/data/kubelet"))["args"])
    expect("another seccomp root beats it", "--seccomp-root=/etc/seccomp"
           in container_of(render("kubeletRoot=/data/kubelet", "seccompRoot=/etc/seccomp"))["args"])
    name = of_kind(render(release="other"), "DaemonSet")[0]["metadata"]["name"]
    expect("another release has other names", name == "other-seccompd", name)


REFUSED = [
    "imagee.tag=x", "image.tagg=x", "agent.resync=10", "agent.ceiling=strict",
    "agent.ceiling=builtin/runtime-default-v9", "agent.runtime=gvisor",
    "agent.sandbox=on",
    "kubeletRoot=relative", "kubeletRoot=/trailing/", "ports.health=0", "image.digest=sha256:short", "clusterSize=0",
    "hostNetwork=maybe", "image.pullPolicy=Sometimes", "agent.report=none",
]


def test_schema_refuses():
    for value in REFUSED:
        result = helm(value)
        key = value.split("=")[0].split(".")
        readable = any(part in result.stderr for part in key)
        expect(f"the values' schema refuses {value}", result.returncode != 0 and readable, result.stderr.strip())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    loose = [path for path, node in walk(schema)
             if isinstance(node, dict) and "properties" in node and node.get("additionalProperties") is not False]
    expect("the values' schema is closed at every level", not loose, str(loose))
    missing = set(values) ^ (set(schema["properties"]) - {"global"})
    expect("values.yaml and its schema name the same keys", not missing, str(missing))


def schema_of(crd):
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def test_crds():
    crds = of_kind(render(), "CustomResourceDefinition")
    expect("two CRDs", len(crds) == 2)
    expect("crds.install=false leaves them out", not of_kind(render("crds.install=false"), "CustomResourceDefinition"))
    for crd in crds:
        name = crd["metadata"]["name"]
        kept = crd["metadata"]["annotations"]["helm.sh/resource-policy"]
        expect(f"{name}: kept when the release goes", kept == "keep")
        nodes = [(path, node) for path, node in walk(schema_of(crd)) if isinstance(node, dict)]
        expect(f"{name}: no default, no CEL", not [path for path, node in nodes
               if "x-kubernetes-validations" in node or ("default" in node and not path.endswith(".properties"))])
        endless = [path for path, node in nodes if node.get("type") == "array" and "maxItems" not in node]
        expect(f"{name}: every list has a maximum", not endless, str(endless))
        plain = {".properties.apiVersion", ".properties.kind", ".properties.metadata"}
        endless = [path for path, node in nodes if node.get("type") == "string" and path not in plain
                   and not {"maxLength", "enum", "format"} & set(node)]
        expect(f"{name}: every text has a maximum or an enum", not endless, str(endless))
        endless = [path for path, node in nodes if node.get("type") == "integer" and "minimum" not in node]
        expect(f"{name}: every number has a range", not endless, str(endless))
        spec = crd["spec"]
        expect(f"{name}: category and status subresource", spec["names"]["categories"] == ["seccompd"]
               and spec["versions"][0]["subresources"] == {"status": {}})
        size = len(yaml.safe_dump(crd))
        expect(f"{name}: small enough for kubectl apply ({size} bytes)", size < 128 * 1024)

    profile = by_name(render(), "CustomResourceDefinition", "tenantseccompprofiles.seccompd.io")
    nodes = dict(walk(schema_of(profile)))
    spec = ".properties.spec"
    rule = f"{spec}.properties.profile.properties.syscalls.items"
    for path in (spec, f"{spec}.properties.profile", rule, f"{rule}.properties.args.items"):
        expect(f"unknown fields are kept at {path.replace('.properties', '')}",
               nodes[path].get("x-kubernetes-preserve-unknown-fields") is True)
    silent = [path for path, node in nodes.items() if path.rsplit(".", 2)[-2:-1] == ["properties"]
              and path.startswith(spec)
              and not any(part in path for part in ("archMap.", "cludes.", "nodeSelector.", "anyOf["))
              and "description" not in node]
    expect("every field of the profile says what it is", not silent, str(silent))
    overview = nodes[spec]["description"]
    fields = set(nodes[f"{spec}.properties"]) | set(nodes[f"{spec}.properties.profile.properties"])
    unsaid = [field for field in fields if field not in overview]
    expect("spec's own description names every field (all that kubectl explain shows before 1.24)", not unsaid, str(unsaid))


def test_examples():
    profiles = sorted((REPO / "deploy" / "examples").glob("*.yaml"))
    for path in profiles:
        for document in yaml.safe_load_all(path.read_text()):
            names = [name for rule in document["spec"]["profile"]["syscalls"] for name in rule["names"] if "args" not in rule]
            expect(f"{path.name}: a profile, each syscall named once",
                   document["kind"] == "TenantSeccompProfile" and len(names) == len(set(names)))
    expect("two examples", len(profiles) == 2)


for test in (test_rights, test_every_rendering_is_confined, test_daemonset, test_schema_refuses, test_crds, test_examples):
    test()
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
