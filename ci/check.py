#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the CI definitions without the services: their shape, against the
schemas beside this file, and that everything they name is there. Writes the
shell lines of each as a script into a folder, for shellcheck.

    ci/check.py FOLDER

Prints what is wrong, and exits 1 if anything is.
"""
import json
import os
import re
import sys

import jsonschema
import yaml

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(here)
wrong = []


def load(name):
    with open(os.path.join(here, name)) as f:
        return [d for d in yaml.safe_load_all(f) if d is not None]


def with_text_keys(value):
    # YAML 1.1 reads the key `on` as true.
    if isinstance(value, dict):
        return {("true" if k is True else str(k)): with_text_keys(v)
                for k, v in value.items()}
    if isinstance(value, list):
        return [with_text_keys(v) for v in value]
    return value


def check(name, schema_name):
    with open(os.path.join(here, "schemas", schema_name)) as f:
        schema = json.load(f)
    validator = jsonschema.Draft202012Validator(schema)
    documents = [with_text_keys(d) for d in load(name)]
    for document in documents:
        for error in validator.iter_errors(document):
            where = "/".join(map(str, error.absolute_path))
            wrong.append(f"{name}: {where}: {error.message[:300]}")
    return documents


def expressions(name, text):
    """GitHub's ${{ }} in a shell line is a way in for whoever names a branch."""
    if "${{" in text:
        wrong.append(f"{name}: an expression in a shell line: {text}")


def lines_of(value, path=()):
    """The shell texts of a definition, each with a name."""
    if isinstance(value, dict):
        for key, child in value.items():
            if key == "run" or (key in ("script", "before_script")):
                text = child if isinstance(child, str) else "\n".join(child)
                yield "-".join(path + (key,)), text
            elif key == "args" and isinstance(child, list):
                yield "-".join(path + (key,)), "\n".join(child)
            else:
                yield from lines_of(child, path + (str(key),))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from lines_of(child, path + (str(index),))


def check_gitlab(document):
    """What the schema can't say: names that must fit together."""
    templates = {k for k in document if k.startswith(".")}
    jobs = set(document) - {"stages", "variables"} - templates
    for name in jobs:
        job = document[name]
        stage = job.get("stage", document["stages"][0])
        if stage not in document["stages"]:
            wrong.append(f"gitlab-ci.yml: {name}: no stage {stage}")
        for other in [job.get("extends")] + job.get("needs", []):
            if other is not None and other not in jobs | templates:
                wrong.append(f"gitlab-ci.yml: {name}: no job {other}")


def check_github(document):
    for name, job in document["jobs"].items():
        needs = job.get("needs", [])
        for other in [needs] if isinstance(needs, str) else needs:
            if other not in document["jobs"]:
                wrong.append(f"github-actions.yml: {name}: no job {other}")


def check_kubernetes(documents):
    claims = {d["metadata"]["name"] for d in documents
              if d["kind"] == "PersistentVolumeClaim"}
    for document in documents:
        if document["kind"] != "Job":
            continue
        pod = document["spec"]["template"]["spec"]
        volumes = {v["name"]: v for v in pod["volumes"]}
        for volume in volumes.values():
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim is not None and claim not in claims:
                wrong.append(f"kubernetes-job.yaml: no claim {claim}")
        names = {c["name"] for c in pod["containers"]}
        for rule in document["spec"].get("podFailurePolicy", {"rules": []})["rules"]:
            name = rule.get("onExitCodes", {}).get("containerName")
            if name is not None and name not in names:
                wrong.append(f"kubernetes-job.yaml: no container {name}")
        for container in pod["containers"]:
            for mount in container["volumeMounts"]:
                if mount["name"] not in volumes:
                    wrong.append("kubernetes-job.yaml: no volume "
                                 + mount["name"])


def check_files(name, text):
    for word in re.findall(r"(?:ci|scripts|testcases|fixtures)/[\w./-]+\w", text):
        if not os.path.exists(os.path.join(root, word)):
            wrong.append(f"{name}: there is no {word}")


def main():
    folder = sys.argv[1]
    found = {
        "github-actions.yml": check("github-actions.yml", "github.json"),
        "gitlab-ci.yml": check("gitlab-ci.yml", "gitlab.json"),
        "kubernetes-job.yaml": check("kubernetes-job.yaml", "kubernetes.json"),
    }
    if not wrong:
        check_github(found["github-actions.yml"][0])
        check_gitlab(found["gitlab-ci.yml"][0])
        check_kubernetes(found["kubernetes-job.yaml"])
    for name, documents in found.items():
        for document in documents:
            # Of several documents each has its name.
            title = document.get("metadata", {}).get("name", "")
            for place, text in lines_of(document, (title,) if title else ()):
                expressions(name, text)
                check_files(name, text)
                place = re.sub(r"[^\w.-]+", "_", f"{name}-{place}")
                with open(os.path.join(folder, place + ".sh"), "w") as f:
                    f.write("#!/bin/sh\nset -e\n" + text + "\n")
    for line in wrong:
        print(line)
    sys.exit(bool(wrong))


main()
