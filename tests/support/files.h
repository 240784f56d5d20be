// A directory for files that a test writes; removed with its content.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/support/catch.h"

namespace crier {

class Files {
 public:
  explicit Files(const std::string& in = "/tmp") : root_(in + "/crier-test-XXXXXX") {
    REQUIRE(::mkdtemp(root_.data()) != nullptr);
  }
  ~Files() { std::filesystem::remove_all(root_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  std::string write(const std::string& path, std::string_view content) const {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
    return file;
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace crier
