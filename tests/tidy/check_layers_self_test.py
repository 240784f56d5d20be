"""Shows that each rule of check_layers.py can fail, and that a tree without faults passes."""

import pathlib

CMAKE = """function(crier_room folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
endfunction()
crier_room(core)
crier_room(net/socket)
crier_room(net/http)
crier_room(cmd)
crier_room(cmd/log SMALL)
crier_room(broadcast/log)
add_executable(crier cmd/main.cc)
"""
TESTS_CMAKE = """function(crier_test_binary name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*_test.cc)
endfunction()
crier_test_binary(core crier_core)
crier_test_binary(daemon crier_core)
"""
LONG_BODY = "  step();\n" * 69

# A fault, and the one line that must be reported: nothing else may be.
FAULTS = [
    ("core/a.h", '#pragma once\n#include "net/socket/fd.h"\n',
     "core/a.h:2: core/ may not see net/"),
    ("net/socket/a.cc", '#include "broadcast/a.h"\n',
     "net/socket/a.cc:1: net/socket/ may not see broadcast/"),
    ("net/socket/a.cc", '#include "net/http/a.h"\n',
     "net/socket/a.cc:1: net/socket/ may not see net/http/"),
    ("core/deeper/a.h", "#pragma once\n",
     "core/deeper/a.h:1: C++ source outside the rooms and tests/"),
    ("tests/core/a_test.cc", '#include "net/socket/fd.h"\n',
     "tests/core/a_test.cc:1: tests/core/ may not see net/"),
    ("tests/daemon/a_test.cc", '#include "broadcast/log/log.h"\n',
     "tests/daemon/a_test.cc:1: tests/daemon/ may not see broadcast/"),
    ("tests/daemon/a_test.cc", '#include "tests/net/a.h"\n',
     "tests/daemon/a_test.cc:1: tests/daemon/ may not share tests/net/a.h"),
    ("cmd/a.cc", "#include <uv.h>\n", "cmd/a.cc:1: <uv.h> belongs to net/"),
    ("cmd/a.cc", "#include <llhttp.h>\n", "cmd/a.cc:1: <llhttp.h> belongs to net/"),
    ("cmd/a.cc", "#include <sys/socket.h>\n",
     "cmd/a.cc:1: <sys/socket.h> belongs to net/, cmd/bench/"),
    ("cmd/a.cc", "#include <netinet/in.h>\n",
     "cmd/a.cc:1: <netinet/in.h> belongs to net/, cmd/bench/"),
    ("net/socket/a.cc", "#include <prometheus/counter.h>\n",
     "net/socket/a.cc:1: <prometheus/counter.h> belongs to metrics/"),
    ("net/socket/a.cc", "#include <nlohmann/json.hpp>\n",
     "net/socket/a.cc:1: <nlohmann/json.hpp> belongs to config/, cmd/"),
    ("cmd/a.cc", "#include <spdlog/spdlog.h>\n",
     "cmd/a.cc:1: <spdlog/spdlog.h> belongs to cmd/log/log_sink.cc"),
    ("core/a.cc", "#include <mutex>\n", "core/a.cc:1: <mutex> belongs to net/, cmd/"),
    ("broadcast/log/a.cc", "\nstd::mutex lock;\n",
     "broadcast/log/a.cc:2: no locks below net/ and cmd/"),
    ("core/a.cc", "#ifdef X\n#endif\n",
     "core/a.cc:1: no #if here: two builds would read different code"),
    ("core/a.h", "int a;\n", "core/a.h:1: header without #pragma once"),
    ("core/a.h", "// #pragma once\n", "core/a.h:1: header without #pragma once"),
    ("core/a.cc", "// FIX" + "ME\n",
     "core/a.cc:1: FIX" + "ME: finish it, or say in an issue what is missing"),
    ("core/a.cc", "//" + "é" * 99 + "\n", "core/a.cc:1: 101 columns, at most 100"),
    ("core/a.cc", "//\n" * 401, "core/a.cc:401: 401 lines, at most 400"),
    ("core/a.cc", "\nvoid a(int b) {\n" + LONG_BODY + "}\n",
     "core/a.cc:2: function of 71 lines, at most 70"),
    ("core/a.cc", "namespace x {\nclass A {\n  int b() const {\n" + LONG_BODY + "  }\n};\n}\n",
     "core/a.cc:3: function of 71 lines, at most 70"),
    ("net/loop/a.cc", "", "net/loop/a.cc:1: no glob of CMake's finds this file: it is not built"),
    ("tests/core/a.cc", "", "tests/core/a.cc:1: no glob of CMake's finds this file: it is not "
     "built"),
    ("tests/net/a_test.cc", "", "tests/net/a_test.cc:1: no glob of CMake's finds this file: it is "
     "not built"),
    ("core/README.md", "```\n" + "x" * 121 + "\n```\n" + "é" * 121 + "\n",
     "core/README.md:4: 121 columns of prose, at most 120"),
    ("core/README.md", "`a.h`\n", "core/README.md:1: there is no a.h"),
    ("notes.txt", "", "notes.txt:1: the top level is fixed: see the map in CONTRIBUTING.md"),
]

