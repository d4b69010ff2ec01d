"""Generate texts of Kubernetes objects in forms that kubectl accepts and others that it refuses, from one
seed.
"""

import json
import random
from typing import Any

# Plain scalars that YAML 1.1, YAML 1.2 and Go's parser read in different ways.
SCALARS = (
    *(
        "1",
        "-1",
        "+1",
        "0",
        "00",
        "08",
        "014",
        "0o14",
        "0x1F",
        "0b11",
        "-0b11",
        "1_000",
        "1e3",
        "1E-2",
        ".5",
        "5.",
        "1.0",
        "-0",
        "1:30",
        "190:20:30",
    ),
    *(
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "1e21",
        "1e400",
        "0x",
        "._5",
        "1e",
        "+",
        "-",
        ".",
        "1__0",
    ),
    *(
        "y",
        "Y",
        "n",
        "yes",
        "No",
        "on",
        "OFF",
        "true",
        "True",
        "tRUE",
        "null",
        "Null",
        "~",
        "nULL",
        "2026-11-30",
        "2026-1-1 10:00:00",
        "=",
        "<<a",
    ),
    *(
        "'1'",
        '"yes"',
        "!!str 1",
        "!!int 1",
        "!!float 1",
        "!!bool yes",
        "!!null ~",
        "!Ref b",
        "! 1",
        "!!binary YQ==",
        "!!timestamp 2026-11-30",
    ),
    *(
        ".inf",
        "-.INF",
        ".nan",
        "!!int x",
        "!!bool maybe",
        "!!binary '?'",
        "*gone",
        "{{ .Values.x }}",
        "a: b",
        "@x",
        "`x`",
        "%x",
        "&a x",
        "'\\x41'",
    ),
    *(
        '"\\x41\\u00e9"',
        "|\n    one\n    two",
        ">-\n    one\n    two",
        "[1, yes, {a: on}]",
        "{1: a, yes: b, 1.5: c, ~x: d}",
        "{~: a}",
        "{[a]: b}",
    ),
    *(
        "{a: 1, a: 2}",
        "{<<: {a: 1}, a: 2}",
        "{a: 2, <<: {a: 1}}",
        "{<<: [{a: 1}, {a: 2, b: 3}]}",
        "{<<: 1}",
        "&b {c: 1}",
        "&c [*c]",
        "\u00e9\u4e2d",
        "\t1",
    ),
    *(
        '"a\\/b"',
        '"a\\\\/b"',
        "!!set {b, c}",
        "!!omap [b: 1]",
        "a\u2028b",
        "'a\x85b'",
        '"\\ud83d\\ude00"',
        "[0x1p3, 0o7, 1_0.5]",
    ),
    *("9007199254740993", "1.5e300", "100000000000000000000", "50%", "http://a:80/b#c", '"a\\\n  b"'),
)
SEPARATORS = (
    "---\n",
    "--- \n",
    "---   # next\n",
    "---\t\n",
    "---\n---\n",
    "---\n# only a comment\n---\n",
    "--- x\n",
    "----\n",
    " ---\n",
    "...\n---\n",
    "---\n\ufeff",
)
ENDINGS = ("", "\n", "---\n", "...\n", "\n\n# end\n", "---")
BROKEN = (
    "a: [\n",
    "a: 1\n b: 2\n",
    "\ta: 1\n",
    "a: 'x\n",
    "- a\nb: 1\n",
    "a: 1\n...\nb: 2\n",
    "just a text\n",
    "- 1\n",
    "%YAML 1.1\n",
)


def texts(count: int, seed: int = 18) -> list[bytes]:
    """Generate texts, always the same for a seed."""
    source = random.Random(seed)
    return [_text(source, number) for number in range(count)]


def _text(source: random.Random, number: int) -> bytes:
    form = source.choice(("yaml", "yaml", "yaml", "json", "mixed"))
    if form == "json":
        text = source.choice(("", "\n", " ")).join(
            _json(source, f"{number}-{place}") for place in range(source.randrange(1, 4))
        )
        text += source.choice(
            ("", "\n", "\n---\n", "}", "\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: l%s-last}\n")
        ).replace("%s", str(number))
    else:
        documents = [_document(source, f"{number}-{place}", form) for place in range(source.randrange(1, 5))]
        text = source.choice(("", "---\n", "# first\n", "\n\n"))
        for place, document in enumerate(documents):
            text += (
                source.choice(SEPARATORS[:6] if source.random() < 0.9 else SEPARATORS) if place else ""
            ) + document
        text += source.choice(ENDINGS)
    if source.random() < 0.2:
        text = text.replace("\n", "\r\n")
    if source.random() < 0.05:
        return text.encode("utf-16")
    return (
        (b"\xef\xbb\xbf" if source.random() < 0.1 else b"")
        + text.encode()
        + (b"# \xff\n" if source.random() < 0.02 else b"")
    )


def _document(source: random.Random, name: str, form: str) -> str:
    kind = source.random()
    if kind < 0.06:
        return source.choice(BROKEN)
    if kind < 0.1:
        return source.choice(("", "# nothing\n", "null\n", "~\n", "{}\n", "[]\n", "a: 1\n", "kind: Pod\n"))
    if form == "mixed" and kind < 0.5:
        return _json(source, name) + "\n"
    if kind < 0.2:
        inner = "".join(
            f"- apiVersion: v1\n  kind: Pod\n  metadata: {{name: i{name}-{place}}}\n"
            for place in range(source.randrange(3))
        )
        if inner and source.random() < 0.3:
            bare = inner.replace("- apiVersion: v1\n  kind: Pod\n  metadata", "- metadata")
            return f"apiVersion: v1\nkind: PodList\nitems:\n{bare}"
        return (
            f"apiVersion: v1\nkind: List\nitems:\n{inner}"
            if inner
            else "apiVersion: v1\nkind: List\nitems: []\n"
        )
    lines = [f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: o{name}}}\n"]
    lines += [f"data{place}: {source.choice(SCALARS)}\n" for place in range(source.randrange(4))]
    if source.random() < 0.2:
        lines.append(f"data0: {source.choice(SCALARS[:8])}\n")
    return "".join(lines)


def _json(source: random.Random, name: str) -> str:
    value: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"j{name}"},
        "n": source.choice((1, 1.5, -2, None, True, "x\u00e9", "x\ud83d", "\ude00\ud83d\ude00")),
    }
    # Half a surrogate pair is in JSON as an escape alone.
    escapes = source.random() < 0.5 or "\ud83d" in str(value["n"])
    text = json.dumps(value, indent=source.choice((None, 2, "\t")), ensure_ascii=escapes)
    if source.random() < 0.15:
        text = text.replace(
            '"n":', source.choice(('"n": 0, "n":', "n:", '"n": NaN, "m":', '"n": 1e3, "m":', "// c\n"))
        )
    return text
