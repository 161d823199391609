#!/usr/bin/env python3
"""Builds the virtual machine of the tests: a small Debian 12 with docker, from Debian's packages.

    image.py [--check]     as root; prints the image's directory

The image lies below $CGMON_VM_DIR (default: cgmon/vm in $XDG_CACHE_HOME or ~/.cache), in a
directory named after the recipe: this file, packages.txt and guest/. There it stays until someone
deletes it. It has three files: root.img (ext4), vmlinuz and initramfs.gz. The kernel's package is
unpacked, not installed: the machine that builds keeps its own kernel and boot loader as they are.

--check prints the directory and exits 1 if the image has still to be built.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

kHere = os.path.dirname(os.path.abspath(__file__))
kSuite = "bookworm"
kMirror = f"deb http://deb.debian.org/debian {kSuite} main"
kKernel = "linux-image-cloud-amd64"
kImageSize = "4G"  # sparse
kBootModules = ("virtio_pci", "virtio_blk", "ext4")
# Nothing in the guest has a use for these; they are two thirds of the modules.
kLeftOutModules = ("gpu", "infiniband", "media", "usb", "net/ethernet", "net/wireless", "hid")
# Each of these would run at its own time and disturb what is measured.
kMasked = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "getty@tty1.service", "serial-getty@ttyS0.service",
)  # fmt: skip
kOnDemand = (
    "docker.service", "docker.socket", "containerd.service", "podman.service", "podman.socket",
    "podman-auto-update.service", "podman-auto-update.timer", "podman-restart.service",
)  # fmt: skip
kHostSources = ("sources.list", "sources.list.d/debian.list", "sources.list.d/debian.sources")


class BuildError(Exception):
    pass


def cache_directory():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.abspath(os.environ.get("CGMON_VM_DIR") or os.path.join(cache, "cgmon/vm"))


def recipe():
    guest = os.path.join(kHere, "guest")
    files = [os.path.join(guest, name) for name in sorted(os.listdir(guest))]
    digest = hashlib.sha256()
    for path in [__file__, os.path.join(kHere, "packages.txt"), *files]:
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:12]


def image_directory():
    return os.path.join(cache_directory(), recipe())


def is_built():
    return os.path.exists(os.path.join(image_directory(), "root.img"))


def run(*command, **options):
    """Runs a program; when it fails, the error shows the end of what it said."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False, **options)  # fmt: skip
    if done.returncode != 0:
        tail = "\n".join("    " + line for line in done.stdout.splitlines()[-20:])
        raise BuildError(f"{command[0]} failed ({done.returncode}); it said:\n{tail}")
    return done.stdout


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def packages():
    with open(os.path.join(kHere, "packages.txt"), encoding="ascii") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def sources():
    """The host's own Debian sources, so that its mirror and keys are used; else Debian's."""
    found = []
    for name in kHostSources:
        path = os.path.join("/etc/apt", name)
        try:
            with open(path, encoding="utf-8") as file:
                if re.search(rf"^[^#]*\b{kSuite}\b", file.read(), re.MULTILINE):
                    found.append(path)
        except FileNotFoundError:
            pass
    return found or [kMirror]


def apt_options():
    """How this host reaches its mirror: mmdebstrap reads no apt.conf of the host."""
    wanted = re.compile(r'Acquire::(Check-\S+|https?::Proxy\S*|Retries|ForceIPv4) ".+";')
    lines = run("apt-config", "dump").splitlines()
    return [f"--aptopt={line}" for line in lines if wanted.fullmatch(line)]


def install_packages(root):
    excluded = ("man", "doc", "locale", "info")
    # The package depends on the current kernel's, which is named after its version.
    get_kernel = (
        'export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"; mkdir "$1/kernel"; cd "$1/kernel"; '
        f"name=$(apt-cache depends {kKernel} | sed -n 's/^ *Depends: \\(linux-image-\\)/\\1/p'); "
        'apt-get download "$name"'
    )
    # In a mount name space of its own: what is mounted for the packages' scripts never shows here.
    run(
        "unshare", "--mount", "--propagation", "private",
        "mmdebstrap", "--variant=minbase", "--mode=root", "--format=directory",
        '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
        *apt_options(),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in excluded),
        "--include=" + ",".join(packages()),
        "--customize-hook=" + get_kernel,
        kSuite, root, *sources(),
    )  # fmt: skip


