"""Boots the tests' virtual machine in a cgroup layout and runs one command in it."""

import io
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

kLayouts = {
    "v2": ["systemd.unified_cgroup_hierarchy=1"],
    "hybrid": [
        "systemd.unified_cgroup_hierarchy=0",
        "systemd.legacy_systemd_cgroup_controller=0",
    ],
    "v1": ["systemd.unified_cgroup_hierarchy=0", "systemd.legacy_systemd_cgroup_controller=1"],
}
kDrivers = ("cgroupfs", "systemd", "none")
kKernelWords = (
    "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off apparmor=0 audit=0 "
    "random.trust_cpu=on psi=1"
)
kPorts = ("stdout", "stderr", "events", "report")
kMemoryMiB = 2048
kProcessors = 2
kBootSeconds = 240  # far more than a busy host without KVM needs
kProbeSeconds = 10
kOutOfTime = 124
kMachineFailed = 125


class MachineError(Exception):
    """The machine did not do what it is for; exit code 125."""


class Job:
    """What to run, and how. `share`: {path below /mnt/cgmon in the guest: path here}."""

    def __init__(
        self, layout, command, driver="none", append="", share=(), report=None, timeout=600
    ):
        self.layout = layout
        self.command = list(command)
        self.driver = driver
        self.append = append
        self.share = dict(share)
        self.report = report  # directory here for what the command leaves in /mnt/report
        self.timeout = timeout


def qemu(image, accelerator, words):
    program = ["qemu-system-x86_64", "-machine", "pc", "-accel", accelerator]
    # Some hosts offer this feature to guests and then refuse to set it.
    processor = "host,-arch-capabilities" if accelerator == "kvm" else "max"
    return [
        # Whatever ends this program ends the machine, too.
        "setpriv", "--pdeathsig", "KILL", "--", *program, "-cpu", processor,
        "-m", str(kMemoryMiB), "-smp", str(kProcessors),
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-nic", "none",
        "-kernel", f"{image}/vmlinuz", "-initrd", f"{image}/initramfs.gz", "-append", words,
    ]  # fmt: skip


