#include "cmd/tuning/tuning.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "config/json_value.h"
#include "net/socket/os_error.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kRecordBytesMax = 64 * 1024;
constexpr const char* kByHand = "hand";
constexpr const char* kByConfiguration = "configuration";

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

// Replaces the record by a new file, so that it is never incomplete.
Result<void> write_record(const std::string& path, const std::vector<Change>& changes) {
  config::Json rows = config::Json::array();
  for (const Change& change : changes) {
    rows.push_back({{"parameter", change.parameter},
                    {"before", change.before},
                    {"after", change.after},
                    {"at", change.at},
                    {"uid", change.uid},
                    {"pid", change.pid},
                    {"by", change.by == TunedBy::hand ? kByHand : kByConfiguration}});
  }
  const std::string text = config::Json{{"changes", rows}}.dump(2) + "\n";
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return net::os_failure("cannot create " + fresh);
  const ssize_t written = ::write(fd, text.data(), text.size());
  const int error = written < 0 ? errno : ENOSPC;
  ::close(fd);
  if (written != static_cast<ssize_t>(text.size())) {
    return net::os_failure("cannot write " + fresh, error);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return net::os_failure("cannot replace " + path);
  return {};
}

// Throws Json::exception if it is not a whole number.
std::uint64_t number_in(const config::Json& row, const char* key) {
  return row.at(key).get_ref<const config::Json::number_unsigned_t&>();
}

// Returns the text of the file if the file exists. Errors: os, also if others can write the file.
Result<std::optional<std::string>> trusted_text(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) return net::os_failure("cannot open " + path);
  struct stat info{};
  const bool looked = ::fstat(fd, &info) == 0;
  std::string text(kRecordBytesMax, '\0');
  const ssize_t got = looked && S_ISREG(info.st_mode) ? ::read(fd, text.data(), text.size()) : -1;
  ::close(fd);
  if (got < 0) return fail(Errc::os, "cannot read " + path);
  const bool ours = info.st_uid == 0 || info.st_uid == ::geteuid();
  if (!ours || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(Errc::os, path + " can be written by others; remove it");
  }
  text.resize(static_cast<std::size_t>(got));
  return text;
}

bool can_restore(std::string_view name) {
  const auto rows = config::kernel_parameters();
  return name != config::kOpenFiles &&
         std::ranges::find(rows, name, &config::KernelParameter::name) != rows.end();
}

using Row = std::vector<Change>::iterator;

// The later change of the same parameter, by hand after the configuration's or the reverse, or
// end().
Row on_top_of(std::vector<Change>& record, Row row) {
  return std::ranges::find(row + 1, record.end(), row->parameter, &Change::parameter);
}

// Removes a row. A later change of the same parameter then restores the row's older value.
void take_out(std::vector<Change>& record, Row row) {
  const Row top = on_top_of(record, row);
  if (top != record.end() && top->before == row->after) top->before = row->before;
  record.erase(row);
}

// The recorded change of the parameter, or a new one at the end. If another program has changed the
// parameter since, its value is the one to restore.
Change& change_of(std::vector<Change>& record, const Examined& one, TunedBy by) {
  const std::string_view name = one.parameter->name;
  const auto row = std::ranges::find_if(
      record, [&](const Change& change) { return change.parameter == name && change.by == by; });
  if (row != record.end()) {
    if (on_top_of(record, row) == record.end() && one.current == row->after) return *row;
    take_out(record, row);
  }
  return record.emplace_back(
      Change{.parameter = std::string(name), .before = one.current, .by = by});
}

// Restores one parameter. Returns true if its row can be removed from the record.
bool restore(const Change& change, const TuningPlace& place, TuningOutcome& outcome) {
  const auto now = read_parameter(change.parameter, place.root);
  if (now == change.before) return true;  // Never written, or restored already.
  if (!can_restore(change.parameter)) {
    outcome.problems.push_back("this version of crier cannot restore " + change.parameter +
                               "; set it to " + change.before + " by hand");
    return false;
  }
  if (now != change.after) {
    outcome.problems.push_back(change.parameter + " was set to " + change.after + " but is " +
                               now.value_or("gone") + " now; it is not restored");
    return true;
  }
  if (const auto written = write_parameter(change.parameter, change.before, place.root); !written) {
    outcome.problems.push_back(written.error().detail);
    return false;
  }
  outcome.changed.push_back(change);
  return true;
}

