#include "config/load.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "config/reader.h"
#include "core/result.h"

namespace crier::config {
namespace {

// At most one byte more than a configuration may have, so that the reader sees that it is too
// large.
Result<std::string> read_file(const std::string& name) {
  const auto failed = [&] {
    return fail(Errc::os, name + " cannot be read: " + std::strerror(errno));
  };
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return failed();
  const auto close = [](std::FILE* open) { std::fclose(open); };
  const std::unique_ptr<std::FILE, decltype(close)> file(::fdopen(fd, "rb"), close);
  if (file == nullptr) {
    const auto failure = failed();
    ::close(fd);
    return failure;
  }
  if (::fcntl(fd, F_SETFL, 0) != 0) return failed();  // Reading waits for the writer of a pipe.
  std::string text(kConfigBytesMax + 1, '\0');
  errno = 0;
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return failed();
  return text;
}

}  // namespace

Loaded load(const std::optional<std::string>& file, std::span<const std::string> overrides) {
  Reader reader;
  if (file) {
    if (const Result<std::string> text = read_file(*file); text) {
      reader.take_file(*text, *file);
    } else {
      reader.add_problem({"", *file, 0, text.error().detail});
    }
  }
  for (const std::string& assignment : overrides) reader.take_override(assignment);
  return reader.finish();
}

Loaded load_text(std::string_view text, const std::string& file_name,
                 std::span<const std::string> overrides) {
  Reader reader;
  reader.take_file(text, file_name);
  for (const std::string& assignment : overrides) reader.take_override(assignment);
  return reader.finish();
}

}  // namespace crier::config
