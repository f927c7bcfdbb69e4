# SPDX-License-Identifier: Apache-2.0
"""The real cluster as the soak uses it: its API, and its API server's deaths."""
import base64
import fcntl
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import tempfile
import threading
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLUSTER = os.environ.get("SECCOMPD_KUBE_CLUSTER", os.path.join(REPO, "..", "shared", "kube", "cluster"))
STATE = os.environ.get("KUBE_STATE", "/tmp/kube-cluster")
KUBECONFIG = f"{STATE}/admin.kubeconfig"
NAMESPACE = "seccompd-system"
APPLY = "application/apply-patch+yaml"


def kubectl(*arguments, text=None):
    done = subprocess.run(["kubectl", "--kubeconfig", KUBECONFIG, *arguments], input=text, text=True,
                          stdout=subprocess.PIPE, check=True)
    return done.stdout


class Api:
    """Asks until it is answered: the server dies now and then. Connections are per thread."""

    def __init__(self, directory):
        with open(KUBECONFIG) as file:
            text = file.read()
        self.server = re.search(r"server: \"?(https://[^\"},]+)", text)[1]
        paths = {}
        for key in ("certificate-authority-data", "client-certificate-data", "client-key-data"):
            paths[key] = os.path.join(directory, key)
            with open(os.open(paths[key], os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
                file.write(base64.b64decode(re.search(key + r": ([A-Za-z0-9+/=]+)", text)[1]))
        self.ca = paths["certificate-authority-data"]
        self.context = ssl.create_default_context(cafile=self.ca)
        self.context.load_cert_chain(paths["client-certificate-data"], paths["client-key-data"])
        self.local = threading.local()
        self.retries = 0

    def once(self, method, path, body, content):
        if getattr(self.local, "connection", None) is None:
            self.local.connection = http.client.HTTPSConnection(self.server[8:], context=self.context, timeout=10)
        try:
            self.local.connection.request(method, path, json.dumps(body) if body is not None else None,
                                          {"Content-Type": content})
            answer = self.local.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.local.connection.close()
            self.local.connection = None
            return 0, b""

    def send(self, method, path, body=None, content="application/json"):
        deadline = time.monotonic() + 120
        while True:
            status, data = self.once(method, path, body, content)
            # A server that has just started answers 403 until it has read its roles.
            if status in (200, 201, 202, 404, 409):
                return status, json.loads(data)
            if time.monotonic() > deadline or status in (400, 401, 422):
                raise RuntimeError(f"{method} {path}: {status} {data[:300]!r}")
            self.retries += 1
            time.sleep(0.1)


class Cluster:
    """Holds the machine's one cluster from `up` to `down`."""

    def __init__(self, kind):
        path = os.environ.get("SECCOMPD_CLUSTER_LOCK",
                              os.path.join(os.environ.get("TMPDIR", "/tmp"), "seccompd-cluster.lock"))
        self.lock = open(path, "a")  # not inherited: the servers must not hold it after us
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        subprocess.run([CLUSTER, "up", kind], check=True)
        self.server = None
        self.restarts = 0

    def install(self, node):
        """CRDs, roles and what else deploy/seccompd.yaml has, but no DaemonSet: the agent is our own process."""
        text = kubectl("create", "--dry-run=client", "-o", "json", "-f", f"{REPO}/deploy/seccompd.yaml")
        kept = [item for item in documents(text) if item["kind"] != "DaemonSet"]
        kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": kept}))
        kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        kubectl("create", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}}))

    def agent_kubeconfig(self, api, directory):
        """The agent with the rights of its service account, no more."""
        kubectl("-n", NAMESPACE, "get", "serviceaccount", "seccompd")
        _, answer = api.send("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/seccompd/token",
                             {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                              "spec": {"expirationSeconds": 86400}})
        with open(os.open(f"{directory}/token", os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(answer["status"]["token"])
        path = f"{directory}/agent.kubeconfig"
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "c",
                       "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                       "clusters": [{"name": "c", "cluster": {"server": api.server, "certificate-authority": api.ca}}],
                       "users": [{"name": "u", "user": {"tokenFile": f"{directory}/token"}}]}, file)
        return path

    def restart_api_server(self, gently, down_for):
        """Ends the API server by the pid that `cluster` noted, and starts the same command line again."""
        pid_file = f"{STATE}/run/kube-apiserver.pid"
        with open(pid_file) as file:
            pid = int(file.read())
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            command = [part.decode() for part in file.read().split(b"\0")[:-1]]
        os.kill(pid, signal.SIGTERM if gently else signal.SIGKILL)
        deadline = time.monotonic() + 5
        while is_running(pid) and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.05)
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)
        self.reap(wait=True)
        time.sleep(down_for)
        with open(f"{STATE}/log/kube-apiserver.log", "ab") as log:
            self.server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           start_new_session=True)
        with open(pid_file, "w") as file:
            file.write(f"{self.server.pid}\n")
        self.restarts += 1

    def reap(self, wait=False):
        if self.server is not None:
            self.server.wait() if wait else self.server.poll()

    def down(self):
        if self.server is not None:
            self.server.terminate()
            try:
                self.server.wait(5)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        subprocess.run([CLUSTER, "down"], check=False)
        self.lock.close()


def documents(text):
    """kubectl prints one JSON document after the other."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        item, at = decoder.raw_decode(text, at)
        yield item
        at += len(text[at:]) - len(text[at:].lstrip())


def is_running(pid):
    """With any of its threads: while a zombie's others still end, its port is taken."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z" or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def scratch():
    return tempfile.mkdtemp(prefix="seccompd-soak-", dir="/var/tmp")
