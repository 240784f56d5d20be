#include "cmd/journal/journal_writer.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "net/socket/os_error.h"

namespace crier::cmd {
namespace {

using broadcast::JournalFailure;
using namespace std::chrono_literals;

constexpr auto kRetryEvery = 1s;
// A compaction reads so many bytes between two commits, and more than was committed meanwhile:
// otherwise it would fall behind a publisher at full speed.
constexpr std::size_t kShareBytes = 1U << 20U;
constexpr std::size_t kShareOfCommitted = 2;

// Starts a thread that gets no signal: those are for the control loop.
std::thread start(std::function<void()> run) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(run));
  ::pthread_setname_np(thread.native_handle(), "journal");
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

JournalWriter::JournalWriter(JournalStore store, std::uint64_t sync_ms, net::Loop& loop,
                             std::function<void()> on_reports)
    : store_(std::move(store)), sync_every_(sync_ms), wakeup_(loop, std::move(on_reports)) {
  measure();
  thread_ = start([this] { run(); });
}

JournalWriter::~JournalWriter() {
  if (!thread_.joinable()) return;
  order_stop(Stop::leave);
  thread_.join();
}

// --- the control loop's side ---

void JournalWriter::write(JournalBatch batch) {
  const std::lock_guard lock(mutex_);
  CRIER_CHECK(!orders_.batch);
  orders_.batch = std::move(batch);
  ordered_.notify_one();
}

void JournalWriter::compact(Compaction compaction) {
  const std::lock_guard lock(mutex_);
  orders_.compaction = std::move(compaction);
  ordered_.notify_one();
}

void JournalWriter::copy(std::string path) {
  const std::lock_guard lock(mutex_);
  CRIER_CHECK(!orders_.copy);
  orders_.copy = std::move(path);
  ordered_.notify_one();
}

std::vector<JournalReport> JournalWriter::take_reports() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reports_, {});
}

bool JournalWriter::wait_for_report(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  return reported_.wait_for(lock, at_most, [this] { return !reports_.empty(); });
}

bool JournalWriter::close_within(std::chrono::milliseconds at_most) {
  order_stop(Stop::close);
  std::unique_lock lock(mutex_);
  return reported_.wait_for(lock, at_most, [this] { return ended_; });
}

void JournalWriter::close() {
  thread_.join();
}

void JournalWriter::order_stop(Stop stop) {
  const std::lock_guard lock(mutex_);
  orders_.stop = stop;
  ordered_.notify_one();
}

// --- the thread ---

void JournalWriter::report(JournalReport report) {
  {
    const std::lock_guard lock(mutex_);
    reports_.push_back(std::move(report));
    reported_.notify_one();
  }
  wakeup_.send();
}

bool JournalWriter::loop_knows() {
  const std::lock_guard lock(mutex_);
  return reports_.empty() && !orders_.batch;
}

void JournalWriter::measure() {
  file_bytes_.set(store_.file_bytes());
  batch_bytes_.set(store_.batch_bytes());
}

std::optional<JournalWriter::Clock::time_point> JournalWriter::next_time() const {
  if (lost_) return std::nullopt;
  if (retry_at_) return retry_at_;
  if (compaction_ || copy_) return Clock::time_point{};  // At once.
  return sync_at_;
}

JournalWriter::Orders JournalWriter::wait_for_orders() {
  std::unique_lock lock(mutex_);
  const auto ordered = [this] { return orders_.any(); };
  if (const auto until = next_time()) {
    ordered_.wait_until(lock, *until, ordered);
  } else {
    ordered_.wait(lock, ordered);
  }
  return std::exchange(orders_, {});
}

void JournalWriter::run() {
  for (;;) {
    Orders orders = wait_for_orders();
    if (orders.compaction) {
      compaction_ = std::move(orders.compaction);
      since_share_ = 0;
    }
    if (orders.batch) commit(std::move(*orders.batch));
    if (orders.copy) begin_copy(*orders.copy);
    if (orders.stop != Stop::no) {
      copy_.reset();
      if (orders.stop == Stop::close && !retry_at_ && !lost_) {
        if (auto closed = store_.close(); !closed) break_down(std::move(closed.error()), {});
      }
      const std::lock_guard lock(mutex_);
      ended_ = true;
      reported_.notify_one();
      return;
    }
    if (!lost_ && retry_at_ && Clock::now() >= *retry_at_) try_again();
    if (!lost_ && !retry_at_) work_on_file();
  }
}

