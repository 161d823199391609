"""Prints the skipped tests of a ctest JUnit file by reason: a skip is not a pass.

Usage: skip_reasons.py JUNIT_XML
"""

import sys
import xml.etree.ElementTree as ElementTree

NAMES_MAX = 5  # of each reason; the count says the rest


def reason_of(output):
    """GoogleTest prints "file:line: Skipped" and the reason below it; scripts print it last."""
    lines = [line.strip() for line in output.splitlines()]
    for index, line in enumerate(lines):
        if line.endswith(": Skipped"):
            message = [text for text in lines[index + 1 :] if text]
            return message[0] if message and not message[0].startswith("[") else "no reason given"
    return next((line for line in reversed(lines) if line), "no reason given")


def skipped_by_reason(root):
    reasons = {}
    for case in root.iter("testcase"):
        if case.find("skipped") is not None:
            reason = reason_of(case.findtext("system-out") or "")
            reasons.setdefault(reason, []).append(case.get("name"))
    return reasons


def main():
    reasons = skipped_by_reason(ElementTree.parse(sys.argv[1]).getroot())
    if not reasons:
        return
    print(f"\nSkipped, not passed: {sum(map(len, reasons.values()))}")
    for reason, names in sorted(reasons.items()):
        more = "" if len(names) <= NAMES_MAX else f" and {len(names) - NAMES_MAX} more"
        print(f"  {reason}\n    {', '.join(names[:NAMES_MAX])}{more}")
    print()


if __name__ == "__main__":
    main()
