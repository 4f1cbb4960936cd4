#!/usr/bin/env python3
"""Writes the bill of materials of the image: the crates inside the program and the wheels beside it, as CycloneDX 1.6.

    cargo metadata --locked --format-version 1 --filter-platform x86_64-unknown-linux-gnu \
        | scripts/sbom.py --metadata - --wheels scripts/pins/libtorch-2.4.txt --wheels scripts/pins/cuda-2.4.txt >sbom.cdx.json
    scripts/sbom.py --wheels scripts/pins/libtorch-2.4.txt      without cargo: what Cargo.lock says, all platforms, no licences

The same inputs give the same bytes: there is no random serial number, and the time is that of SOURCE_DATE_EPOCH or missing.
It says what was chosen and pinned, not what a scanner finds; the packages of the distribution are listed in the image itself.
Needs Python 3.11 or newer and nothing beside it.
"""

import argparse
import datetime
import json
import os
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# A pin names no licence. NVIDIA's wheels carry theirs as a file, which the image keeps.
WHEEL_LICENCES = {"torch": {"expression": "BSD-3-Clause"}}
NVIDIA = {"license": {"name": "NVIDIA Proprietary Software"}}
PIN = re.compile(r"([A-Za-z0-9_.-]+)==(\S+)((?:\s+--hash=sha256:[0-9a-f]{64})+)")


class Refused(Exception):
    """An input that can't be right."""


def component(kind, name, version, purl, licence=None, sha256=None, **more):
    """One entry; what is unknown is left out."""
    entry = {"type": kind, "bom-ref": purl, "name": name, "version": version, **more}
    if sha256:
        entry["hashes"] = [{"alg": "SHA-256", "content": sha256}]
    if licence:
        entry["licenses"] = [licence]
    return entry | {"purl": purl}


def crate_purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def checksums(lock):
    """The SHA-256 of each crate, by name and version."""
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


def clarifications(deny):
    """The licences of crates that name only a file, as deny.toml has them."""
    return {entry["crate"]: entry["expression"] for entry in deny.get("licenses", {}).get("clarify", [])}


def licence(package, clarified):
    """The licence of a crate: what was found out, what it says, or the file that it points to."""
    said = clarified.get(package["name"]) or package.get("license")
    if said:
        # The old way of writing a choice.
        return {"expression": re.sub(r"\s*/\s*", " OR ", said)}
    return {"license": {"name": package["license_file"]}} if package.get("license_file") else None


def reachable(nodes, start, kinds):
    """The packages that `start` needs by dependencies of these kinds; None is what cargo calls a normal one."""
    found, open_ones = {start}, [start]
    while open_ones:
        for need in nodes[open_ones.pop()]["deps"]:
            wanted = any(kind["kind"] in kinds for kind in need["dep_kinds"])
            if wanted and need["pkg"] not in found:
                found.add(need["pkg"])
                open_ones.append(need["pkg"])
    return found