void JournalWriter::commit(JournalBatch batch) {
  if (retry_at_ || lost_) return report(BatchFailed{std::move(batch), why_, {}});
  const auto dropped = store_.commit(batch.stored());
  if (!dropped) return break_down(dropped.error(), std::move(batch));
  if (sync_every_ > 0ms && !sync_at_) sync_at_ = Clock::now() + sync_every_;
  since_share_ += batch.body.size();
  measure();
  report(BatchCommitted{std::move(batch), *dropped});
}

// What nobody waits for.
void JournalWriter::work_on_file() {
  if (sync_at_ && Clock::now() >= *sync_at_) {
    if (auto done = store_.sync(); !done) return break_down(std::move(done.error()), {});
    sync_at_.reset();
  }
  if (auto done = store_.checkpoint(); !done) return break_down(std::move(done.error()), {});
  if (copy_) copy_on();
  if (!compaction_) return;
  const auto complete = store_.compact(
      *compaction_, kShareBytes + kShareOfCommitted * std::exchange(since_share_, 0));
  if (!complete) return break_down(complete.error(), {});
  if (!*complete) return;
  compaction_.reset();
  measure();
  report(CompactionDone{});
}

void JournalWriter::begin_copy(const std::string& path) {
  if (retry_at_ || lost_) {
    return report(CopyMade{fail(Errc::os, "the journal cannot be read at present")});
  }
  auto begun = store_.begin_copy(path);
  ::unlink(path.c_str());
  if (!begun) return report(CopyMade{fail(Errc::os, std::move(begun.error().detail))});
  copy_ = std::move(*begun);
}

void JournalWriter::copy_on() {
  const auto complete = copy_->step();
  if (complete && !*complete) return;
  if (complete) {
    report(CopyMade{copy_->take_file()});
  } else {
    report(CopyMade{fail(Errc::os, complete.error().detail)});
  }
  copy_.reset();
}

void JournalWriter::break_down(StoreError error, std::optional<JournalBatch> batch) {
  why_ = error.kind == StoreFailure::no_space ? JournalFailure::no_space : JournalFailure::io_error;
  retry_at_ = Clock::now() + kRetryEvery;
  if (std::exchange(copy_, {})) report(CopyMade{fail(Errc::os, error.detail)});
  // A share that failed is done again, by a later survey.
  if (std::exchange(compaction_, {})) report(CompactionDone{});
  doubtful_ = std::move(batch);
  surely_last_ = doubtful_ ? doubtful_->first - 1 : store_.last();
  if (doubtful_) {
    report(BatchFailed{*doubtful_, why_, std::move(error.detail)});
  } else {
    report(JournalBroken{why_, std::move(error.detail)});
  }
}

void JournalWriter::try_again() {
  // A batch that the loop hands over before it knows of the failure must fail, too: the loop fails
  // the groups after it.
  if (!loop_knows()) {
    retry_at_ = Clock::now() + kRetryEvery;
    return;
  }
  const auto opened = store_.reopen();
  if (!opened) {
    retry_at_ = Clock::now() + kRetryEvery;
    return;
  }
  const std::uint64_t last = store_.last();
  const bool there = doubtful_ && last == doubtful_->last;
  if (!*opened || (!there && last != surely_last_)) {
    lost_ = true;
    report(JournalLost{*opened ? "its last event is " + std::to_string(last) + " instead of " +
                                     std::to_string(surely_last_)
                               : "its state is damaged, or it belongs to another epoch"});
    return;
  }
  retry_at_.reset();
  if (!there) doubtful_.reset();
  measure();
  report(JournalWorks{std::exchange(doubtful_, {})});
}

}  // namespace crier::cmd
