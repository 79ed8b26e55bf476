"""C sources as the lints read them."""
import re

TOKEN = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def _blank(match):
    text = match.group(0)
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[-1]
    return re.sub(r"[^\n]", " ", text)


def code(text):
    """The text with comments and the insides of literals blanked; lines stay where they are."""
    return TOKEN.sub(_blank, text)


def line_comments(text):
    """Numbers of the lines that have a // comment."""
    return [text.count("\n", 0, m.start()) + 1
            for m in TOKEN.finditer(text) if m.group(0).startswith("//")]


class Function:
    def __init__(self, name, line, lines, params):
        self.name, self.line, self.lines, self.params = name, line, lines, params


def _params(signature):
    """(name, how many parameters) of a definition's head."""
    head = re.sub(r"\b(?:__attribute__\s*\(\(.*?\)\)|PRINTF_LIKE\s*\([^)]*\))", " ", signature)
    found = re.search(r"(\w+)\s*\(", head)
    if not found:
        return "", 0
    depth, commas, at = 0, 0, found.end()
    inner = head[at:]
    for char in inner:
        if char in "([":
            depth += 1
        elif char in ")]":
            if depth == 0:
                break
            depth -= 1
        elif char == "," and depth == 0:
            commas += 1
    body = inner.split(")", 1)[0].strip()
    return found.group(1), 0 if body in ("", "void") else commas + 1


def functions(text):
    """The functions defined in a file laid out by clang-format: `{` and `}` in the first column."""
    lines = code(text).split("\n")
    at = 0
    while at < len(lines):
        if lines[at] == "{":
            first = at
            while first > 0 and lines[first - 1].strip() and \
                    not lines[first - 1].rstrip().endswith((";", "}")) and \
                    not lines[first - 1].startswith("#"):
                first -= 1
            last = at
            while last < len(lines) and lines[last] != "}":
                last += 1
            name, params = _params(" ".join(lines[first:at]))
            yield Function(name, first + 1, last - at + 1, params)
            at = last
        at += 1


def table_lines(text):
    """How many lines stand inside initialisers of file-scope tables."""
    lines, count, inside = code(text).split("\n"), 0, False
    for line in lines:
        if inside:
            count += 1
            inside = not line.startswith("}")
        elif line and not line[0].isspace() and re.search(r"=\s*\{\s*$", line):
            inside = True
    return count
