"""The .tree format: a captured host as one plain text file, for the unit tests.

    cgmon-tree 1                            first line
    # TEXT                                  the manifest: what this is and how it was made
    TYPE PATH MODE KEY=VALUE... [WORD...]   an entry
    <tab>TEXT                               a line of the content of the file above

TYPE     f file, d directory, l link, s socket, p FIFO, c and b devices
PATH     absolute; backslash, blank, control bytes and what is no UTF-8 as octal: \\134 \\040 \\012
MODE     permissions, octal, 4 digits
i=       inode, where it says something: of directories, and of a name space's link
t=       mtime, seconds, of directories with 9 decimals. A file of procfs or cgroupfs has the time
         when somebody first looked it up, a cgroup's directory that of its last change of children
m=, v=   of a mount point: the file system's magic in hex, and its device number MAJ:MIN
a=       of a link: where it leads, escaped like PATH
e=       errno's name: the file is there, but reading it (a link: following it) fails
escaped  the content is escaped like PATH, blanks and tabs aside
open     the content's last line has no newline at its end

Entries are sorted by path, component by component, so a directory stands before what is in it, and
every directory on the way is there. Not written: the number of links (a directory's is 2 + the
directories in it, a file's 1) and sizes (0 for kernel files, else the length of the content).
tests/support/tree_text.h reads it.
"""

import os
import re


class Entry:
    """One path. Text with bytes that are no UTF-8 has them as surrogates."""

    def __init__(self, path, kind, mode):
        self.path = path
        self.kind = kind
        self.mode = mode
        self.inode = None
        self.mtime_ns = None
        self.mount = None  # (magic in hex, "MAJ:MIN")
        self.error = None
        self.content = ""  # of a link, where it leads

    def lines(self):
        words = [self.kind, escape(self.path), f"{self.mode:04o}"]
        if self.inode is not None:
            words.append(f"i={self.inode}")
        if self.mtime_ns is not None:
            seconds, rest = divmod(self.mtime_ns, 10**9)
            words.append(f"t={seconds}.{rest:09}" if self.kind == "d" else f"t={seconds}")
        if self.mount:
            words += [f"m={self.mount[0]}", f"v={self.mount[1]}"]
        if self.kind == "l":
            words.append(f"a={escape(self.content)}")
        if self.error:
            words.append(f"e={self.error}")
        if self.kind != "f" or self.error:
            return [" ".join(words)]
        content = self.content
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", content):
            content = escape(content, keep="\t\n ")
            words.append("escaped")
        text = content.split("\n")
        if text[-1]:
            words.append("open")
        else:
            text.pop()
        return [" ".join(words)] + ["\t" + line for line in text]


def escape(text, keep=""):
    """Writes what would be hard to see or to split at as \\ooo, byte by byte."""

    def octal(match):
        raw = match[0].encode("utf-8", "surrogateescape")
        return match[0] if match[0] in keep else "".join(f"\\{byte:03o}" for byte in raw)

    return re.sub(r"[\x00-\x20\x7f-\xa0\\\ud800-\udfff]", octal, text)


def in_order(entries):
    return sorted(entries, key=lambda entry: entry.path.rstrip("/").split("/"))


def write(entries, manifest, path):
    lines = ["cgmon-tree 1", *("# " + line for line in manifest)]
    for entry in in_order(entries):
        lines += entry.lines()
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write("\n".join(lines) + "\n")


def with_parents(paths):
    found = set()
    for path in paths:
        while path not in found:
            found.add(path)
            path = os.path.dirname(path)
    return found
