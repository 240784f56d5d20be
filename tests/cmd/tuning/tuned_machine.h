// A simulated machine with its own /proc/sys and a place for the record. Three parameters are
// below its need: net.core.somaxconn, net.ipv4.tcp_fin_timeout and net.ipv4.tcp_mem.
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/tuning/kernel_state.h"
#include "cmd/tuning/tuning.h"
#include "tests/support/catch.h"

namespace crier::cmd {

class TunedMachine {
 public:
  TunedMachine() {
    char name[] = "/tmp/crier-test-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    place = {.root = name, .record = std::string(name) + "/record.json"};
    set("net.core.somaxconn", "128");
    set("net.ipv4.tcp_fin_timeout", "60");
    set("net.ipv4.tcp_mem", "10\t20\t30");
    set("net.ipv4.tcp_syncookies", "1");
  }
  ~TunedMachine() { std::filesystem::remove_all(place.root); }
  TunedMachine(const TunedMachine&) = delete;
  TunedMachine& operator=(const TunedMachine&) = delete;

  void set(std::string name, std::string_view value) const {
    std::ofstream(file(std::move(name))) << value << "\n";
  }
  std::string get(const std::string& name) const {
    return read_parameter(name, place.root).value_or("gone");
  }
  std::string file(std::string name) const {
    std::ranges::replace(name, '.', '/');
    const std::filesystem::path path = place.root + "/proc/sys/" + name;
    std::filesystem::create_directories(path.parent_path());
    return path;
  }
  std::vector<Examined> examined() const { return examine(need, place.root); }
  Verdict verdict(std::string_view name) const {
    for (const Examined& one : examined()) {
      if (one.parameter->name == name) return one.verdict;
    }
    return Verdict::odd;
  }
  bool recorded() const { return std::filesystem::exists(place.record); }

  TuningPlace place;
  config::KernelNeed need{
      .connections = 4'000, .descriptors = 10, .backlog = 4'096, .send_buffer_bytes = 65'536};
};

}  // namespace crier::cmd
