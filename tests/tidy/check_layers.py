#!/usr/bin/env python3
"""Checks what the compiler cannot: the arrows between the layers, the homes of other people's
headers, and the sizes we hold ourselves to.

Prints `file:line: message` for each violation and fails if there is one. With --self-test, breaks
every rule in a tree of its own and fails unless each is found. Takes less than a second, and is to
stay so.
"""

import collections
import fnmatch
import pathlib
import re
import subprocess
import sys
import tempfile

# The architecture. A new arrow is a decision, made in review.
MAY_INCLUDE = {
    "core": {"core"},
    "config": {"config", "core"},
    "metrics": {"metrics", "core"},
    "net": {"net", "core"},
    "broadcast": {"broadcast", "core"},
    "cmd": {"cmd", "broadcast", "net", "metrics", "config", "core"},
}
# The same inside a layer: which of its other rooms a room may see. A folder of sources that is
# neither here nor a layer of its own is a violation, and so is an arrow against the order: the
# self-test checks that none of these rooms can reach itself.
ROOMS = {
    "core/text": {"core"},
    "net/socket": set(),
    "net/loop": {"net/socket"},
    "net/http": {"net/loop", "net/socket"},
    "net/pending": {"net/http", "net/socket"},
    "broadcast/log": set(),
    "broadcast/streams": {"broadcast/log"},
    "cmd/system": set(),
    "cmd/log": set(),
    "cmd/journal": {"cmd/system"},
    "cmd/journal/nats": {"cmd/journal", "cmd/system"},
    "cmd/status": {"cmd/log"},
    "cmd/tuning": {"cmd/system"},
    "cmd/client": {"cmd/log"},
    "cmd/bench": {"cmd/client", "cmd/status", "cmd/system"},
    "cmd/daemon/link": set(),
    "cmd/daemon/worker": {"cmd/daemon/link", "cmd/system"},
    "cmd/daemon/control": {"cmd/daemon/link", "cmd/journal", "cmd/log", "cmd/status",
                           "cmd/tuning"},
    "cmd/daemon/admin": {"cmd/daemon/control", "cmd/daemon/link", "cmd/log", "cmd/status",
                         "cmd/tuning"},
    "cmd/daemon": {"cmd/daemon/link", "cmd/daemon/worker", "cmd/daemon/control",
                   "cmd/daemon/admin", "cmd/journal", "cmd/journal/nats", "cmd/log",
                   "cmd/system", "cmd/tuning"},
    "cmd/cli": {"cmd/bench", "cmd/client", "cmd/daemon", "cmd/journal", "cmd/log", "cmd/status",
                "cmd/system", "cmd/tuning"},
    "cmd": {"cmd/cli", "cmd/client"},
}
# What tests of a folder may include beside tests/: their layer and what it sees, or this.
TESTS_MAY_INCLUDE = {
    "simulate": {"broadcast", "core"},
    "daemon": {"core"},  # They meet the real binary from outside, over sockets.
    "bench": {"cmd", "core"},  # Their load, and that of attacks, is cmd/bench's.
    "attack": {"cmd"},
    "support": {"core"},
    "fuzz": {"broadcast", "net", "config", "core"},
}
# daemon tests and attacks send over the wire what net's own tests send to the reader; workers that
# run in one thread need broadcast's connections of a script.
TESTS_MAY_ALSO = {
    "tests/daemon/": {"tests/net/http/hostile_heads.h"},
    "tests/attack/": {"tests/net/http/hostile_heads.h"},
    "tests/cmd/journal/": {"tests/broadcast/log/journal_model.h"},
    "tests/cmd/daemon/control/": {"tests/broadcast/streams/scripted_io.h"},
}

# Headers that belong to one layer (or one file); the first prefix that fits counts.
HOME = [
    ("uv.h", ("net/",)),
    ("sys/sdt.h", ("core/probe.h",)),
    ("llhttp.h", ("net/",)),
    # The load that `crier bench` makes must not depend on what it measures.
    ("sys/socket.h", ("net/", "cmd/bench/")),
    ("sys/epoll.h", ("net/", "cmd/bench/")),
    ("sys/un.h", ("net/", "cmd/bench/")),
    ("netinet/", ("net/", "cmd/bench/")),
    ("arpa/", ("net/", "cmd/bench/")),
    ("nats/", ("cmd/journal/nats/",)),
    ("prometheus/", ("metrics/",)),
    ("nlohmann/", ("config/", "cmd/")),
    ("spdlog/", ("cmd/log/log_sink.cc",)),
    ("sqlite3.h", ("cmd/journal/",)),
    ("mutex", ("net/", "cmd/")),
    ("shared_mutex", ("net/", "cmd/")),
    ("condition_variable", ("net/", "cmd/")),
]
LOCK = re.compile(r"\bstd::(\w*mutex|condition_variable\w*|lock_guard|scoped_lock|unique_lock)\b")
LOCK_HOMES = ("net/", "cmd/", "tests/")

