#!/usr/bin/python3
"""The HTTP side: paths, methods, headers, ends by signal; and what a wrong command line gets."""

import base64
import hashlib
import html.parser
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, exposition
from support.agent import Agent, free_port, run
from support.cgroups import TestCgroups
from support.checks import expect, expect_equal, wait_until
from support.http_reader import Connection, HttpError, get

kTextFormat = "text/plain; version=0.0.4"


def paths():
    """/metrics, /, /-/healthy and /-/ready answer 200 with their content types; the landing page
    leads to /metrics."""
    with Agent(checks.agent_binary()) as agent:
        metrics = agent.get("/metrics")
        expect_equal(metrics.status, 200, "status of /metrics")
        content_type = metrics.headers.get("content-type", "")
        expect(
            content_type.startswith(kTextFormat), f"content type of /metrics is {content_type!r}"
        )
        expect_equal(int(metrics.headers["content-length"]), len(metrics.body), "Content-Length")
        exposition.parse(metrics.body)
        for path in ("/-/healthy", "/-/ready"):
            expect_equal(agent.get(path).status, 200, f"status of {path}")
        landing = agent.get("/")
        expect_equal(landing.status, 200, "status of /")
        expect(
            "text/html" in landing.headers.get("content-type", ""),
            f"headers of /: {landing.headers}",
        )
        expect("/metrics" in landing.text(), "the landing page does not lead to /metrics")


class _Markup(html.parser.HTMLParser):
    """What a browser takes a page for: its tags, and the text of its cells by line."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.rows, self.style = [], [], ""
        self._last = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._last = tag
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self._last = "th" if tag == "a" and self._last == "a" else None

    def handle_data(self, data):
        if self._last == "style":
            self.style += data
        elif self._last in ("td", "th", "a") and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def page_for_people():
    """/ is the table: it has a hostile name as text, sorts by its links, has rates from the second look
    on, and its policy lets a browser do nothing but show it in its own style."""
    hostile = "<img src=x onerror=alert(1)>\"'&\x1b[31m"
    with TestCgroups() as tree, Agent(checks.agent_binary(), min_interval="0") as agent:
        tree.make(hostile)
        first = agent.get("/?all=1")
        expect_equal(first.status, 200, "status of /")
        expect(b"follow in two seconds" in first.body, "no word about the rates of the first look")
        time.sleep(1.1)
        answer = agent.get("/?all=1&sort=name")
        page = _Markup(answer.text())
        allowed = {"html", "head", "meta", "title", "style", "body", "h1", "nav", "a", "b", "table", "thead",
                   "tbody", "tr", "th", "td", "p", "footer", "ul", "li"}  # fmt: skip
        expect_equal({tag for tag, _ in page.tags} - allowed, set(), "other tags")
        for tag, attributes in page.tags:
            expect_equal([a for a in attributes if a.startswith("on") or a in ("src", "style")], [], f"attributes of {tag}")
            href = attributes.get("href", "/")
            expect(href.startswith(("?", "/")) and not href.startswith("//"), f"a link to {href}")
        digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
        policy = answer.headers["content-security-policy"]
        wanted = ["default-src 'none'", f"style-src 'sha256-{digest}'", "base-uri 'none'",
                  "form-action 'none'", "frame-ancestors 'none'"]  # fmt: skip
        expect_equal(policy.split("; "), wanted, "the policy")
        expect_equal(answer.headers["x-content-type-options"], "nosniff", "X-Content-Type-Options")
        names = [row[0] for row in page.rows[1:]]
        shown = tree.path(hostile).replace("\x1b", "\\x1b")
        expect(shown in names, f"no line for {shown!r} in {names}")
        expect(len(names) > 3 and names[0] == "/" and names[1:] == sorted(names[1:]), f"not by name: {names}")
        cpu = page.rows[0].index("CPU %")
        expect(page.rows[1][cpu].endswith("%"), f"CPU of the host: {page.rows[1][cpu]}")
        (link,) = {a["href"] for tag, a in page.tags if tag == "a" and a["href"].startswith("?sort=pids")}
        sorted_page = _Markup(agent.get("/" + link).text())
        at = next(i for i, head in enumerate(sorted_page.rows[0]) if head.startswith("PIDS"))
        pids = [int(row[at].split("/")[0]) for row in sorted_page.rows[2:] if row[at] != "-"]
        expect(len(pids) > 2 and pids == sorted(pids, reverse=True), f"PIDs not from the largest: {pids}")
        for query in ("sort=memry", "sort=%3Cscript%3E", "wide=2", "nothing=1", "every=x"):
            wrong = agent.get("/?" + query)
            expect_equal((wrong.status, wrong.headers["content-type"]), (400, "text/plain; charset=utf-8"), query)
    return f"{len(names)} lines"


def unknown_paths():
    """Unknown paths get 404, also those that try to leave the root, and the connection lives on."""
    with Agent(checks.agent_binary()) as agent:
        for path in (
            "/nothing",
            "/metrics/",
            "/metricsx",
            "/-/",
            "/etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
        ):
            expect_equal(get(agent.port, path).status, 404, f"status of {path}")
        climbing = get(agent.port, "/../../etc/passwd")
        expect(climbing.status in (400, 404), f"/../../etc/passwd got {climbing.status}")
        expect(b"root:" not in climbing.body, "the page served /etc/passwd")
        for _ in range(3):
            expect_equal(agent.get("/nothing").status, 404, "a 404 on a kept connection")
        expect_equal(
            agent.get("/metrics").status, 200, "/metrics after 404s on the same connection"
        )


def other_methods():
    """POST, PUT, DELETE and PATCH get 405 with an Allow header that names GET and HEAD."""
    with Agent(checks.agent_binary()) as agent:
        for path in ("/metrics", "/", "/-/healthy"):
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                with Connection(agent.port) as connection:
                    answer = connection.request(method, path, [("Content-Length", "0")])
                expect_equal(answer.status, 405, f"status of {method} {path}")
                allowed = {w.strip() for w in answer.headers.get("allow", "").split(",")}
                expect({"GET", "HEAD"} <= allowed, f"Allow of {method} {path} is {sorted(allowed)}")


def head():
    """HEAD gives GET's status and headers, with a length and without a body."""
    with Agent(checks.agent_binary()) as agent, Connection(agent.port) as connection:
        for path, wanted in (("/metrics", 200), ("/", 200), ("/-/healthy", 200), ("/nothing", 404)):
            answer = connection.request("HEAD", path)
            expect_equal(answer.status, wanted, f"status of HEAD {path}")
            expect(
                int(answer.headers.get("content-length", "0")) > 0, f"HEAD {path}: {answer.headers}"
            )
            # A body would be read as the head of the next response and fail there.
            full = connection.get(path)
            expect_equal(full.status, wanted, f"GET {path} after HEAD on the same connection")
            same = answer.headers.get("content-type"), full.headers.get("content-type")
            expect_equal(same[0], same[1], f"content type of HEAD and GET {path}")