def unpack_kernel(root, work):
    """Puts the modules into the root file system; returns (vmlinuz, release)."""
    archives = os.listdir(f"{root}/kernel")
    if len(archives) != 1:
        raise BuildError(f"{kKernel} should depend on one kernel, has {archives}")
    kernel = os.path.join(work, "kernel")
    run("dpkg-deb", "--extract", f"{root}/kernel/{archives[0]}", kernel)
    shutil.rmtree(f"{root}/kernel")
    (release,) = os.listdir(f"{kernel}/lib/modules")
    modules = f"{kernel}/lib/modules/{release}"
    for name in ("build", "source"):
        if os.path.islink(f"{modules}/{name}"):
            os.unlink(f"{modules}/{name}")
    for name in kLeftOutModules:
        shutil.rmtree(f"{modules}/kernel/drivers/{name}", ignore_errors=True)
    os.makedirs(f"{root}/usr/lib/modules", exist_ok=True)
    shutil.move(modules, f"{root}/usr/lib/modules/{release}")
    run("depmod", "--basedir", root, release)
    return f"{kernel}/boot/vmlinuz-{release}", release


def configure(root):
    write(f"{root}/etc/hostname", "guest\n")
    write(f"{root}/etc/hosts", "127.0.0.1 localhost guest\n")
    write(f"{root}/etc/fstab", "")
    write(f"{root}/etc/modules-load.d/cgmon.conf", "virtio_console\noverlay\n")
    write(f"{root}/etc/systemd/journald.conf.d/cgmon.conf", "[Journal]\nStorage=volatile\n")
    # A name server would be asked, and waited for.
    if os.path.lexists(f"{root}/etc/resolv.conf"):
        os.unlink(f"{root}/etc/resolv.conf")
    write(f"{root}/etc/resolv.conf", "")
    run("install", "-D", f"{kHere}/guest/cgmon-job", f"{root}/usr/local/sbin/cgmon-job")
    run("install", "-m644", f"{kHere}/guest/cgmon-job.service", f"{root}/etc/systemd/system")
    systemctl = ("systemctl", f"--root={root}", "--quiet")
    run(*systemctl, "disable", *kOnDemand)
    run(*systemctl, "mask", *kMasked)
    run(*systemctl, "enable", "cgmon-job.service")
    run(*systemctl, "set-default", "multi-user.target")


def make_initramfs(root, release, work, target):
    top = os.path.join(work, "initramfs")
    os.makedirs(f"{top}/modules")
    run("install", "-D", f"{root}/bin/busybox", f"{top}/bin/busybox")
    run("install", f"{kHere}/guest/init", f"{top}/init")
    order = []
    for module in kBootModules:
        said = run("modprobe", "--dirname", root, "--set-version", release, "--show-depends",
                   "--ignore-install", module)  # fmt: skip
        for path in re.findall(r"^insmod (\S+)", said, re.MULTILINE):  # others are built in
            if os.path.basename(path) not in order:
                order.append(os.path.basename(path))
                shutil.copy(path, f"{top}/modules")
    write(f"{top}/modules/order", "".join(f"{name}\n" for name in order))
    pack = 'cd "$1" && find . | cpio --quiet -o -H newc | gzip -1 >"$2"'
    run("bash", "-o", "pipefail", "-c", pack, "-", top, target)


def build_into(target, work):
    root = os.path.join(work, "root")
    install_packages(root)
    vmlinuz, release = unpack_kernel(root, work)
    configure(root)
    made = os.path.join(work, "image")
    os.mkdir(made)
    make_initramfs(root, release, work, f"{made}/initramfs.gz")
    shutil.copy(vmlinuz, f"{made}/vmlinuz")
    run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-d", root,
        f"{made}/root.img", kImageSize)  # fmt: skip
    for name in os.listdir(made):
        os.chmod(f"{made}/{name}", 0o644)
    os.chmod(made, 0o755)
    os.rename(made, target)


def build():
    """Makes the image where there is none; returns its directory."""
    target = image_directory()
    if is_built():
        return target
    os.makedirs(cache_directory(), exist_ok=True)
    with open(os.path.join(cache_directory(), "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_built():
            if os.geteuid() != 0:
                raise BuildError("building the image needs root")
            started = time.monotonic()
            print(f"Building the virtual machine in {target} (minutes, once)", file=sys.stderr)
            with tempfile.TemporaryDirectory(prefix="build-", dir=cache_directory()) as work:
                build_into(target, work)
            print(f"Built in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return target


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if sys.argv[1:] == ["--check"]:
        print(image_directory())
        return 0 if is_built() else 1
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(build())
    except (BuildError, OSError) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