CONDITIONAL = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif)\b")
# The only places where two builds may read different code, and why.
CONDITIONAL_HOMES = ("tests/support/", "core/check.h", "core/crc32c.cc", "core/probe.h")

TOP_LEVEL = {
    "core", "config", "metrics", "net", "broadcast", "cmd", "tests", "deploy", "README.md",
    "CMakeLists.txt", ".github", ".cmake", ".clang-format", ".clang-tidy", ".gitignore",
    ".git-blame-ignore-revs", ".ci", "LICENSE",
}

LINES_MAX, COLUMNS_MAX, FUNCTION_LINES_MAX, FILES_MAX = 400, 100, 70, 40
PROSE_COLUMNS_MAX = 120
TEXT_SUFFIXES = {".h", ".cc", ".py", ".sh", ".txt", ".cmake", ".mjs", ".js"}
UNFINISHED = "FIX" + "ME"  # Or this file would find itself.


def tracked_files(root):
    """Paths in the tree, relative: what git would commit, or all if this is no repository."""
    command = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
    else:
        names = [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]
        names = [name for name in names if not name.startswith((".build/", ".git/"))]
    return sorted(name for name in set(names) if (root / name).is_file())


# Longest first: a comment, a raw string, a string, a character (not a digit separator).
LITERALS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)


def code_only(text):
    """The text with comments and literals blanked out, line numbers kept."""
    return LITERALS.sub(lambda m: '""' + "\n" * m.group().count("\n"), text)


# No functions: scopes, and test cases, which may hold a long table.
SCOPE = re.compile(r"\b(namespace|class|struct|enum|union|extern|TEST_CASE)\b")


def long_functions(code):
    """(line, length) of every function body, first line to closing brace, that is too long."""
    depth, statement_from, function_depth, began = 0, 0, None, 0
    for match in re.finditer(r"[{};]|^[ \t]*#(?:.*\\\n)*.*$", code, re.MULTILINE):
        token = match.group()
        if token == "{":
            if function_depth is None:
                head = code[statement_from : match.start()]
                before_paren = head.split("(")[0]
                if ")" in head and not SCOPE.search(before_paren) and "=" not in before_paren:
                    function_depth = depth
                    first = statement_from + len(head) - len(head.lstrip())
                    began = code.count("\n", 0, first) + 1
            depth += 1
        elif token == "}":
            depth -= 1
            if function_depth is not None and depth <= function_depth:
                function_depth = None
                length = code.count("\n", 0, match.start()) + 1 - began + 1
                if length > FUNCTION_LINES_MAX:
                    yield began, length
        if function_depth is None:
            statement_from = match.end()


def may_include(name):
    parts = name.split("/")
    if parts[0] != "tests":
        return MAY_INCLUDE.get(parts[0])
    if parts[1] in TESTS_MAY_INCLUDE:
        allowed = TESTS_MAY_INCLUDE[parts[1]]
    else:
        allowed = MAY_INCLUDE.get(parts[1], set())
    return allowed | {"tests"}


def check_rooms(name, number, header):
    """The arrows between the rooms of one layer; tests may open every room of theirs."""
    room, other = name.rpartition("/")[0], header.rpartition("/")[0]
    same_layer = room.split("/")[0] == other.split("/")[0]
    if same_layer and other != room and other not in ROOMS.get(room, set()):
        yield number, f"{room}/ may not see {other}/"


def check_include(name, number, header, quoted, allowed):
    if name.startswith("tests/") and not quoted:
        return  # Tests of every kind may use any library.
    if quoted:
        layer = header.split("/")[0]
        if layer not in allowed:
            yield number, f"{name.rsplit('/', 1)[0]}/ may not see {layer}/"
        if not name.startswith("tests/"):
            yield from check_rooms(name, number, header)
        if header.startswith("tests/"):
            shared = header.split("/")[1]
            own = name.split("/")[1]
            also = next((v for k, v in TESTS_MAY_ALSO.items() if name.startswith(k)), set())
            if shared not in allowed | {own, "support"} and header not in also:
                yield number, f"tests/{own}/ may not share {header}"
        return
    for prefix, homes in HOME:
        fits = header.startswith(prefix) if prefix.endswith("/") else header == prefix
        if fits and not name.startswith(homes):
            yield number, f"<{header}> belongs to {', '.join(homes)}"


def check_cpp(name, text):
    allowed = may_include(name)
    room = name.rpartition("/")[0]
    if allowed is None or not (name.startswith("tests/") or room in MAY_INCLUDE or room in ROOMS):
        yield 1, "C++ source outside the rooms and tests/"
        return
    code = code_only(text)
    for number, line in enumerate(text.split("\n"), 1):
        included = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        if included:
            yield from check_include(name, number, included[2], included[1] == '"', allowed)
        if CONDITIONAL.match(line) and not name.startswith(CONDITIONAL_HOMES):
            yield number, "no #if here: two builds would read different code"
    for number, line in enumerate(code.split("\n"), 1):
        if LOCK.search(line) and not name.startswith(LOCK_HOMES):
            yield number, "no locks below net/ and cmd/"
    for number, length in long_functions(code):
        yield number, f"function of {length} lines, at most {FUNCTION_LINES_MAX}"
    if name.endswith(".h") and "#pragma once" not in code:
        yield 1, "header without #pragma once"