def from_metadata(metadata, lock, clarified):
    """The program, its crates, and what each needs. Crates that only a build script needs have the scope `excluded`."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    if root is None:
        raise Refused("the metadata is of a workspace without a package of its own: call cargo metadata in the checkout")
    built, shipped = reachable(nodes, root, (None, "build")), reachable(nodes, root, (None,))
    sums = checksums(lock)

    def entry(identity, kind):
        package = packages[identity]
        more = {} if identity in shipped else {"scope": "excluded"}
        sha256 = sums.get((package["name"], package["version"]))
        return component(kind, package["name"], package["version"], crate_purl(package), licence(package, clarified), sha256, **more)

    def needs(identity):
        wanted = (need for need in nodes[identity]["deps"] if any(kind["kind"] in (None, "build") for kind in need["dep_kinds"]))
        return sorted({crate_purl(packages[need["pkg"]]) for need in wanted if need["pkg"] in built})

    graph = {crate_purl(packages[identity]): needs(identity) for identity in built}
    return entry(root, "application"), [entry(identity, "library") for identity in built - {root}], graph


def from_lock(lock, name):
    """The same from Cargo.lock alone: every platform, no licences, no graph."""
    programs = [package for package in lock["package"] if package["name"] == name]
    if not programs:
        raise Refused(f"Cargo.lock has no package {name}")
    program, sums = programs[0], checksums(lock)
    others = [package for package in lock["package"] if package is not program]
    entries = [
        component("library", package["name"], package["version"], crate_purl(package), None, sums[package["name"], package["version"]])
        for package in others
    ]
    graph = {crate_purl(program): sorted(map(crate_purl, others))} | {crate_purl(package): [] for package in others}
    return component("application", name, program["version"], crate_purl(program)), entries, graph


def from_pins(text, origin):
    """The wheels of a file of pins."""
    entries = []
    for number, line in enumerate(text.replace("\\\n", " ").splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        match = PIN.fullmatch(line)
        if not match:
            raise Refused(f"{origin}:{number}: neither a comment nor NAME==VERSION --hash=sha256:DIGITS: {line}")
        name = re.sub(r"[-_.]+", "-", match[1]).lower()
        licences = NVIDIA if name.startswith("nvidia-") else WHEEL_LICENCES.get(name)
        digests = re.findall(r"[0-9a-f]{64}", match[3])
        entries.append(component("library", name, match[2], f"pkg:pypi/{name}@{match[2]}", licences, digests[0] if len(digests) == 1 else None))
    return entries


def document(program, crates, graph, wheels, epoch=None, serial=None):
    """The whole bill, in an order that only its contents decide."""
    wheels = list({wheel["bom-ref"]: wheel for wheel in wheels}.values())
    graph = graph | {wheel["bom-ref"]: [] for wheel in wheels}
    graph[program["bom-ref"]] = sorted({*graph[program["bom-ref"]], *(wheel["bom-ref"] for wheel in wheels)})
    bill = {"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6"}
    if serial:
        bill["serialNumber"] = serial
    bill |= {"version": 1, "metadata": {}}
    if epoch is not None:
        bill["metadata"]["timestamp"] = datetime.datetime.fromtimestamp(epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    bill["metadata"] |= {"lifecycles": [{"phase": "build"}], "component": program}
    bill["components"] = sorted(crates + wheels, key=lambda entry: entry["bom-ref"])
    bill["dependencies"] = [{"ref": ref, "dependsOn": needs} if needs else {"ref": ref} for ref, needs in sorted(graph.items())]
    return bill


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--metadata", help="what cargo metadata printed, or - for the standard input")
    parser.add_argument("--lock", type=Path, default=ROOT / "Cargo.lock", help="hashes of crates")
    parser.add_argument("--deny", type=Path, default=ROOT / "deny.toml", help="licences of crates that name only a file")
    parser.add_argument("--wheels", type=Path, action="append", default=[], help="a file of pins; may be given again")
    parser.add_argument("--name", default="fragua", help="the program, where there is only Cargo.lock")
    parser.add_argument("--serial", help="such as urn:uuid:...; none by default, which keeps the bytes the same")
    parser.add_argument("--output", type=Path, help="a file instead of the standard output")
    options = parser.parse_args()
    lock = tomllib.loads(options.lock.read_text())
    clarified = clarifications(tomllib.loads(options.deny.read_text())) if options.deny.exists() else {}
    if options.metadata:
        text = sys.stdin.read() if options.metadata == "-" else Path(options.metadata).read_text()
        parts = from_metadata(json.loads(text), lock, clarified)
    else:
        parts = from_lock(lock, options.name)
    wheels = [entry for path in options.wheels for entry in from_pins(path.read_text(), path)]
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    text = json.dumps(document(*parts, wheels, int(epoch) if epoch else None, options.serial), indent=2, ensure_ascii=False) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    try:
        main()
    except (Refused, OSError, ValueError) as refused:
        sys.exit(f"sbom: {refused}")
