"""usage: limits.py <paths

C: a function fits in 60 lines and takes at most five parameters, a .c file has at most 500 lines
besides its tables, a main.c 40; no // comments. Python: a file has at most 500 lines. Everywhere: no marks of unfinished work, and no
path that leads out of the repository.
"""
import os
import re
import sys

import source

FUNCTION_LINES = 60
FILE_LINES = 500
MAIN_LINES = 40
PARAMETERS = 5
GIVEN = {"tcp_accept"}  # their parameters are a library's, whose calls they take
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
OUTSIDE = "../" "shared"


def faults_of_c(path, text):
    lines = text.count("\n")
    for number in source.line_comments(text):
        yield number, "a // comment"
    for function in source.functions(text):
        if function.lines > FUNCTION_LINES:
            yield function.line, f"{function.name} has {function.lines} lines"
        if function.params > PARAMETERS and function.name not in GIVEN:
            yield function.line, f"{function.name} takes {function.params} parameters"
    if os.path.basename(path) == "main.c" and lines > MAIN_LINES:
        yield lines, f"main.c has {lines} lines"
    if path.endswith(".c") and lines - source.table_lines(text) > FILE_LINES:
        yield lines, f"{lines} lines"


def faults_of_any(text):
    for number, line in enumerate(text.split("\n"), 1):
        if UNFINISHED.search(line):
            yield number, "a mark of unfinished work"
        if OUTSIDE in line:
            yield number, "a path out of the repository"


def main():
    count = 0
    for path in sorted(set(sys.stdin.read().split())):
        try:
            text = source.read(path)
        except OSError:
            continue
        found = list(faults_of_any(text))
        if path.endswith((".c", ".h")):
            found += faults_of_c(path, text)
        if path.endswith(".py") and text.count("\n") > FILE_LINES:
            found.append((FILE_LINES + 1, f"{text.count(chr(10))} lines"))
        for number, what in found:
            count += 1
            print(f"{path}:{number}: {what}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