def kept_connection():
    """Twenty scrapes go over one connection, and a request in pieces is served as a whole one."""
    with Agent(checks.agent_binary()) as agent, Connection(agent.port) as connection:
        port = connection.local_port()
        for _ in range(20):
            exposition.parse(connection.get("/metrics").body)
            expect_equal(connection.local_port(), port, "local port")
        for piece in (b"GET /metr", b"ics HTTP/1.1\r\nHo", b"st: x\r\n", b"\r\n"):
            connection.send(piece)
        expect_equal(connection.read_response().status, 200, "status of the request in pieces")


def nonsense():
    """Nonsense, over-long heads and early hang-ups harm nobody: the next scrape is served."""
    with Agent(checks.agent_binary()) as agent:
        long_head = b"GET /metrics HTTP/1.1\r\n" + b"X-Pad: " + b"a" * 300000 + b"\r\n\r\n"
        for data in (
            b"\x00\xff\x16\x03\x01nonsense\r\n\r\n",
            b"GET\r\n\r\n",
            long_head,
            b"GET /metrics HT",
        ):
            _send_and_hang_up(agent.port, data)
            expect_equal(get(agent.port, "/-/healthy").status, 200, f"health after {data[:30]!r}")
        # A scraper that asks and never reads its answer.
        deaf = Connection(agent.port)
        for _ in range(3):
            deaf.send_request("GET", "/metrics")
        exposition.parse(get(agent.port, "/metrics").body)
        deaf.close()
        expect(agent.process.poll() is None, "the agent has ended")


def _send_and_hang_up(port, data):
    with Connection(port, timeout=5) as connection:
        try:
            connection.send(data)
            if data.endswith(b"\r\n\r\n"):
                status = connection.read_response().status
                expect(400 <= status < 500, f"{data[:30]!r} got {status}")
        except (HttpError, OSError):
            pass  # closing without an answer is right as well


