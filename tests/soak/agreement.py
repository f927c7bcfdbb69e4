# SPDX-License-Identifier: Apache-2.0
"""Do the disk, the node's report and the API's objects say the same?"""
import concurrent.futures
import hashlib
import json
import os

from profiles import API, render


def field(sha, data):
    sha.update(len(data).to_bytes(8, "little"))
    sha.update(data)


def content_digest(files):
    sha = hashlib.sha256()
    for key in sorted(files):
        field(sha, key.encode())
        field(sha, hashlib.sha256(files[key]).hexdigest().encode())
    return sha.hexdigest()


def files_below(tenants):
    """By "namespace/name"; anything that is no profile by its own full name."""
    found = {}
    for directory, _, names in os.walk(tenants):
        for name in names:
            path = os.path.join(directory, name)
            key = os.path.relpath(path, tenants).removesuffix(".json")
            with open(path, "rb") as file:
                found[key] = file.read()
    return found


def objects(api):
    _, answer = api.send("GET", f"{API}/tenantseccompprofiles")
    return {f"{o['metadata']['namespace']}/{o['metadata']['name']}": o for o in answer["items"]}


def differences(api, node, tenants, wanted, refused):
    """`wanted`: key -> the bytes of the newest spec; `refused`: keys whose newest spec is invalid, each with a check of
    the bytes that may be left of an older version. What differs, in words; nothing when all agree."""
    said = []
    _, answer = api.send("GET", f"{API}/nodeseccompstates/{node}")
    status = answer.get("status", {})
    for name, count in (("desired", len(wanted) + len(refused)), ("installed", len(wanted)),
                        ("invalid", len(refused)), ("failed", 0), ("denied", 0)):
        if status.get(name) != count:
            said.append(f"the report says {name} {status.get(name)}, not {count}")
    conditions = {c["type"]: c["status"] for c in status.get("conditions", [])}
    said += [f"condition {name} is {conditions.get(name)}" for name in ("Synced", "Healthy")
             if conditions.get(name) != "True"]
    files = files_below(tenants)
    for key, data in wanted.items():
        if files.get(key) != data:
            said.append(f"{key}: the file is {'other bytes' if key in files else 'missing'}")
    for key in files.keys() - wanted.keys():
        if key not in refused:
            said.append(f"{key}: a file without an object")
        elif not refused[key](files[key]):
            said.append(f"{key}: the file is no version of this profile")
    if status.get("contentDigest") != content_digest(files):
        said.append("contentDigest is not that of the files")
    return said


def render_all(build, items):
    """key -> bytes, by `seccompd render` of each object as the API has it."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return dict(zip(items, pool.map(lambda item: render(build, item), items.values())))


def plain(item):
    """The manifest as a tenant would write it."""
    return json.loads(json.dumps({**item, "metadata": {k: item["metadata"][k] for k in ("name", "namespace")}}))


def is_invalid(item):
    return item["spec"]["profile"]["syscalls"][0]["names"] == ["getpriorityy"]
