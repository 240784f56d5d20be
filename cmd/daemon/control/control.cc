#include "cmd/daemon/control/control.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "cmd/daemon/control/refusal_log.h"

namespace crier::cmd {
namespace {

// Replays scan the history, so their number in a turn is bounded for the sake of publishers. A
// replay of patterns that match many topics counts for several.
constexpr std::size_t kReplaysPerTurn = 32;
constexpr std::size_t kReplayWork = broadcast::kScanTopicsMax / kReplaysPerTurn;
constexpr std::size_t kItemsPerTurn = 4'096;
// At least a second: the first tick may come at once.
constexpr std::uint64_t kQuestionTicks = 1'000 / Control::kTickMs + 1;

// A cursor over all workers' slots has the worker in its upper bits and the slot in its lower ones.
constexpr unsigned kSlotBits = 32;

}  // namespace

bool Control::take_outboxes(Instant now) {
  std::size_t work = answer_waiting(now);
  std::size_t items = 0;
  const std::size_t count = parts_.links.size();
  first_ = (first_ + 1) % count;
  // Takes one item of each worker in turn, so that no worker waits for the others' replays.
  for (std::size_t idle = 0, i = first_; idle < count; i = (i + 1) % count) {
    if (work >= kReplaysPerTurn * kReplayWork || items >= kItemsPerTurn) return true;
    auto item = parts_.links[i]->take();
    if (!item) {
      ++idle;
      continue;
    }
    idle = 0;
    ++items;
    work += take(i, std::move(*item), now);
  }
  return false;
}

// Returns the work of a replay; an answer to a question, which may make a page, counts as a small
// one, and a note as nothing.
std::size_t Control::take(std::size_t worker, OutboxItem item, Instant now) {
  return std::visit(Match{
                        [](std::monostate) { return std::size_t{0}; },
                        [&](std::unique_ptr<broadcast::ReplayRequest>& request) {
                          Waiting waiting{worker, std::move(request), now};
                          const auto work = answer(waiting, now);
                          if (!work) waiting_.push_back(std::move(waiting));
                          return work.value_or(0);
                        },
                        [&](std::unique_ptr<Note>& note) {
                          write(*note, now);
                          return std::size_t{0};
                        },
                        [](std::unique_ptr<ControlTask>& task) {
                          (*task)();
                          return kReplayWork;
                        },
                    },
                    item);
}

std::optional<std::size_t> Control::answer(Waiting& waiting, Instant now) {
  broadcast::ReplayRequest& request = *waiting.request;
  const std::uint64_t head = parts_.log.head();
  std::optional<broadcast::Gap> gap;
  if (parts_.coming && request.after > head && request.from == broadcast::ReplayFrom::sequence) {
    const Coming coming = parts_.coming(request.after, waiting.asked);
    if (coming == Coming::soon) return std::nullopt;
    if (coming == Coming::unknown) {
      request.after = head;
      gap = {.reason = broadcast::GapReason::unknown_id, .missed = {}, .resumed_at = head};
    }
  }
  broadcast::ReplayAnswer answer = parts_.log.replay(request, now);
  if (gap) answer.gap = gap;
  const std::size_t work = kReplayWork + answer.work;
  parts_.links[waiting.worker]->push(std::move(answer));
  return work;
}

// Those that are left are looked at again in the next turn.
std::size_t Control::answer_waiting(Instant now) {
  std::size_t work = 0;
  std::erase_if(waiting_, [&](Waiting& waiting) {
    if (work >= kReplaysPerTurn * kReplayWork) return false;
    const auto done = answer(waiting, now);
    work += done.value_or(0);
    return done.has_value();
  });
  return work;
}

void Control::write(const Note& note, Instant now) {
  ConnectionLog& connections = parts_.connections;
  std::visit(
      Match{
          [&](const OpenedNote& opened) {
            connections.opened(
                {opened.session_id, opened.trace_id, opened.address, opened.topics, opened.resumed},
                now);
          },
          [&](const EndedNote& ended) {
            connections.ended(
                {ended.session_id, ended.trace_id, ended.address, ended.topics,
                 to_string(ended.reason), ended.bytes, ended.events, ended.duration_us},
                now);
          },
          [&](const RefusedNote& refused) {
            log_refusal(parts_.limited, kStreamRefused,
                        {refused.reason,
                         {refused.status, refused.code, refused.why},
                         refused.address,
                         refused.origin,
                         refused.trace_id,
                         refused.path});
          },
          [&](const ShutOutNote& shut_out) {
            log_shut_out(parts_.limited, shut_out.address, shut_out.seconds);
          },
          [&](const UnloggedNote& unlogged) {
            if (unlogged.refused > 0) {
              parts_.limited.leave_out(Level::info, kStreamRefused, unlogged.refused);
            }
            if (unlogged.shut_out > 0) {
              parts_.limited.leave_out(Level::info, kShutOut, unlogged.shut_out);
            }
            connections.add_unlogged_opened(unlogged.opened, unlogged.resumed);
            for (std::size_t i = 0; i < unlogged.ended.size(); ++i) {
              connections.add_unlogged_ended(kNamesOf<broadcast::EndReason>[i], unlogged.ended[i]);
            }
          },
          [&](const DebugNote& line) {
            std::vector<Field> fields = {{"rule", line.rule}};
            for (const auto& [key, value] : line.fields) {
              fields.push_back(
                  {key, std::visit([](const auto& any) { return FieldValue(any); }, value)});
            }
            parts_.debug_log.write(Level::debug, line.message, fields);
          },
      },
      note);
}

std::shared_ptr<Control::Question> Control::new_question(std::size_t awaited,
                                                         std::function<void(bool)> done) {
  auto question = std::make_shared<Question>();
  question->awaited = awaited;
  question->ticks_left = kQuestionTicks;
  question->done = std::move(done);
  questions_.push_back(question);
  return question;
}

void Control::tick() {
  for (auto it = questions_.begin(); it != questions_.end();) {
    Question& question = **it;
    if (--question.ticks_left == 0) question.finish(false);
    it = question.done ? std::next(it) : questions_.erase(it);
  }
}

bool Control::all_workers_turn() {
  bool all = true;
  for (WorkerLink* link : parts_.links) all = link->has_turned() && all;
  return all;
}

void Control::count_subscribers(
    std::vector<std::string> topics,
    std::function<void(std::optional<std::vector<std::uint64_t>>)> done) {
  struct Counts {
    std::vector<std::string> topics;
    std::vector<std::uint64_t> sums;
  };
  auto counts = std::make_shared<Counts>();
  counts->sums.resize(topics.size());
  counts->topics = std::move(topics);
  const auto question =
      new_question(parts_.links.size(), [counts, done = std::move(done)](bool complete) {
        complete ? done(counts->sums) : done(std::nullopt);
      });
  for (WorkerLink* link : parts_.links) {
    const bool asked = link->inquire([counts, question](WorkerPages& worker) {
      std::vector<std::uint64_t> own;
      for (const std::string& topic : counts->topics) own.push_back(worker.subscribers(topic));
      return ControlTask([counts, question, own = std::move(own)] {
        for (std::size_t n = 0; n < own.size(); ++n) counts->sums[n] += own[n];
        question->answered();
      });
    });
    if (!asked) return question->finish(false);
  }
}

void Control::await_orders(std::function<void(bool)> done) {
  const auto question = new_question(parts_.links.size(), std::move(done));
  for (WorkerLink* link : parts_.links) {
    if (!link->when_carried_out([question] { question->answered(); })) {
      return question->finish(false);
    }
  }
}

void Control::list_streams(std::uint64_t cursor, std::size_t limit,
                           std::function<void(std::optional<StreamPage>)> done) {
  const std::size_t first = cursor >> kSlotBits;
  if (first >= parts_.links.size()) {
    done(StreamPage{});
    return;
  }
  // One worker after the other, until the page is full.
  auto page = std::make_shared<StreamPage>();
  const auto question = new_question(1, [=, this, done = std::move(done)](bool complete) {
    if (!complete) return done(std::nullopt);
    const std::size_t left = limit - page->rows.size();
    if (left == 0 || page->next == 0 || page->next >> kSlotBits == first) {
      return done(std::move(*page));
    }
    list_streams(page->next, left, [page, done](std::optional<StreamPage> more) {
      if (!more) return done(std::nullopt);
      std::ranges::move(more->rows, std::back_inserter(page->rows));
      page->next = more->next;
      done(std::move(*page));
    });
  });
  const std::size_t workers = parts_.links.size();
  const bool asked = parts_.links[first]->inquire([=](WorkerPages& worker) {
    StreamPage found = worker.list_streams(static_cast<std::uint32_t>(cursor), limit);
    return ControlTask([=, found = std::move(found)]() mutable {
      *page = std::move(found);
      if (page->next != 0) {
        page->next |= std::uint64_t{first} << kSlotBits;
      } else if (first + 1 < workers) {
        page->next = std::uint64_t{first + 1} << kSlotBits;
      }
      question->answered();
    });
  });
  if (!asked) question->finish(false);
}

void Control::list_lagging(std::size_t limit,
                           std::function<void(std::optional<std::vector<LaggingStream>>)> done) {
  auto all = std::make_shared<std::vector<LaggingStream>>();
  const auto question =
      new_question(parts_.links.size(), [all, limit, done = std::move(done)](bool complete) {
        if (!complete) return done(std::nullopt);
        std::ranges::sort(*all, {}, &LaggingStream::sequence);
        if (all->size() > limit)
          all->erase(all->begin() + static_cast<std::ptrdiff_t>(limit), all->end());
        done(std::move(*all));
      });
  for (WorkerLink* link : parts_.links) {
    const bool asked = link->inquire([all, question](WorkerPages& worker) {
      return ControlTask([all, question, own = worker.take_lagging()]() mutable {
        std::ranges::move(own, std::back_inserter(*all));
        question->answered();
      });
    });
    if (!asked) return question->finish(false);
  }
}

std::vector<WorkerRow> Control::list_workers() const {
  std::vector<WorkerRow> rows;
  for (std::size_t i = 0; i < parts_.links.size(); ++i) rows.push_back(parts_.row_of(i));
  return rows;
}

}  // namespace crier::cmd
