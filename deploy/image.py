#!/usr/bin/env python3
"""Makes a container image FROM scratch: the program, the libraries that it links, nothing else.

    image.py PROGRAM VERSION OUTPUT.tar
    image.py PROGRAM VERSION DIRECTORY/     its root file system alone, for deploy/Dockerfile

The output is what `docker load`, `podman load` and `ctr images import` take: no daemon, registry or
network is needed to make it. The same input makes the same bytes (SOURCE_DATE_EPOCH is the date).
"""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time

kName = "cgmon-agent"
kNobody = "65534"
kArchitectures = {"x86_64": "amd64", "aarch64": "arm64"}
kLinked = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)  # ldd's lines, the loader's too


def libraries(program):
    """The files that the loader maps beside the program, where it looks for them."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    if "not found" in said:
        sys.exit(f"image: {program} misses libraries:\n{said}")
    return sorted(set(kLinked.findall(said)))


def layer(program, date):
    """The root file system as a tar."""
    files = {"usr/bin/" + kName: (program, 0o755)}
    for path in libraries(program):
        files[path.lstrip("/")] = (os.path.realpath(path), 0o755)
    # A name for the user, since some tools look for one; and where to mount the host.
    made = {"etc/passwd": f"nobody:x:{kNobody}:{kNobody}:nobody:/:/nonexistent\n".encode()}
    folders = {"host", "etc"} | {
        name.rsplit("/", up)[0] for name in files for up in range(1, name.count("/") + 1)
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(folders | files.keys() | made.keys()):
            entry = tarfile.TarInfo(name)
            entry.mtime = date
            if name in folders:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
                continue
            if name in files:
                path, entry.mode = files[name]
                with open(path, "rb") as file:
                    content = file.read()
            else:
                content, entry.mode = made[name], 0o644
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def configuration(version, digest, date):
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(date))
    return {
        "architecture": kArchitectures.get(os.uname().machine, os.uname().machine),
        "os": "linux",
        "created": created,
        "config": {
            "User": f"{kNobody}:{kNobody}",
            "Entrypoint": ["/usr/bin/" + kName],
            "Cmd": ["--path.rootfs=/host"],
            "ExposedPorts": {"10190/tcp": {}},
            "StopSignal": "SIGTERM",
            "Labels": {
                "org.opencontainers.image.title": kName,
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.licenses": "Apache-2.0",
                "org.opencontainers.image.description":
                    "Resource usage of containers and units, for Prometheus",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]},
        "history": [{"created": created, "created_by": "deploy/image.py"}],
    }  # fmt: skip


def archive(program, version, date):
    """The image in docker's archive format."""
    root = layer(program, date)
    digest = hashlib.sha256(root).hexdigest()
    config = json.dumps(configuration(version, digest, date), sort_keys=True).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = [{
        "Config": config_name,
        "RepoTags": [f"{kName}:{version}", f"{kName}:latest"],
        "Layers": [f"{digest}/layer.tar"],
    }]  # fmt: skip
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, content in (
            (f"{digest}/layer.tar", root),
            (config_name, config),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(content), date, 0o644
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    program, version, output = sys.argv[1:]
    date = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    if output.endswith("/"):
        with tarfile.open(fileobj=io.BytesIO(layer(program, date))) as tar:
            tar.extractall(output, filter="data")
        return 0
    content = archive(program, version, date)
    with open(output, "wb") as file:
        file.write(content)
    print(f"{output}: {kName}:{version}, {len(content) / 1e6:.1f} MB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