def check_text(name, text):
    lines = text.split("\n")
    count = len(lines) - 1 if lines[-1] == "" else len(lines)
    if count > LINES_MAX:
        yield LINES_MAX + 1, f"{count} lines, at most {LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns, at most {COLUMNS_MAX}"
        if UNFINISHED in line:
            yield number, f"{UNFINISHED}: finish it, or say in an issue what is missing"


def check_prose(text):
    """Lines of Markdown, but for tables, code and links, which may not be broken."""
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        fenced ^= line.startswith("```")
        breakable = not fenced and not line.startswith(("|", "    ")) and "](" not in line
        if breakable and len(line) > PROSE_COLUMNS_MAX:
            yield number, f"{len(line)} columns of prose, at most {PROSE_COLUMNS_MAX}"


def check_folders(names):
    sources = [name.rpartition("/")[0] for name in names if name.endswith((".h", ".cc"))]
    for folder, count in sorted(collections.Counter(sources).items()):
        if count > FILES_MAX:
            yield folder, 1, f"{count} .h and .cc files, at most {FILES_MAX}: find it a second room"


def check_readmes(root, names):
    """A README names files that there are: in its folder, or by the whole path."""
    there = set(names)
    for name in names:
        if not name.endswith(("README.md", "CONTRIBUTING.md")):
            continue
        folder = name[: name.rfind("/") + 1]
        for number, line in enumerate((root / name).read_text(encoding="utf-8").split("\n"), 1):
            for named in re.findall(r"`([\w/-]+\.(?:h|cc))`", line):
                if "NAME" not in named and not {folder + named, named} & there:
                    yield name, number, f"there is no {named}"


def built_patterns(root):
    """Globs and names of the sources that CMake picks up, read from its files."""
    patterns = set()
    for folder in ("", "tests/"):
        file = root / folder / "CMakeLists.txt"
        if not file.is_file():
            continue
        text = re.sub(r"#.*", "", file.read_text(encoding="utf-8"))
        names = re.findall(r"crier_(?:room|test_binary)\(\s*([\w/]+)", text)
        for recursive, path in re.findall(r"(GLOB_RECURSE[^)]*?)?([\w${}/*.]+\.cc\b)", text):
            path = path.replace("${CMAKE_SOURCE_DIR}/", "").replace("${folder}", "${name}")
            inside = path.startswith("${CMAKE_CURRENT_SOURCE_DIR}/") or "${" not in path
            path = path.replace("${CMAKE_CURRENT_SOURCE_DIR}/", "")
            path = (folder if inside else "") + path
            for name in names or [""]:
                patterns.add((path.replace("${name}", name), bool(recursive)))
    return patterns


def check_built(root, names):
    # A `*` of a plain glob does not cross folders, fnmatch's does: compare the folders, too.
    patterns = built_patterns(root)
    for name in names:
        if not name.endswith(".cc"):
            continue
        depth = name.count("/")
        if not any(fnmatch.fnmatch(name, pattern) and (recursive or pattern.count("/") == depth)
                   for pattern, recursive in patterns):
            yield name, 1, "no glob of CMake's finds this file: it is not built"


def violations(root):
    names = tracked_files(root)
    for name in sorted({name.split("/")[0] for name in names} - TOP_LEVEL):
        yield name, 1, "the top level is fixed: see the map in CONTRIBUTING.md"
    for name in names:
        path = root / name
        if path.suffix == ".md":
            for number, message in check_prose(path.read_text(encoding="utf-8")):
                yield name, number, message
        if path.suffix not in TEXT_SUFFIXES or name.startswith("tests/fuzz/corpus/"):
            continue
        text = path.read_text(encoding="utf-8")
        for number, message in check_text(name, text):
            yield name, number, message
        if path.suffix in (".h", ".cc"):
            for number, message in check_cpp(name, text):
                yield name, number, message
    yield from check_folders(names)
    yield from check_readmes(root, names)
    yield from check_built(root, names)


def report(root):
    found = list(violations(root))
    for name, number, message in found:
        print(f"{name}:{number}: {message}")
    return 1 if found else 0


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    if sys.argv[1:] == ["--self-test"]:
        sys.path.insert(0, str(pathlib.Path(__file__).parent))
        import check_layers_self_test  # Beside this file, so that each stays short.

        return check_layers_self_test.run(violations, ROOMS, tempfile.TemporaryDirectory)
    if sys.argv[1:]:
        sys.exit("usage: check_layers.py [--self-test]")
    return report(root)


if __name__ == "__main__":
    sys.exit(main())