Result<void> save(const std::string& path, const std::vector<Change>& record) {
  if (!record.empty()) return write_record(path, record);
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return net::os_failure("cannot remove " + path);
}

constexpr mode_t kUsersMode = 0644;

std::string users_file(const TuningPlace& place) {
  return place.record + ".users";
}

Result<FileLock> lock_record(const TuningPlace& place) {
  return FileLock::take(place.record + ".lock", FileLock::Kind::exclusive, 0600, place.patience_ms);
}

TuningOutcome problem(const Error& error) {
  return {.changed = {}, .problems = {error.detail}};
}

}  // namespace

Result<FileLock> use_tuning(const TuningPlace& place) {
  return FileLock::take(users_file(place), FileLock::Kind::shared, kUsersMode, place.patience_ms);
}

Result<std::vector<Change>> read_tuning_record(const std::string& path) {
  const auto text = trusted_text(path);
  if (!text) return std::unexpected(text.error());
  std::vector<Change> changes;
  if (!*text) return changes;
  const config::Json json = config::read_json(**text);
  try {
    for (const config::Json& row : json.at("changes")) {
      changes.push_back({.parameter = row.at("parameter"),
                         .before = row.at("before"),
                         .after = row.at("after"),
                         .at = row.at("at"),
                         .uid = static_cast<unsigned>(number_in(row, "uid")),
                         .pid = static_cast<int>(number_in(row, "pid")),
                         .by = row.value("by", kByConfiguration) == kByHand
                                   ? TunedBy::hand
                                   : TunedBy::configuration});
    }
  } catch (const config::Json::exception&) {
    return fail(Errc::os, path + " is not a record of `crier tune`; remove it");
  }
  return changes;
}

TuningOutcome apply_tuning(const std::vector<Examined>& all, const TuningPlace& place, TunedBy by) {
  if (std::ranges::none_of(all, &falls_short)) return {};
  const auto locked = lock_record(place);
  if (!locked) return problem(locked.error());
  // This also makes the file, for daemons that may not.
  const auto used = use_tuning(place);
  if (!used) return problem(used.error());
  TuningOutcome outcome;
  auto record = read_tuning_record(place.record);
  if (!record) return problem(record.error());
  for (Examined one : all) {
    if (!falls_short(one)) continue;
    one.current = read_parameter(one.parameter->name, place.root).value_or("");
    if (config::meets(*one.goal, one.current).value_or(true)) continue;  // Raised meanwhile.
    std::vector<Change> intended = *record;
    Change& change = change_of(intended, one, by);
    change.after = config::improved(*one.goal, one.current);
    change.at = utc_now();
    change.uid = ::getuid();
    change.pid = ::getpid();
    if (const auto kept = write_record(place.record, intended); !kept) {
      outcome.problems.push_back(kept.error().detail);
      return outcome;
    }
    const auto written = write_parameter(change.parameter, change.after, place.root);
    if (!written) {
      outcome.problems.push_back(written.error().detail);
      change.after = read_parameter(change.parameter, place.root).value_or(one.current);
      if (change.after == one.current) continue;
    }
    outcome.changed.push_back(change);
    outcome.changed.back().before = one.current;
    record = std::move(intended);
  }
  if (const auto kept = save(place.record, *record); !kept) {
    outcome.problems.push_back(kept.error().detail);
  }
  return outcome;
}

TuningOutcome undo_tuning(const TuningPlace& place, TunedBy by) {
  if (::access(place.record.c_str(), F_OK) != 0 && errno == ENOENT) return {};
  const auto locked = lock_record(place);
  if (!locked) return problem(locked.error());
  if (by == TunedBy::configuration) {
    const auto unused = FileLock::take(users_file(place), FileLock::Kind::exclusive, kUsersMode);
    if (!unused && unused.error().code == Errc::address_in_use) return {.in_use = true};
    if (!unused) return problem(unused.error());
  }
  auto record = read_tuning_record(place.record);
  if (!record) return problem(record.error());
  TuningOutcome outcome;
  for (std::size_t i = record->size(); i-- > 0;) {  // Later changes first.
    const Row row = record->begin() + static_cast<std::ptrdiff_t>(i);
    if (by == TunedBy::configuration && row->by == TunedBy::hand) continue;
    const bool covered = on_top_of(*record, row) != record->end();
    if (covered || restore(*row, place, outcome)) take_out(*record, row);
  }
  if (const auto kept = save(place.record, *record); !kept) {
    outcome.problems.push_back(kept.error().detail);
  }
  return outcome;
}

}  // namespace crier::cmd