def accelerator(image):
    """ "kvm" where a machine really runs with it, else qemu's own emulation.

    /dev/kvm being there says little: in many sandboxes it opens and runs nothing.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg,thread=multi"
    command = qemu(image, "kvm", f"{kKernelWords} cgmon.probe") + ["-serial", "stdio"]
    try:
        said = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=kProbeSeconds,
        ).stdout  # fmt: skip
    except subprocess.TimeoutExpired:
        said = b""
    return "kvm" if b"cgmon: alive" in said else "tcg,thread=multi"


def _pack(job, path):
    """Everything for the guest in one tar, which is its second disk."""

    def unneeded(entry):
        return None if os.path.basename(entry.name) == "__pycache__" else entry

    def put(tar, name, text):
        entry = tarfile.TarInfo(name)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))

    argv = b"".join(os.fsencode(word) + b"\0" for word in job.command)
    # The guest ends the command itself while there is time to bring back its output and report.
    settings = f"driver={job.driver}\ndeadline={max(job.timeout - 20, job.timeout // 2)}\n"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        put(tar, "job/argv", argv)
        put(tar, "job/settings", settings.encode())
        for name, source in sorted(job.share.items()):
            tar.add(source, arcname=name, filter=unneeded)


class Machine:
    """One boot. `run()` gives the command's exit code."""

    def __init__(self, image, accelerator_name, job):
        self._image = image
        self._accelerator = accelerator_name
        self._job = job
        self._process = None
        self._up = threading.Event()
        self._code = None

    def run(self):
        with tempfile.TemporaryDirectory(prefix="cgmon-vm-") as work:
            self._work = work
            _pack(self._job, f"{work}/job.tar")
            try:
                return self._boot()
            finally:
                self._end()

    def is_up(self):
        return self._up.is_set()

    def _command(self, writers):
        job, work = self._job, self._work
        words = " ".join([kKernelWords, *kLayouts[job.layout], job.append])
        root = f"if=none,id=root,format=raw,file={self._image}/root.img"
        command = qemu(self._image, self._accelerator, words) + [
            "-serial", f"file:{work}/console", "-device", "virtio-serial-pci",
            "-drive", f"{root},snapshot=on,cache=unsafe",
            "-device", "virtio-blk-pci,drive=root",
            "-drive", f"if=none,id=job,format=raw,file={work}/job.tar,readonly=on",
            "-device", "virtio-blk-pci,drive=job",
        ]  # fmt: skip
        for number, name in enumerate(kPorts):
            path = f"{work}/report.tar"
            if name in writers:
                command += ["-add-fd", f"fd={writers[name]},set={number}"]
                path = f"/dev/fdset/{number},append=on"  # else it truncates, which no pipe can
            command += [
                "-chardev", f"file,id={name},path={path}",
                "-device", f"virtserialport,chardev={name},name=cgmon.{name}",
            ]  # fmt: skip
        return command

    def _boot(self):
        pipes = {name: os.pipe() for name in kPorts if name != "report"}
        writers = {name: ends[1] for name, ends in pipes.items()}
        with open(f"{self._work}/qemu", "wb") as log:
            self._process = subprocess.Popen(
                self._command(writers), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=tuple(writers.values()), env=dict(os.environ, TMPDIR=self._work),
            )  # fmt: skip
        readers = []
        for name, (reader, writer) in pipes.items():
            os.close(writer)
            readers.append(threading.Thread(target=self._read, args=(name, reader), daemon=True))
            readers[-1].start()
        self._wait()
        for reader in readers:
            reader.join(10)
        if self._code is None:
            raise MachineError(f"the machine stopped without a result\n{self._last_words()}")
        self._unpack_report()
        return self._code

    def _read(self, name, descriptor):
        if name == "events":
            with open(descriptor, encoding="ascii", errors="replace") as lines:
                for line in lines:
                    self._event(line.split())
            return
        target = {"stdout": sys.stdout, "stderr": sys.stderr}[name].buffer
        while data := os.read(descriptor, 1 << 16):
            target.write(data)
            target.flush()
        os.close(descriptor)

    def _event(self, words):
        if words == ["up"]:
            self._up.set()
        elif words[:1] == ["exit"]:
            self._code = int(words[1])

    def _wait(self):
        started = time.monotonic()
        boot = min(kBootSeconds, self._job.timeout)
        while self._process.poll() is None:
            passed = time.monotonic() - started
            if passed > boot and not self.is_up():
                self._end()
                raise MachineError(f"not up within {boot} s\n{self._last_words()}")
            if passed > self._job.timeout:
                self._end()
                self._code = kOutOfTime
            time.sleep(0.1)

    def _end(self):
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _last_words(self):
        words = []
        for name in ("qemu", "console"):
            path = f"{self._work}/{name}"
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    words += [f"    {name}: {line.rstrip()}" for line in file.readlines()[-15:]]
        return "\n".join(words) or "    (it said nothing)"

    def _unpack_report(self):
        path = f"{self._work}/report.tar"
        if self._job.report is None or not os.path.exists(path) or not os.path.getsize(path):
            return
        os.makedirs(self._job.report, exist_ok=True)
        try:
            with tarfile.open(path) as tar:
                tar.extractall(self._job.report, filter="data")
        except tarfile.TarError as error:
            raise MachineError(f"/mnt/report did not come back whole: {error}") from None


def run(image, job, say):
    """The command's exit code; 124 out of time. Raises MachineError where there was no result."""
    how = accelerator(image)
    say(f"booting {job.layout}, docker's driver {job.driver}, {how.split(',')[0]}")
    machine = Machine(image, how, job)
    try:
        return machine.run()
    except MachineError as error:
        if machine.is_up():
            raise
        # Seen once in twenty boots without KVM: the guest's kernel stands still at its start.
        say(f"{error}\nbooting once more")
        return Machine(image, how, job).run()
