#include "cmd/cli/journal_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "broadcast/log/journal_batch.h"
#include "cmd/cli/report.h"
#include "cmd/client/terminal.h"
#include "cmd/journal/journal_store.h"
#include "cmd/log/log_line.h"
#include "core/text/escape.h"
#include "core/text/event_id.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kPrintedBytes = std::size_t{64} << 10;

Result<JournalStore> open_file(const std::string& path) {
  auto store = JournalStore::open({.path = path, .create = false});
  if (store || store.error().code != Errc::address_in_use) return store;
  return fail(Errc::address_in_use, "a daemon has the journal " + path +
                                        " open: stop it, or use a copy that `crier journal "
                                        "backup` makes");
}

// Calls with each part of each batch.
class Reader : public StoreVisitor {
 public:
  void on_remembered(const broadcast::Remembered& /*remembered*/) override {}
  void on_batch(const StoredBatch& batch) override {
    broadcast::BatchReader reader(batch.body, batch.first, batch.last);
    for (;;) {
      const auto part = reader.next();
      if (part == broadcast::BatchPart::event) {
        ++events_;
        on_event(batch, reader.sequence(), reader.event());
      } else if (part == broadcast::BatchPart::key) {
        ++keys_;
      } else {
        return;  // The store hands out no batch that is malformed.
      }
    }
  }
  void on_hole(std::uint64_t through) override { hole_ = std::max(hole_, through); }

  std::uint64_t events() const { return events_; }
  std::uint64_t keys() const { return keys_; }
  std::uint64_t hole() const { return hole_; }

 private:
  virtual void on_event(const StoredBatch& /*batch*/, std::uint64_t /*sequence*/,
                        const broadcast::Event& /*event*/) {}

  std::uint64_t events_ = 0;
  std::uint64_t keys_ = 0;
  std::uint64_t hole_ = 0;
};

class Exporter final : public Reader {
 public:
  explicit Exporter(const Epoch& epoch) : epoch_(epoch) {}

  // Prints the rest. Returns false if a line could not be printed.
  bool finish() {
    print();
    return printed_;
  }

 private:
  void on_event(const StoredBatch& batch, std::uint64_t sequence,
                const broadcast::Event& event) override {
    append_event_id(lines_ += "{\"id\":\"", epoch_, sequence);
    append_json_string(lines_ += "\",\"topic\":", event.topic);
    if (!event.name.empty()) append_json_string(lines_ += ",\"event\":", event.name);
    append_json_string(lines_ += ",\"data\":", event.data);
    const std::chrono::milliseconds since_1970(batch.wall_ms);
    lines_ += ",\"time\":\"";
    lines_ += utc_text(std::chrono::system_clock::time_point(since_1970));
    lines_ += "\"}\n";
    if (lines_.size() >= kPrintedBytes) print();
  }
  void print() {
    if (printed_) printed_ = print_out(lines_);
    lines_.clear();
  }

  Epoch epoch_;
  std::string lines_;
  bool printed_ = true;
};

// What is wrong with a file that was loaded; empty: nothing.
std::string damage_of(const JournalStore& store, const Reader& reader) {
  if (store.damaged() == 0) return {};
  return "the file is damaged in " + std::to_string(store.damaged()) +
         (store.damaged() == 1 ? " place" : " places") + "; events up to " +
         std::to_string(reader.hole()) +
         " may be missing; a daemon that is started with it keeps all others";
}

bool has_bytes(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 && found.st_size > 0;
}

}  // namespace

int print_figures(const Arguments& arguments, const config::Json& figures) {
  if (arguments.has("--json")) return print_result(config::dump(figures) + "\n");
  std::string text;
  for (const auto& [name, value] : figures.items()) {
    std::string line = name;
    line.resize(std::max<std::size_t>(line.size() + 1, 20), ' ');
    text += line + (value.is_string() ? value.get<std::string>() : config::dump(value)) + "\n";
  }
  return print_result(printable(text, Keep::lines));
}

int verify_journal(const Arguments& arguments, const std::string& path) {
  // A copy has no head file, which is no damage.
  const bool has_head = has_bytes(path + ".head");
  auto store = open_file(path);
  if (!store) return failed(arguments, store.error().detail);
  const std::string because = store->new_epoch_because();
  Reader reader;
  if (const auto loaded = store->load(reader); !loaded) {
    return failed(arguments, path + ": " + loaded.error().detail);
  }
  config::Json figures = {
      {"path", path},
      {"epoch", store->file_epoch().view()},
      {"newest", store->last()},
      {"events", reader.events()},
      {"keys", reader.keys()},
      {"batches", store->rows()},
      {"bytes", store->batch_bytes()},
      {"damaged", store->damaged()},
  };
  if (!because.empty()) figures["new_epoch"] = because;
  if (const int code = print_figures(arguments, figures); code != kExitOk) return code;
  if (store->damaged() > 0) return failed(arguments, damage_of(*store, reader));
  return has_head && !because.empty() ? failed(arguments, because) : kExitOk;
}

int export_journal(const Arguments& arguments, const std::string& path) {
  auto store = open_file(path);
  if (!store) return failed(arguments, store.error().detail);
  Exporter exporter(store->file_epoch());
  const auto loaded = store->load(exporter);
  if (!exporter.finish()) return kExitFailed;
  if (!loaded) return failed(arguments, path + ": " + loaded.error().detail);
  const std::string damage = damage_of(*store, exporter);
  return damage.empty() ? kExitOk : failed(arguments, damage);
}

int begin_journal_epoch(const Arguments& arguments, const std::string& path) {
  auto store = open_file(path);
  if (!store) return failed(arguments, store.error().detail);
  Reader reader;
  auto done = store->load(reader);
  if (done) {
    store->begin_epoch("crier journal new-epoch");
    done = store->begin_use();
  }
  if (done) done = store->close();
  if (!done) return failed(arguments, path + ": " + done.error().detail);
  if (!store->damaged_copy().empty()) {
    warn(arguments, "the file was damaged, and is kept as " + store->damaged_copy());
  }
  return print_result(std::string(store->identity().epoch.view()) + "\n");
}

}  // namespace crier::cmd
