"""Redact secrets in logs by one table of regular expressions, for Python and for .NET.

A machine redacts before it prints, because Run Command keeps the output. The console and the status report
are redacted here.

Every pattern is in the common subset of both engines: no \\A, \\Z, \\z, $ or \\w, no named or possessive
groups, lookbehinds of one width. Tests run tests/support/redact_corpus.py through both engines.

A pattern starts at the name of a secret and not at the text before it: a leading quantifier would take hours
on a long line of base64.
"""

import json
import re
from dataclasses import dataclass

REDACTED = "[redacted]"
# .NET adds CultureInvariant (assets/logs.ps1): in a Turkish culture I is not the upper case of i.
FLAGS = re.IGNORECASE | re.MULTILINE

# Names whose value is always a secret. NOPASSWD is a word of sudoers and none of them.
_PHRASE = r"(?<![^a-z]no)pass(?:word|wd|phrase|code)"
_KEY = (
    r"(?:access|account|api|auth|certificate|client|encryption|host|master|private|secret|shared|signing"
    r"|ssh|storage)"
    r"[_-]?key(?:[_-]?(?:data|base))?"
)
_STRONG = rf"(?:{_PHRASE}|{_KEY}|x-amz-(?:signature|credential)|connection[_-]?string)"
# Names that prose uses too ("failed to fetch token: Post ..."). As a part of a longer name they always mark a
# secret, but not after a hyphen: default/registry-secret is an object, and "registry-secret: not found" is
# prose.
_WORD = r"(?:token|secret|pass|pin)"
_COMPOUND = rf"(?:(?<=_)|(?-i:(?<=[a-z0-9])(?=[A-Z]))){_WORD}"
# Suffixes that still belong to the name: DB_PASSWORD_1, TOKEN_VALUE, secret_id.
_MORE = r"(?:[_-]?(?:value|text|plain|id|old|new|[0-9]{1,3}))?"
# The end of a name and the sign of assignment. JSON inside a JSON string has backslashes before its quotes.
_IS = rf"{_MORE}\\*[\"']?[ \t]*(?:=>|:=|[:=])[ \t]*"
# Values that are no secrets: switches, empty values, and the path of a file (client-key:
# /var/lib/kubelet/pki/kubelet-client-current.pem).
_END = r"(?=[\s,;)\]}\"'\\]|(?![\s\S]))"
_NOTHING = rf"(?:(?:[a-z]+:)?(?:true|false)|null|nil|none|yes|no|<[a-z]+>|[,;)\]}}]){_END}"
_PATH = r"(?-i:(?:/[a-z0-9._-]+){2,}|[A-Za-z]:\\[^\s\"']+|https?://[^\s\"'@]+)" + _END
_VALUE = rf"(?!\\*[\"']?(?:{_NOTHING}|{_PATH}))"
_LOGIN = rf"(?!\\*[\"']?{_NOTHING})"  # a password may look like a path
# A value without quotes ends at a blank, a quote or a tag, or at the next field of a URL or of a connection
# string.
_BARE = r"(?![{\[])(?:[^\s;&\"'<>]|[\"'](?=[A-Za-z0-9])|[;&](?![A-Za-z0-9_ .-]{1,40}=|\s))+"
# A value in quotes ends at the next quote, which may be on another line, or else at the end of the line.
_DOUBLE, _SINGLE = r"(?<=\")(?:[^\"\\\r\n]|\\[^\r\n])+", r"(?<=')[^'\r\n]+"
_LINES = r"(?<=\")[^\"]{1,4000}(?=\")|(?<=')[^']{1,4000}(?=')"
_QUOTED = rf"(?:{_DOUBLE}(?=\")|{_SINGLE}(?=')|{_LINES}|{_DOUBLE}|{_SINGLE})"
_LINE = r"[^\s\"'{\[][^\r\n]*"
_UNLIKE_PROSE = r"(?:(?=[^\s]*[0-9])[^\s\"'{\[]{6,}|[^\s\"'{\[]{20,})"
_BEGIN_KEY, _END_KEY = (f"-----{edge} [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----" for edge in ("BEGIN", "END"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A kind of secret. `keeps_prefix`: the first group of the pattern stays in the text."""

    what: str
    pattern: str

    @property
    def keeps_prefix(self) -> bool:
        return re.compile(self.pattern, FLAGS).groups > 0


# Secrets that are recognised by their form.
_FORMS = (
    Secret(
        what="private key, to its end or to that of the text",
        pattern=rf"{_BEGIN_KEY}(?:(?!{_END_KEY})[\s\S])*(?:{_END_KEY})?",
    ),
    Secret(
        what="private key whose beginning is cut off",
        pattern=rf"(?:^[A-Za-z0-9+/=]{{16,100}}\r?\n){{1,60}}{_END_KEY}",
    ),
    Secret(
        what="private key in base64, also over several lines; a certificate is none",
        pattern=r"(?-i:LS0tLS1CRUdJTi(?!BDRVJUSUZJQ0FURS)[A-Za-z0-9+/=]{20,}(?:[ \t]*\r?\n[ "
        r"\t]*[A-Za-z0-9+/=]{40,})*)",
    ),
    Secret(what="JSON web token", pattern=r"(?-i:\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){2,4})"),
    Secret(
        what="bootstrap token of kubeadm",
        pattern=r"(?-i:(?<![A-Za-z0-9_./-])[a-z0-9]{6}\.[a-z0-9]{16}(?![A-Za-z0-9_-]))",
    ),
    Secret(what="certificate key of kubeadm, below its title", pattern=r"(certificate key:\s*)[0-9a-f]{64}"),
    Secret(what="access key of AWS", pattern=r"(?-i:\b(?:AKIA|ASIA)[A-Z0-9]{16}\b)"),
    Secret(what="session token of AWS", pattern=r"(?-i:\b(?:IQoJb3JpZ2lu|FwoGZXIvYXdz)[A-Za-z0-9+/=%]{20,})"),
    Secret(
        what="token that its issuer marks as one",
        pattern=r"(?-i:\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|npm_|sk_live_|AIza"
        r"|dckr_pat_)[A-Za-z0-9_-]{16,})",
    ),
    Secret(
        what="hash of a password (crypt)",
        pattern=r"(?-i:(?<![A-Za-z0-9])\$(?:1|2[aby]|5|6|7|y|gy|argon2id?)\$[A-Za-z0-9./$=,+]{16,})",
    ),
)
# Headers and URLs.
_WEB = (
    Secret(
        what="header that carries credentials",
        pattern=r"(\b(?:authorization|cookie2?)\\*[\"']?[ \t]*[:=][ \t]*\\*[\"']?)(?=[^\s{\[])[^\r\n\"'\\]+",
    ),
    Secret(
        what="bearer or basic credentials",
        pattern=r"(\b(?:bearer|basic)[ \t]+)(?=[^\s]*[0-9=])[A-Za-z0-9._~+/=-]{6,}",
    ),
    Secret(what="password in a URL", pattern=r"(://[^\s/:@\"'<>]*:)[^\s/\"'<>]+(?=@)"),
    Secret(what="token as the user of a URL", pattern=r"(://)[A-Za-z0-9_-]{20,}(?=@)"),
    Secret(what="signature in a URL", pattern=r"([?&]sig(?:nature)?=)[^\s&\"'<>]+"),
)
_ANY = rf"(?:{_STRONG}|pwd|{_WORD}){_MORE}"
# Forms of documents.
_DOCUMENTS = (
    Secret(
        what="block of YAML",
        pattern=rf"(^([ \t]*)(?:- )?[\"']?[A-Za-z0-9_.-]{{0,60}}{_ANY}[\"']?:[ \t]*[|>][-+0-9]*)"
        r"(?:[ \t]*\r?\n(?:\2[ \t]+[^\r\n]*|[ \t]*(?=\r?\n)))+",
    ),
    Secret(
        what="element of XML, and the value inside of it in an unattended set-up",
        pattern=rf"({_ANY}(?:[ \t][^<>\r\n]{{0,200}})?>\s*(?:<value>\s*)?)(?![<\s])[^<]{{1,4000}}(?=</)",
    ),
    Secret(
        what="value beside its name (environment of a container, .config)",
        pattern=rf"(\b(?:name|key)\\*[\"']?[ \t]*[:=][ "
        rf"\t]*\\*[\"']?[A-Za-z0-9_.:-]{{0,60}}{_ANY}\\*[\"']?\s*,?\s*"
        r"\\*[\"']?value\\*[\"']?[ \t]*[:=][ \t]*\\*[\"']?)(?![\s{\[])(?:[^\s\"'\\,}]|,(?!\s|[a-z]+:))+",
    ),
    Secret(what="password of .netrc", pattern=r"(\blogin[ \t]+[^\s]+\s+password[ \t]+)[^\s]+"),
    Secret(
        what="row of a table of environment variables",
        pattern=rf"(^[A-Za-z0-9_]{{0,60}}(?:{_PHRASE}|_key|{_WORD})[ \t]{{2,}})[^\s][^\r\n]*",
    ),
)


def _quoted(name: str, value: str) -> tuple[Secret, Secret]:
    """Return the two forms of a value in quotes."""
    return (
        Secret(
            what="value in quotes in a quoted text",
            pattern=rf"({name}{_IS}{value}\\+\")(?:[^\"\\]|\\(?!\"))+",
        ),
        Secret(what="value in quotes", pattern=rf"({name}{_IS}{value}[\"']){_QUOTED}"),
    )


# Names and what is assigned to them.
_PAIRS = (
    *_quoted(rf"(?:{_STRONG}|(?<!old)(?<![a-z])pwd)", _LOGIN),
    *_quoted(rf"(?:{_WORD}|\bauth)", _VALUE),
    Secret(
        what="value of a name that begins its line, to the end of it",
        pattern=rf"(^[ \t><*-]*(?:export |set |\$env:|\$)?[\"']?(?:[A-Za-z0-9_.:-]{{0,60}}"
        rf"(?:{_PHRASE}|(?:secret|api)[_-]?(?:access[_-]?)?key)"
        rf"|(?:[A-Za-z0-9_.:-]{{0,60}}[_.:-])?{_WORD}){_IS}{_VALUE}){_LINE}",
    ),
    Secret(what="value of a strong name", pattern=rf"({_STRONG}{_IS}{_VALUE}){_BARE}"),
    Secret(
        what="password of a connection string; PWD of a shell is a folder",
        pattern=rf"((?:;pwd{_IS}|(?<![a-z])pwd{_IS}(?!(?-i:/|[A-Za-z]:\\)))){_BARE}",
    ),
    Secret(what="value of a compound name", pattern=rf"({_COMPOUND}{_IS}{_VALUE}){_BARE}"),
    Secret(
        what="value of a name with =, or with : and no blank",
        pattern=rf"(\b(?:{_WORD}|credential)s?{_MORE}\\*[\"']?(?:[ \t]*(?:=>|:=|=)[ "
        rf"\t]*|:(?!\s)){_VALUE}){_BARE}",
    ),
    Secret(
        what="value of a name in prose that does not look like prose",
        pattern=rf"(\b{_WORD}{_IS}{_VALUE}){_UNLIKE_PROSE}",
    ),
    Secret(
        what="value of a flag",
        pattern=rf"((?<![A-Za-z0-9_.-])--?(?:[A-Za-z0-9]{{1,20}}[_-]){{0,4}}(?:{_STRONG}|{_WORD})"
        r"(?:[ \t]+|\\*[\"'],\s*)\\*[\"']?)"
        r"(?!(?:flags?|options?|parameters?|arguments?|is|was|or|and|must|to|for|should|can|cannot|has"
        r"|does|with|from)\b|-)"
        r"[^\s\"'\\]+",
    ),
    Secret(
        what="plain text of a secure string",
        pattern=r"(ConvertTo-SecureString[ \t]+(?:-String[ \t]+)?[\"']?)[^\s\"'-][^\s\"']*",
    ),
)
SECRETS = (*_FORMS, *_WEB, *_DOCUMENTS, *_PAIRS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One replacement: `replacement` takes the place of the match, after its first group if
    `keeps_prefix`.
    """

    pattern: str
    keeps_prefix: bool
    replacement: str

    @property
    def template(self) -> str:
        """Return the replacement as re.sub expects it."""
        return f"\\g<1>{self.replacement}" if self.keeps_prefix else self.replacement


# UTF-16 that was read as bytes has a NUL beside each letter, which would hide every name. Another NUL ends a
# text, as in /proc/PID/environ.
_LETTERS = Rule(pattern=r"(?<=[^\0]\0[^\0])\0|\0(?=[^\0]\0)", keeps_prefix=False, replacement="")
_ENDS = Rule(pattern=r"\0", keeps_prefix=False, replacement="\n")
RULES = (
    _LETTERS,
    _ENDS,
    *(Rule(pattern=each.pattern, keeps_prefix=each.keeps_prefix, replacement=REDACTED) for each in SECRETS),
)


def redact(text: str) -> str:
    """Return the text without secrets."""
    for rule in RULES:
        text = re.sub(rule.pattern, rule.template, text, flags=FLAGS)
    return text


def for_python() -> str:
    """Return the rules as JSON for assets/logs.sh: pattern and template of re.sub."""
    return json.dumps([(rule.pattern, rule.template) for rule in RULES])


def for_dotnet() -> list[tuple[str, str]]:
    """Return the rules as pairs for [regex]::Replace in assets/logs.ps1."""
    return [
        (rule.pattern, f"${{1}}{rule.replacement}" if rule.keeps_prefix else rule.replacement)
        for rule in RULES
    ]
