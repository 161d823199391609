"""A strict reader of the Prometheus text format 0.0.4.

Stricter than Prometheus: a family's lines stand together, HELP and TYPE come first and once, no
series twice, labels in a fixed order per family's sample, no timestamps, no empty label values.
"""

import re

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_VALUE = re.compile(r"[+-]?(?:Inf|NaN|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)")
_PLAIN = re.compile(r"(-?)(\d+)(?:\.(\d+))?")
_KINDS = ("counter", "gauge", "histogram", "summary", "untyped")
_LABEL_ESCAPES = {"\\": "\\", '"': '"', "n": "\n"}
_HELP_ESCAPES = {"\\": "\\", "n": "\n"}


class FormatError(AssertionError):
    pass


class Sample:
    __slots__ = ("name", "labels", "text")

    def __init__(self, name, labels, text):
        self.name = name
        self.labels = labels  # dict
        self.text = text

    def value(self):
        return float(self.text)

    def scaled(self, digits=9):
        """The value times 10^digits as an exact integer; None where the text is no such number."""
        match = _PLAIN.fullmatch(self.text)
        if not match or len(match[3] or "") > digits:
            return None
        number = int(match[2] + (match[3] or "").ljust(digits, "0"))
        return -number if match[1] else number

    def __repr__(self):
        return f"{self.name}{self.labels} {self.text}"


class Family:
    def __init__(self, name):
        self.name = name
        self.help = None
        self.kind = None
        self.samples = []


class Page:
    def __init__(self):
        self.families = {}

    def samples(self, name, /, **labels):
        """Samples of that name that have all the given labels."""
        family = self.families.get(name) or self.families.get(_base_name(name))
        if family is None:
            return []
        wanted = labels.items()
        return [s for s in family.samples if s.name == name and wanted <= s.labels.items()]

    def sample(self, name, /, **labels):
        """The one sample with those labels, or None. More than one is an error of the caller."""
        found = self.samples(name, **labels)
        if len(found) > 1:
            raise AssertionError(f"{len(found)} series {name}{labels}, wanted at most one")
        return found[0] if found else None

    def value(self, name, /, **labels):
        found = self.sample(name, **labels)
        if found is None:
            raise AssertionError(f"no series {name}{labels} on the page")
        return found.value()

    def ids(self):
        return {
            s.labels["id"] for f in self.families.values() for s in f.samples if "id" in s.labels
        }

    def of(self, cgroup):
        """All samples of one cgroup."""
        return [
            s for f in self.families.values() for s in f.samples if s.labels.get("id") == cgroup
        ]

    def count(self):
        return sum(len(f.samples) for f in self.families.values())


def parse(body):
    """Reads a whole page (bytes); raises FormatError that names the line."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise FormatError(f"line {line}: not UTF-8: {error}") from None
    if not text.endswith("\n"):
        raise FormatError("the page does not end with a line feed")
    page, current, series = Page(), None, set()
    # Only \n ends a line; str.splitlines would also split at \r, \x0b, U+2028.
    for number, line in enumerate(text[:-1].split("\n"), 1):
        try:
            current = _line(page, current, series, line)
        except FormatError as error:
            raise FormatError(f"line {number}: {error}: {line[:200]!r}") from None
    for family in page.families.values():
        if family.kind is None or family.help is None:
            raise FormatError(f"family {family.name} has no HELP or no TYPE")
    return page


def _line(page, current, series, line):
    if line.startswith("# HELP ") or line.startswith("# TYPE "):
        return _comment(page, current, line)
    if not line or line.startswith("#"):
        raise FormatError("empty line or free comment")
    sample = _sample(line)
    if current is None or not _belongs(sample.name, current):
        raise FormatError("sample outside of its family's lines")
    key = (sample.name, tuple(sorted(sample.labels.items())))
    if key in series:
        raise FormatError("series twice on the page")
    series.add(key)
    if current.kind == "counter" and sample.text.startswith("-"):
        raise FormatError("negative counter")
    current.samples.append(sample)
    return current


def _comment(page, current, line):
    word, rest = line[2:6], line[7:]
    name, _, text = rest.partition(" ")
    if not _METRIC.fullmatch(name):
        raise FormatError("bad family name")
    if current is None or current.name != name:
        if name in page.families:
            raise FormatError("family in two places of the page")
        current = page.families[name] = Family(name)
    if current.samples:
        raise FormatError(f"{word} after samples")
    if word == "HELP":
        if current.help is not None or not text:
            raise FormatError("second or empty HELP")
        current.help = _unescape(text, _HELP_ESCAPES)
    else:
        if current.kind is not None or text not in _KINDS:
            raise FormatError("second or unknown TYPE")
        current.kind = text
    return current


def _base_name(name):
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name


def _belongs(name, family):
    if name == family.name and family.kind != "histogram":
        return True
    return family.kind in ("histogram", "summary") and _base_name(name) == family.name


def _unescape(text, escapes):
    if "\\" not in text:
        return text
    out, at = [], 0
    while at < len(text):
        if text[at] != "\\":
            out.append(text[at])
            at += 1
            continue
        if text[at + 1 : at + 2] not in escapes or at + 1 >= len(text):
            raise FormatError(f"bad escape at column {at}")
        out.append(escapes[text[at + 1]])
        at += 2
    return "".join(out)


def _sample(line):
    match = _METRIC.match(line)
    if not match:
        raise FormatError("no metric name")
    at, labels = match.end(), {}
    if line[at : at + 1] == "{":
        at = _labels(line, at + 1, labels)
    if line[at : at + 1] != " ":
        raise FormatError("no space before the value")
    text = line[at + 1 :]
    if not _VALUE.fullmatch(text):
        raise FormatError("bad value, or something after it (timestamps are not wanted)")
    return Sample(match[0], labels, text)


def _labels(line, at, labels):
    while line[at : at + 1] != "}":
        match = _LABEL.match(line, at)
        if not match or line[match.end() : match.end() + 2] != '="':
            raise FormatError("bad label")
        start = at = match.end() + 2
        while at < len(line) and line[at] != '"':
            at += 2 if line[at] == "\\" else 1
        if at >= len(line):
            raise FormatError("label value without end")
        value = _unescape(line[start:at], _LABEL_ESCAPES)
        if match[0] in labels:
            raise FormatError("label twice")
        if not value:
            raise FormatError("empty label value")
        labels[match[0]] = value
        at += 1
        if line[at : at + 1] == ",":
            at += 1
        elif line[at : at + 1] != "}":
            raise FormatError("no comma after a label")
    return at + 1
