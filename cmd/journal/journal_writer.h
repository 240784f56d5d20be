// The thread of a journal: it owns the file, and waits for the disk so that the control loop need
// not. Orders go in, reports come out; a wake-up tells the loop of them.
//
// One batch is under way at a time. After a commit has failed the thread opens the file again, once
// a second, until it can be written; then it reports whether the batch is there after all.
//
// All functions belong to the control loop.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "broadcast/log/journal.h"
#include "cmd/journal/compaction.h"
#include "cmd/journal/journal_store.h"
#include "core/instant.h"
#include "net/loop/wakeup.h"
#include "net/socket/fd.h"

namespace crier::cmd {

struct JournalBatch {
  struct Group {
    std::size_t events = 0;
    Instant accepted;
  };
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t wall_ms = 0;
  std::string body;
  std::vector<Group> groups;

  StoredBatch stored() const { return {first, last, wall_ms, body}; }
};

// What the thread reports.
struct BatchCommitted {
  JournalBatch batch;
  std::uint64_t dropped_through = 0;  // 0: nothing was dropped.
};
struct BatchFailed {  // For now: see JournalWorks.
  JournalBatch batch;
  broadcast::JournalFailure why = {};
  std::string detail;
};
struct JournalBroken {  // Without a batch.
  broadcast::JournalFailure why = {};
  std::string detail;
};
struct JournalWorks {
  std::optional<JournalBatch> recovered;  // The batch that failed is in the file.
};
struct JournalLost {  // Nobody can tell any more which numbers are in use.
  std::string detail;
};
struct CompactionDone {};
struct CopyMade {
  Result<net::Fd> file;
};
using JournalReport = std::variant<BatchCommitted, BatchFailed, JournalBroken, JournalWorks,
                                   JournalLost, CompactionDone, CopyMade>;

class JournalWriter {
 public:
  // Starts the thread. The store has been loaded and is in use.
  JournalWriter(JournalStore store, std::uint64_t sync_ms, net::Loop& loop,
                std::function<void()> on_reports);
  // Ends the thread without closing the file: as if the process had ended here.
  ~JournalWriter();
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  // Requires: the batch before was committed, or the journal works again.
  void write(JournalBatch batch);
  void compact(Compaction compaction);
  // A copy that has no name any more.
  void copy(std::string path);

  std::vector<JournalReport> take_reports();
  // Waits until there is a report. Returns false if that takes longer.
  bool wait_for_report(std::chrono::milliseconds at_most);
  // Begins to close the file in good order; nothing may be ordered afterwards. Returns false if
  // that takes longer.
  bool close_within(std::chrono::milliseconds at_most);
  // Ends the thread, once it has closed the file.
  void close();

  // Of the file; any time.
  std::uint64_t file_bytes() const { return file_bytes_.read(); }
  std::uint64_t batch_bytes() const { return batch_bytes_.read(); }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Stop : std::uint8_t { no, close, leave };

  struct Orders {
    std::optional<JournalBatch> batch;
    std::optional<Compaction> compaction;
    std::optional<std::string> copy;
    Stop stop = Stop::no;
    bool any() const { return batch || compaction || copy || stop != Stop::no; }
  };

  void run();
  Orders wait_for_orders();
  std::optional<Clock::time_point> next_time() const;
  void commit(JournalBatch batch);
  void work_on_file();
  void begin_copy(const std::string& path);
  void copy_on();
  void break_down(StoreError error, std::optional<JournalBatch> batch);
  void try_again();
  // Whether it has taken all reports, and no batch of before is on its way.
  bool loop_knows();
  void measure();
  void report(JournalReport report);
  void order_stop(Stop stop);

  // Of the thread.
  JournalStore store_;
  std::chrono::milliseconds sync_every_;       // 0: each commit waits.
  std::optional<Clock::time_point> sync_at_;   // Something is not on the disk.
  std::optional<Clock::time_point> retry_at_;  // The file cannot be written.
  std::optional<JournalBatch> doubtful_;       // Its commit failed.
  std::uint64_t surely_last_ = 0;              // The last sequence without it.
  std::optional<Compaction> compaction_;
  std::size_t since_share_ = 0;  // Bytes that were committed since its last share.
  std::optional<StoreCopy> copy_;
  broadcast::JournalFailure why_ = {};  // It cannot be written.
  bool lost_ = false;
  Counter file_bytes_;
  Counter batch_bytes_;

  std::mutex mutex_;
  std::condition_variable ordered_;
  std::condition_variable reported_;
  Orders orders_;
  std::vector<JournalReport> reports_;
  bool ended_ = false;  // The thread.

  net::Wakeup wakeup_;
  std::thread thread_;
};

}  // namespace crier::cmd
