#!/usr/bin/python3
"""The strict reader of the text format accepts what is right and refuses what is not."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import checks, exposition
from support.checks import expect, expect_equal

kHead = "# HELP a Help.\n# TYPE a gauge\n"


def accepts():
    """Escapes, exponents, histograms and untyped families are read as they are meant."""
    page = exposition.parse(
        (
            '# HELP a One \\\\ two\\nthree "four"\n# TYPE a gauge\n'
            'a{id="/x\\\\y\\"z\\n",n="\x1b\r"} 1.25\na 7\na{id="n"} +Inf\n'
            "# TYPE h histogram\n# HELP h Help.\n"
            'h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1e-05\nh_count 2\n'
        ).encode()
    )
    expect_equal(page.families["a"].help, 'One \\ two\nthree "four"', "help")
    sample = page.families["a"].samples[0]
    expect_equal(sample.labels, {"id": '/x\\y"z\n', "n": "\x1b\r"}, "labels")
    expect_equal(sample.scaled(), 1250000000, "1.25 scaled")
    expect_equal(page.sample("h_sum").scaled(), None, "an exponent scaled")
    expect_equal(page.value("h_count"), 2.0, "h_count")
    expect_equal(page.count(), 7, "samples")


def refuses():
    """Each broken page is refused."""
    for text in (
        "",
        kHead + "a 1",
        kHead + "\na 1\n",
        kHead + "a 1 1700000000000\n",
        kHead + "a  1\n",
        kHead + "a{} one\n",
        kHead + 'a{x="1"}1\n',
        kHead + 'a{x="1" ,y="2"} 1\n',
        kHead + 'a{x="1"y="2"} 1\n',
        kHead + 'a{x="1",x="2"} 1\n',
        kHead + 'a{x=""} 1\n',
        kHead + 'a{x="\\t"} 1\n',
        kHead + 'a{x="1} 1\n',
        kHead + 'a{x="1\\"} 1\n',
        kHead + 'a{x="1\n2"} 1\n',
        kHead + 'a{1x="1"} 1\n',
        kHead + "a 1\na 2\n",
        kHead + 'a{x="1",y="2"} 1\na{y="2",x="1"} 1\n',
        kHead + "b 1\n",
        kHead + 'a 1\n# HELP b B.\n# TYPE b gauge\nb 1\na{x="1"} 2\n',
        kHead + "a 1\n# TYPE a gauge\n",
        kHead + "# HELP a Again.\na 1\n",
        kHead.replace("gauge", "number") + "a 1\n",
        kHead.replace("gauge", "counter") + "a -1\n",
        "# TYPE a gauge\na 1\n",
        "# HELP a Help.\na 1\n",
        "a 1\n",
    ):
        try:
            exposition.parse(text.encode())
        except exposition.FormatError:
            continue
        raise AssertionError(f"accepted: {text!r}")
    try:
        exposition.parse(kHead.encode() + b'a{x="\xff"} 1\n')
    except exposition.FormatError as error:
        expect("line 3" in str(error), f"the message does not name line 3: {error}")
    else:
        raise AssertionError("accepted bytes that are not UTF-8")


checks.run_or_skip(lambda: checks.main("exposition reader", [accepts, refuses], limit_seconds=30))