def sigterm_drains():
    """SIGTERM in the middle of a collection: that request is answered whole, then the agent exits 0
    and its port is closed."""
    checks.need_root()
    with TestCgroups() as tree:
        for number in range(200):  # makes a collection take long enough to be met in the middle
            tree.make(f"drain-{number}")
        for _ in range(10):
            with Agent(checks.agent_binary()) as agent, Connection(agent.port) as connection:
                connection.get("/metrics")
                connection.send_request("GET", "/metrics")
                wait_until(
                    lambda: _was_read(connection, agent.port), 5, "the agent reads the request"
                )
                met = not select.select([connection], [], [], 0)[0]
                agent.process.send_signal(signal.SIGTERM)
                page = exposition.parse(connection.read_response().body)
                expect(tree.path("drain-0") in page.ids(), "the drained page is not whole")
                code = agent.wait_for_end()
                expect_equal(
                    code,
                    0,
                    f"exit code after SIGTERM (None: still running); log:\n{agent.log_tail()}",
                )
                expect(_refused(agent.port), "the port is still open")
            if met:
                return "the signal met a collection that was under way"
        raise AssertionError("no request in ten was still unanswered when it had been read")


def _was_read(connection, server_port):
    """True when the server has taken all bytes of the request out of its socket."""
    pair = f":{server_port:04X}", f":{connection.local_port():04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file][1:]
    ours = [r for r in rows if r[1].endswith(pair[0]) and r[2].endswith(pair[1])]
    return bool(ours) and ours[0][4].split(":")[1] == "00000000"