CROWDED = {f"core/a{number}.h": "#pragma once\n" for number in range(41)}
CROWDED_FAULT = "core:1: 41 .h and .cc files, at most 40: find it a second room"

# What looks like a fault and is none.
INNOCENT = {
    **{f"metrics/a{number}.h": "#pragma once\n" for number in range(40)},
    "core/README.md": "`a.h` `cmd/main.cc` `NAME.cc` <uv.h>\n| a table" + "x" * 120 + "\n    code"
                      + "x" * 120 + "\n[a link](" + "x" * 120 + ")\n" + "é" * 120 + "\n",
    "core/a.h": "#pragma once\n",
    "core/a.cc": '#include "core/a.h"\n// std::mutex, #if, é' + "é" * 60 + "\n",
    "core/b.cc": 'const char* a = "std::mutex {";\nchar b = \'{\';\nint c = 1\'000;\n'
                 "void d() {\n" + LONG_BODY[10:] + "}\n",
    "core/c.cc": "const A rows[] = {\n" + "    row(1),\n" * 80 + "};\n",
    "core/check.h": "#pragma once\n#ifdef CRIER_SLOW_CHECKS\n#endif\n",
    "cmd/main.cc": '#include <mutex>\n#include <nlohmann/json.hpp>\n#include "broadcast/a.h"\n',
    "cmd/log/log_sink.cc": "#include <spdlog/spdlog.h>\n",
    "net/http/a.cc": '#include "net/socket/a.h"\n',
    "net/socket/a.cc": "#include <uv.h>\n#include <sys/socket.h>\nstd::mutex a;\n",
    "tests/core/deeper/a_test.cc": '#include "core/a.h"\n',
    "tests/core/a_test.cc": '#include <sys/socket.h>\n#include "core/a.h"\n'
                            '#include "tests/support/catch.h"\n',
    "tests/daemon/a_test.cc": '#include "tests/net/http/hostile_heads.h"\n',
    "tests/fuzz/corpus/a/b.txt": "x" * 200 + "\n",
}


def faults_of(violations, scratch, files):
    with scratch() as folder:
        root = pathlib.Path(folder)
        for name, text in {"CMakeLists.txt": CMAKE, "tests/CMakeLists.txt": TESTS_CMAKE,
                           **files}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return [f"{name}:{number}: {message}" for name, number, message in violations(root)]


def reaches_itself(rooms, start):
    seen, ahead = set(), list(rooms[start])
    while ahead:
        room = ahead.pop()
        if room not in seen:
            seen.add(room)
            ahead.extend(rooms.get(room, ()))
    return start in seen


def run(violations, rooms, scratch):
    failures = 0
    for room in rooms:
        if reaches_itself(rooms, room):
            failures += 1
            print(f"{room} sees itself through other rooms")
    trees = [({name: text}, expected) for name, text, expected in FAULTS]
    trees.append((CROWDED, CROWDED_FAULT))
    for files, expected in trees:
        found = faults_of(violations, scratch, files)
        if found != [expected]:
            failures += 1
            print(f"expected {expected!r}\n   found {found!r}")
    found = faults_of(violations, scratch, INNOCENT)
    if found:
        failures += 1
        print(f"innocent, but found {found!r}")
    print(f"{len(trees) + 1} trees, {failures} with the wrong result")
    return 1 if failures else 0
