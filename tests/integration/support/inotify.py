"""The kernel's events of files in a directory, without anything of the agent between."""

import os
import struct

from support.checks import Skip

try:
    import ctypes
except ImportError:  # Debian's python3-minimal
    ctypes = None

kModified = 0x2  # IN_MODIFY
kOverflow = 0x4000  # IN_Q_OVERFLOW
_kFlags = os.O_NONBLOCK | os.O_CLOEXEC


class ModifiedFiles:
    """`with ModifiedFiles(directories) as watch: watch.take()`."""

    def __init__(self, directories):
        if ctypes is None:
            raise Skip("no ctypes (package libpython3-stdlib)")
        self._directories = list(directories)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = -1
        self._of_number = {}

    def __enter__(self):
        self._handle = self._libc.inotify_init1(_kFlags)
        for directory in self._directories:
            number = self._libc.inotify_add_watch(self._handle, directory.encode(), kModified)
            if number < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch", directory)
            self._of_number[number] = directory
        return self

    def __exit__(self, *_):
        os.close(self._handle)

    def take(self):
        """[path of each file that was modified since the last call], in the order of events."""
        paths = []
        while True:
            try:
                data = os.read(self._handle, 1 << 16)
            except BlockingIOError:
                return paths
            at = 0
            while at < len(data):
                number, mask, _, length = struct.unpack_from("iIII", data, at)
                name = data[at + 16 : at + 16 + length].rstrip(b"\0").decode()
                at += 16 + length
                if mask & kOverflow:
                    paths.append("(overflow)")
                elif mask & kModified:
                    paths.append(f"{self._of_number[number]}/{name}")