def _refused(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def hung_file():
    """A kernel file that hangs costs its deadline once: then the agent's own metrics come at once,
    success 0, /-/ready is 503; it moves on and the page is whole; hanging again, SIGTERM still ends
    the agent with 0."""
    with tempfile.TemporaryDirectory(prefix="cgmon-test-") as directory:
        os.mkfifo(f"{directory}/meminfo")
        os.mkdir(f"{directory}/1")
        for name in ("stat", "cgroups", "1/mountinfo"):
            shutil.copyfile(f"/proc/{name}", f"{directory}/{name}")
        with Agent(checks.agent_binary(), f"--path.procfs={directory}") as agent:
            timeout = [("X-Prometheus-Scrape-Timeout-Seconds", "1")]
            for attempt in ("first", "second"):
                begin = time.monotonic()
                page = exposition.parse(agent.get("/metrics", timeout).body)
                took = time.monotonic() - begin
                success = [s.value() for s in page.samples("cgmon_scrape_collector_success")]
                expect(success and not any(success), f"success is {success}")
                expect(not page.samples("container_last_seen"), "a stale or partial page")
                if attempt == "second":
                    expect(took < 0.5, f"a scrape of a stuck agent took {took:.1f} s")
            expect_equal(agent.get("/-/ready").status, 503, "status of /-/ready")
            expect_equal(agent.get("/-/healthy").status, 200, "status of /-/healthy")
            resource = exposition.parse(agent.get("/metrics/resource", timeout).body)
            expect_equal(resource.value("resource_scrape_error"), 1, "of the resource page")
            expect_equal(agent.get("/api/v1/snapshot", timeout).status, 503, "status of the JSON")
            # A reader gets the end of the file when the last writer closes.
            os.close(os.open(f"{directory}/meminfo", os.O_WRONLY))
            wait_until(lambda: agent.get("/-/ready").status == 200, 10, "/-/ready is 200 again")
            os.rename(f"{directory}/meminfo", f"{directory}/hangs")
            shutil.copyfile("/proc/meminfo", f"{directory}/meminfo")
            page = agent.scrape()
            expect(page.samples("container_last_seen"), "no cgroups once the file has moved on")
            failed = [
                s.labels["collector"]
                for s in page.samples("cgmon_scrape_collector_success")
                if s.value() != 1
            ]
            # The made-up /proc has no processes, and so no network namespaces.
            expect_equal(set(failed) - {"network"}, set(), "collectors that failed")
            os.rename(f"{directory}/hangs", f"{directory}/meminfo")
            agent.get("/metrics", timeout)
            expect_equal(agent.get("/-/ready").status, 503, "status of /-/ready, hanging again")


def sigint_ends_idle():
    """SIGINT and SIGTERM end an idle agent with exit code 0, also with idle connections open."""
    for number in (signal.SIGINT, signal.SIGTERM):
        with Agent(checks.agent_binary()) as agent, Connection(agent.port) as idle:
            idle.get("/-/healthy")
            agent.process.send_signal(number)
            expect_equal(
                agent.wait_for_end(), 0, f"exit code after {number.name} (None: still running)"
            )


def taken_port():
    """An address that is taken ends the agent with code 1 and a message that names the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run(checks.agent_binary(), f"--web.listen-address={address}")
    expect_equal(ended.code, 1, f"exit code; stderr {ended.stderr!r}")
    expect(address.encode() in ended.stderr, f"stderr does not name {address}: {ended.stderr!r}")


def ipv6():
    """Without a host in its address the agent serves IPv4 and IPv6, at [::1] and [::] IPv6 alone."""
    if not _has_ipv6_loopback():
        raise checks.Skip("this host has no IPv6 loopback address")
    for host, at_ipv4 in (("", True), ("[::1]", False), ("[::]", False)):
        port = free_port()
        flag = f"--web.listen-address={host}:{port}"
        with Agent(checks.agent_binary(), flag), Connection(port, host="::1") as connection:
            answer = connection.get("/-/healthy")
            expect_equal(answer.status, 200, f"health over IPv6 with {flag}")
            expect_equal(not _refused(port), at_ipv4, f"serves IPv4 with {flag}")


def _has_ipv6_loopback():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            return True
    except OSError:
        return False


def bad_flags():
    """Unknown flags and values out of range end with code 2 and a message that names the flag."""
    address = f"--web.listen-address=127.0.0.1:{free_port()}"
    for flag, value in (
        ("--no-such-flag", None),
        ("--limits.cgroups", "many"),
        ("--limits.cgroups", "-1"),
        ("--limits.cgroups", "99999999999999999999"),
        ("--web.min-interval", "soon"),
        ("--only", "nonsense"),
        ("--web.listen-address", "127.0.0.1:99999"),
        ("--web.listen-address", "[fe80::1%lo]:10190"),
        ("--config.file", "/nonexistent/agent.yaml"),
    ):
        words = [flag] if value is None else [f"{flag}={value}"]
        if flag != "--web.listen-address":
            words.append(address)
        ended = run(checks.agent_binary(), *words)
        expect_equal(ended.code, 2, f"exit code of {words}; stderr {ended.stderr!r}")
        expect_equal(ended.stdout, b"", f"stdout of {words}")
        named = value if flag == "--config.file" else flag.lstrip("-")
        expect(
            named.encode() in ended.stderr, f"stderr of {words} does not name it: {ended.stderr!r}"
        )


def bad_config():
    """A wrong configuration ends with code 2 and one error with file, line, key and remedy."""
    cases = (
        ("web:\n  listen-adress: 127.0.0.1:1\n", 2, ["listen-adress", "listen-address"]),
        ("# note\nlimits:\n  depth: 64\n  cgroups: many\n", 4, ["cgroups", "many"]),
        ("limits:\n  cgroups: -5\n", 2, ["cgroups"]),
        ("web:\n  min-interval: [1, 2]\n", 2, ["min-interval"]),
        ("wbe:\n  min-interval: 1s\n", 1, ["wbe", "web"]),
        ("web:\n  min-interval: 1s\n bad\n", None, []),
    )
    with tempfile.TemporaryDirectory(prefix="cgmon-test-") as directory:
        path = f"{directory}/agent.yaml"
        for text, line, words in cases:
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            ended = run(checks.agent_binary(), f"--config.file={path}")
            said = ended.stderr.decode("utf-8", "replace")
            expect_equal(ended.code, 2, f"exit code for {text!r}; it said {said!r}")
            place = path if line is None else f"{path}:{line}"
            for word in [place, *words]:
                expect(word in said, f"the message for {text!r} lacks {word!r}: {said!r}")


def good_config():
    """A right configuration is used: the agent listens where it says, and a flag wins over it."""
    port, other = free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="cgmon-test-") as directory:
        path = f"{directory}/agent.yaml"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"web:\n  listen-address: 127.0.0.1:{port}\n  min-interval: 0s\n")
        # The support's own --web.listen-address flag comes on top of the file's.
        with Agent(checks.agent_binary(), f"--config.file={path}", min_interval=None) as agent:
            expect(agent.port != port, "two free ports are the same")
            expect(
                _refused(port),
                "the agent listens at the file's address though a flag gives another",
            )
        with open(path, "w", encoding="ascii") as file:
            file.write(f"web:\n  listen-address: 127.0.0.1:{other}\n")
        plain = _PlainAgent(checks.agent_binary(), other, f"--config.file={path}")
        with plain as agent:
            expect_equal(agent.get("/-/healthy").status, 200, "health at the file's address")


class _PlainAgent(Agent):
    """An agent whose address comes from its configuration alone."""

    def __init__(self, binary, port, *arguments):
        super().__init__(binary, *arguments, min_interval=None)
        self._given_port = port

    def _command(self):
        self.port = self._given_port
        return [self.binary, *self.arguments]


def main():
    checks.agent_binary()
    tests = [
        paths, page_for_people, unknown_paths, other_methods, head, kept_connection, nonsense, sigterm_drains,
        hung_file, sigint_ends_idle, taken_port, ipv6, bad_flags, bad_config, good_config,
    ]  # fmt: skip
    return checks.main("http", tests, limit_seconds=150)


checks.run_or_skip(main)
