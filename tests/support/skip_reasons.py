"""Prints the skipped tests of a ctest JUnit file by reason: a skip is not a pass.

Usage: skip_reasons.py JUNIT_XML
"""

import sys
import xml.etree.ElementTree as ElementTree

NAMES_MAX = 5  # of each reason; the count says the rest


def gtest_reason(lines):
    """GoogleTest prints "file:line: Skipped" and the reason below it."""
    for index, line in enumerate(lines):
        if line.endswith(": Skipped"):
            message = next((text for text in lines[index + 1 :] if text), "")
            return message if message and not message.startswith("[") else "no reason given"
    return None


def check_reasons(lines):
    """Scripts print "SKIPPED  what" and the reason below it; others of their checks may have run."""
    return [
        lines[index + 1]
        for index, line in enumerate(lines[:-1])
        if line.startswith("SKIPPED ") and lines[index + 1]
    ]


def skipped_by_reason(root):
    """{reason: [test]} and the number of tests skipped whole."""
    reasons, whole = {}, 0
    for case in root.iter("testcase"):
        lines = [line.strip() for line in (case.findtext("system-out") or "").splitlines()]
        name, found = case.get("name"), check_reasons(lines)
        if case.find("skipped") is None:
            name += " (in part)"
        else:
            whole += 1
            last = next((line for line in reversed(lines) if line), "no reason given")
            found = found or [gtest_reason(lines) or last]
        for reason in dict.fromkeys(found):
            reasons.setdefault(reason, []).append(name)
    return reasons, whole


def main():
    reasons, whole = skipped_by_reason(ElementTree.parse(sys.argv[1]).getroot())
    if not reasons:
        return
    print(f"\nSkipped, not passed: {whole} tests")
    for reason, names in sorted(reasons.items()):
        more = "" if len(names) <= NAMES_MAX else f" and {len(names) - NAMES_MAX} more"
        print(f"  {reason}\n    {', '.join(names[:NAMES_MAX])}{more}")
    print()


if __name__ == "__main__":
    main()
