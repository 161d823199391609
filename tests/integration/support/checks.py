"""Runs a script's checks in order, says what each one showed, exits as ctest expects."""

import importlib
import os
import signal
import sys
import time
import traceback

kSkipped = 77


class Skip(Exception):
    """This machine cannot do what the check needs; the text says what is missing."""


class OutOfTime(Exception):
    pass


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def expect_equal(actual, wanted, what):
    if actual != wanted:
        raise AssertionError(f"{what}: got {actual!r}, wanted {wanted!r}")


def say(text):
    print(text, flush=True)


def _record(title, check, outcome, reason=""):
    """For a table over several runs: a line in the file that CGMON_RECORD names, if it does."""
    path = os.environ.get("CGMON_RECORD")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write("\t".join((title, check.__name__, outcome, " ".join(reason.split()))) + "\n")


def add_only(parser):
    parser.add_argument("--only", action="append", help="this check alone; repeatable")


def only(every, options):
    """Those of a script's checks that its --only names, in their order; all without it."""
    return [check for check in every if not options.only or check.__name__ in options.only]


def wait_until(condition, seconds, what):
    """Returns the first true result of `condition`; fails when there is none within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def _raise_out_of_time(number, _frame):
    raise OutOfTime(
        f"ended by {signal.Signals(number).name}: over the script's time limit or stopped"
    )


def main(title, checks, limit_seconds):
    """Runs every check; each is a function whose docstring is the sentence to print.

    The limit ends the script from within, so that `with` blocks take down what they made; ctest's
    own time-out is a little longer and kills.
    """
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_out_of_time)
    signal.alarm(limit_seconds)
    python = sys.version.split()[0]
    say(f"{title} ({len(checks)} checks, python {python}, kernel {os.uname().release})")
    failed, skipped = 0, []
    for check in checks:
        sentence = " ".join((check.__doc__ or check.__name__).split())
        started = time.monotonic()
        try:
            note = check()
        except Skip as reason:
            skipped.append(str(reason))
            _record(title, check, "skipped", str(reason))
            say(f"SKIPPED  {sentence}\n         {reason}")
            continue
        except OutOfTime as reason:
            _record(title, check, "failed", str(reason))
            say(f"FAILED   {sentence}\n         {reason}")
            traceback.print_exc()
            return 1
        except Exception as error:  # a check may fail in any way; the others still run
            failed += 1
            _record(title, check, "failed", str(error))
            say(f"FAILED   {sentence}\n         {type(error).__name__}: {error}")
            if not isinstance(error, AssertionError):
                traceback.print_exc()
            continue
        _record(title, check, "ok")
        say(f"ok       {sentence} [{time.monotonic() - started:.1f} s]")
        if note:
            say(f"         {note}")
    signal.alarm(0)
    done = len(checks) - failed - len(skipped)
    say(f"{done} checked, {failed} failed, {len(skipped)} skipped")
    if skipped and not done and not failed:
        say("; ".join(skipped))  # the last line is the reason that ctest's reader shows
        return kSkipped
    return 1 if failed else 0


def need_module(name, package):
    """A module that Debian's package brings, also where python3 is not Debian's own."""
    debian = "/usr/lib/python3/dist-packages"
    if debian not in sys.path:
        sys.path.append(debian)
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Skip(f"no {name} (package {package}): {error}") from None


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root: it makes cgroups")


def agent_binary():
    """Path of the agent under test, from CGMON_AGENT."""
    path = os.environ.get("CGMON_AGENT", "")
    if not path:
        raise Skip("CGMON_AGENT is not set: it names the agent's binary")
    if not os.access(path, os.X_OK):
        raise AssertionError(f"CGMON_AGENT={path} is not an executable file")
    return os.path.abspath(path)


def run_or_skip(body):
    """Runs a script's main; a Skip outside of a check skips the whole script."""
    try:
        sys.exit(body())
    except Skip as reason:
        say(f"skipped: {reason}")
        sys.exit(kSkipped)
