#include "config/budget.h"

#include <string>

#include "tests/support/catch.h"

using namespace crier::config;

namespace {
// Small round numbers, so that sums can be followed.
Config small() {
  Config config;
  config.limits.streams_max = 1'000;
  config.limits.pending_requests_max = 100;
  config.history.bytes_max = 1'000'000;
  config.publish.idempotency_keys_max = 10;
  config.publish.connections_max = 20;
  config.admin.connections_max = 16;
  config.limits.memory_max = "100%";
  return config;
}

std::uint64_t idle_bytes(unsigned workers) {
  return (std::uint64_t{11} << 20) + workers * (256U << 10) + 1'000'000 + 125'000 + 10 * 128;
}

}  // namespace

TEST_CASE("a full house is the program, slots, history and idempotency keys") {
  Config config = small();
  CHECK(budget_of(config, 1).full_bytes == idle_bytes(1) + 1'000 * 128);
  CHECK(budget_of(config, 8).full_bytes == idle_bytes(8) + 1'000 * 128);
  config.limits.streams_per_address_max = 5;
  config.http.trusted_proxies = {"10.0.0.1"};
  config.limits.requests_per_address = 5;
  CHECK(budget_of(config, 1).full_bytes == idle_bytes(1) + 1'000 * (128 + 32 + 24) + 65'536 * 34);
}

TEST_CASE("the rows add up to both sums") {
  const Budget budget = budget_of(small(), 3);
  std::uint64_t full = 0;
  std::uint64_t worst = 0;
  for (const BudgetRow& row : budget.rows) {
    full += row.worst_only ? 0 : row.bytes;
    worst += row.bytes;
  }
  CHECK(full == budget.full_bytes);
  CHECK(worst == budget.worst_bytes);
}

TEST_CASE("each limit that costs memory moves the worst case by its price") {
  struct Price {
    const char* name;
    void (*raise)(Config&);
    std::uint64_t bytes;
  };
  const auto [name, raise, bytes] = GENERATE(values<Price>({
      {"a topic", [](Config& c) { ++c.limits.topics_max; }, 640 + 2 * 384},
      {"a subscription", [](Config& c) { ++c.limits.topics_per_stream_max; }, 1'000 * 16},
      {"a ring, to the next power of two", [](Config& c) { ++c.limits.owed_events_max; },
       1'000 * 1'024 * 8},
      {"an owed byte", [](Config& c) { ++c.limits.owed_total_bytes_max; }, 1},
      {"a replayed byte", [](Config& c) { ++c.limits.replay_bytes_in_flight_max; }, 2},
      {"a pending request", [](Config& c) { ++c.limits.pending_requests_max; }, 24 * 1'024},
      {"a byte of a publish", [](Config& c) { ++c.limits.request_bytes_max; }, 2 * 20},
      {"an unanswered publish", [](Config& c) { ++c.publish.pipelined_max; }, 20 * 1'024},
      {"an admin connection", [](Config& c) { ++c.admin.connections_max; }, 1'024 * 1'024},
  }));
  Config config = small();
  const Budget before = budget_of(config, 2);
  raise(config);
  INFO(name);
  const Budget after = budget_of(config, 2);
  CHECK(after.worst_bytes - before.worst_bytes == bytes);
  CHECK(after.full_bytes == before.full_bytes);
}

TEST_CASE("eight bytes of history have a gap of one, and are twice as many in a sparse index") {
  Config config = small();
  const Budget before = budget_of(config, 2);
  config.history.bytes_max += 8;
  CHECK(budget_of(config, 2).full_bytes - before.full_bytes == 9);
  CHECK(budget_of(config, 2).worst_bytes - before.worst_bytes == 17);
}

TEST_CASE("what few streams can be owed is less than all may be") {
  Config config = small();
  config.limits.streams_max = 10;
  const Budget before = budget_of(config, 2);
  ++config.limits.owed_bytes_max;
  CHECK(budget_of(config, 2).worst_bytes - before.worst_bytes == 10);
  config.limits.streams_max = 100'000;  // Their rings would be 800 MB.
  const Budget many = budget_of(config, 2);
  ++config.limits.ring_bytes_max;
  CHECK(budget_of(config, 2).worst_bytes - many.worst_bytes == 2 * 2);
  config.limits.owed_events_max *= 2;
  CHECK(budget_of(config, 2).worst_bytes - many.worst_bytes == 2 * 2);
}

TEST_CASE("open files are connections and a few more, apart or together") {
  const Budget one = budget_of(small(), 1);
  CHECK(one.descriptors_together == 64 + 64 + 20 + 16 + 16 + 1'100);
  CHECK(one.descriptors_apart == 64 + 16 + 2 + 1'100);
  const Budget four = budget_of(small(), 4);
  CHECK(four.descriptors_together == 64 + 64 + 20 + 16 + 4 * 16 + 1'100);
  CHECK(four.descriptors_apart == 64 + 16 + 4 * 2 + 275 + 17);
}

TEST_CASE("as many streams as memory allows are possible, and no more") {
  Config config;
  REQUIRE(config.limits.streams_max == kAuto);
  config.limits.memory_max = "100%";
  Config lonely;
  lonely.limits.streams_max = 1;
  const Machine machine{.memory_bytes = budget_of(lonely, 2).full_bytes + 1'000'000,
                        .descriptors_max = 200'000};
  const Budget budget = budget_of(config, 2, machine);
  const Fit fitted = fit(config, budget, machine);
  CHECK(budget.streams < 100'000);
  CHECK(fitted.streams_possible == budget.streams);
  CHECK(fitted.requests_possible == config.limits.pending_requests_max);
  CHECK(fitted.memory_problem.empty());
}

TEST_CASE("auto never asks for more open files than there are") {
  const Config config;
  for (const std::uint64_t descriptors : {1'024U, 4'096U, 20'000U, 524'288U}) {
    CAPTURE(descriptors);
    const Budget budget = budget_of(config, 2, {.descriptors_max = descriptors});
    CHECK(budget.descriptors_together <= descriptors);
    CHECK(budget.descriptors_together > descriptors - 16);
    const Fit fitted = fit(config, budget, {.descriptors_max = descriptors});
    CHECK(fitted.streams_possible == budget.streams);
    CHECK(fitted.requests_possible == budget.requests);
    CHECK(fitted.descriptor_problem.empty());
  }
}

TEST_CASE("pending requests take no open files from streams but their sixteenth") {
  Config config;
  config.limits.streams_max = 18'500;
  const auto with = [&](std::uint64_t descriptors) {
    return fit(config, budget_of(config, 1), {.descriptors_max = descriptors});
  };
  CHECK(with(20'000).streams_possible == 18'500);
  CHECK(with(20'000).requests_possible < 1'500);
  CHECK(with(20'000).descriptor_problem.empty());
  CHECK(with(19'000).streams_possible < 18'000);
  CHECK(with(19'000).requests_possible > 1'100);
  CHECK(with(100'000).requests_possible == config.limits.pending_requests_max);
}

TEST_CASE("tables of their own are used where one is too small") {
  const Config config = small();
  const Budget budget = budget_of(config, 4);
  const auto with = [&](std::uint64_t descriptors) {
    return fit(config, budget, {.descriptors_max = descriptors});
  };
  CHECK(!with(0).own_descriptor_tables);
  CHECK(with(0).streams_possible == 1'000);
  CHECK(!with(budget.descriptors_together).own_descriptor_tables);
  CHECK(with(budget.descriptors_together).descriptor_problem.empty());
  CHECK(with(budget.descriptors_together - 1).own_descriptor_tables);
  CHECK(with(budget.descriptors_apart).streams_possible == 1'000);
  CHECK(with(budget.descriptors_apart).descriptor_problem.empty());

  const Fit tight = with(180);
  CHECK(tight.own_descriptor_tables);
  CHECK(tight.streams_possible == 258);
  CHECK(tight.requests_possible == 92 * 16 / 17 * 4 - 258);  // A quarter.
  CHECK(tight.descriptor_problem ==
        "limits.streams_max is 1000, but 180 open files a worker leave room for 258; raise "
        "LimitNOFILE= (ulimit -n) or workers.count, or lower limits.streams_max");
  CHECK(with(10).streams_possible == 0);
  CHECK(with(10).descriptor_problem ==
        "10 open files a worker leave room for no stream: the first one needs 90; raise "
        "LimitNOFILE= (ulimit -n)");
  CHECK(with(89).streams_possible == 0);
  CHECK(with(90).streams_possible > 0);
}

TEST_CASE("few descriptors leave room for requests, whatever the wish for streams") {
  struct Row {
    std::uint64_t streams_max, requests_max, connections, streams, requests;
  };
  for (const Row& row : std::initializer_list<Row>{
           {1'000'000, 1'024, 19'000, 17'976, 1'024},
           {1'000'000, 1'024, 900, 675, 225},
           {1'000'000, 8'192, 10'000, 8'976, 1'024},
           {1'000'000, 8'192, 36'000, 33'750, 2'250},
           {1'000, 100, 1'100, 1'000, 100},
           {1'000, 100, 1'099, 999, 100},
           {10, 1'000, 101, 10, 91},  // More requests than streams are wished for.
           {10, 1'000, 1'009, 10, 999},
           {1'000, 100, 1, 0, 1},
           {1'000, 100, 0, 0, 0},
       }) {
    CAPTURE(row.streams_max, row.connections);
    Config config = small();
    config.workers.own_descriptor_table = OwnDescriptorTable::off;
    config.limits.streams_max = static_cast<std::uint32_t>(row.streams_max);
    config.limits.pending_requests_max = static_cast<std::uint32_t>(row.requests_max);
    const Budget budget = budget_of(config, 1);
    const std::uint64_t others = budget.descriptors_together - row.streams_max - row.requests_max;
    const Fit fitted = fit(config, budget, {.descriptors_max = others + row.connections});
    CHECK(fitted.streams_possible == row.streams);
    CHECK(fitted.requests_possible == row.requests);
  }
}

TEST_CASE("the operator's word about descriptor tables counts") {
  Config config = small();
  config.workers.own_descriptor_table = OwnDescriptorTable::off;
  const Budget budget = budget_of(config, 4);
  const Fit off = fit(config, budget, {.descriptors_max = budget.descriptors_together - 110});
  CHECK(!off.own_descriptor_tables);
  CHECK(off.streams_possible == 890);
  CHECK(!off.descriptor_problem.empty());
  config.workers.own_descriptor_table = OwnDescriptorTable::on;
  CHECK(fit(config, budget, {}).own_descriptor_tables);
}

TEST_CASE("where the system forbids tables of their own, one has to do") {
  Config config = small();
  const Budget budget = budget_of(config, 4);
  const Machine machine = {.descriptors_max = budget.descriptors_together - 110,
                           .own_tables = false};
  const Fit one = fit(config, budget, machine);
  CHECK(!one.own_descriptor_tables);
  CHECK(one.streams_possible == 890);
  CHECK(one.descriptor_problem ==
        "limits.streams_max is 1000, but 1218 open files for all workers (the system forbids "
        "separate tables: unshare CLONE_FILES) leave room for 890; raise LimitNOFILE= (ulimit "
        "-n), or lower limits.streams_max");
  config.workers.own_descriptor_table = OwnDescriptorTable::on;
  CHECK(fit(config, budget, machine).own_descriptor_tables);  // The start says what is wrong.
}

TEST_CASE("streams and requests stay below what the kernel watches, with room for the rest") {
  const Config config = small();
  const Budget budget = budget_of(config, 4);
  const auto with = [&](std::uint64_t watches) {
    return fit(config, budget, {.descriptors_max = 1'000'000, .watches_max = watches});
  };
  for (const std::uint64_t enough : {std::uint64_t{0}, budget.descriptors_together}) {
    CHECK(with(enough).streams_possible == 1'000);
    CHECK(with(enough).requests_possible == 100);
    CHECK(with(enough).watch_problem.empty());
  }
  const Fit tight = with(budget.descriptors_together - 550);
  CHECK(tight.streams_possible == 450);
  CHECK(tight.requests_possible == 100);
  CHECK(!tight.own_descriptor_tables);
  CHECK(tight.descriptor_problem.empty());
  CHECK(tight.watch_problem ==
        "limits.streams_max is 1000, but 778 watches of epoll leave room for 450; raise the sysctl "
        "fs.epoll.max_user_watches to at least 1328, or lower limits.streams_max");
  CHECK(with(10).streams_possible == 0);

  // The kernel counts for the whole user: tables of their own do not help.
  const Fit both = fit(config, budget, {.descriptors_max = 400, .watches_max = 778});
  CHECK(both.own_descriptor_tables);
  CHECK(both.streams_possible == 450);
  CHECK(both.bound == kByWatches);
  CHECK(tight.bound == kByWatches);
  CHECK(with(0).bound == kByStreamsMax);
}

TEST_CASE("streams_max auto is what open files, watches and memory allow, without a warning") {
  struct Row {
    const char* name;
    Machine machine;
    std::uint64_t streams;
    std::string_view bound;
  };
  Config config = small();
  config.limits.streams_max = kAuto;
  const std::uint64_t others = budget_of(small(), 2).descriptors_together - 1'100;
  for (const Row& row : std::initializer_list<Row>{
           {"nothing is known", {}, 1'000'000, kByStreamsMax},
           {"open files", {.descriptors_max = others + 20'000}, 19'900, kByOpenFiles},
           {"few open files", {.descriptors_max = others + 200}, 150, kByOpenFiles},
           {"many open files", {.descriptors_max = 1 << 30}, 1'000'000, kByStreamsMax},
           {"watches",
            {.descriptors_max = 1 << 30, .watches_max = others + 5'100},
            5'000,
            kByWatches},
           {"memory", {.memory_bytes = idle_bytes(2) + 700 * 128}, 700, kByMemory},
       }) {
    INFO(row.name);
    const Budget budget = budget_of(config, 2, row.machine);
    CHECK(budget.streams == row.streams);
    const Fit fitted = fit(config, budget, row.machine);
    CHECK(fitted.streams_possible == row.streams);
    CHECK(fitted.bound == row.bound);
    CHECK_FALSE(fitted.own_descriptor_tables);
    CHECK((fitted.memory_problem + fitted.descriptor_problem + fitted.watch_problem).empty());
  }
}

TEST_CASE("streams_max auto says what is missing where not one stream is possible") {
  Config config = small();
  config.limits.streams_max = kAuto;
  const Machine few = {.descriptors_max = 60};
  const Fit none = fit(config, budget_of(config, 2, few), few);
  CHECK(none.streams_possible == 0);
  CHECK(none.descriptor_problem ==
        "60 open files leave room for no stream: the first one needs 198, 20 of them for "
        "publish.connections_max; raise LimitNOFILE= (ulimit -n), or lower "
        "publish.connections_max");
  for (const std::uint64_t files : {197U, 198U}) {
    const Machine machine = {.descriptors_max = files};
    const Fit fitted = fit(config, budget_of(config, 2, machine), machine);
    CHECK(fitted.streams_possible == files - 197);
  }
  const Machine small_memory = {.memory_bytes = 1'000};
  CHECK_FALSE(fit(config, budget_of(config, 2, small_memory), small_memory).memory_problem.empty());
}

TEST_CASE("streams_max auto counts a table a worker only where that is ordered") {
  Config config = small();
  config.limits.streams_max = kAuto;
  config.workers.own_descriptor_table = OwnDescriptorTable::on;
  const Machine machine = {.descriptors_max = 20'000};
  const Budget budget = budget_of(config, 4, machine);
  CHECK(budget.streams > 70'000);
  CHECK(fit(config, budget, machine).descriptor_problem.empty());
}

TEST_CASE("a full house that the machine cannot hold is a problem, the worst case is not") {
  const Config config = small();
  const Budget budget = budget_of(config, 1);
  CHECK(fit(config, budget, {.memory_bytes = budget.full_bytes}).memory_problem.empty());
  CHECK(fit(config, budget, {.memory_bytes = budget.full_bytes - 1}).memory_problem ==
        "the limits need 12 MiB, but there are 12 MiB of memory (limits.memory_max is 100%); lower "
        "limits.streams_max, history.bytes_max or publish.idempotency_keys_max");
}

TEST_CASE("limits.memory_max counts as far as the machine has so much") {
  struct Row {
    const char* memory_max;
    std::uint64_t memory;  // Of the machine, in thousandths of what a full house needs.
    bool problem;
    bool warning;
  };
  for (const Row& row : std::initializer_list<Row>{{"100%", 1'400, false, false},
                                                   {"100%", 1'200, false, true},
                                                   {"80%", 1'300, false, true},
                                                   {"80%", 1'200, true, false},
                                                   {"off", 1'100, false, false},
                                                   {"off", 900, true, false},
                                                   {"1T", 900, true, false},
                                                   {"1K", 2'000, true, false},
                                                   {"1K", 0, true, false},
                                                   {"50%", 0, false, false}}) {
    CAPTURE(row.memory_max, row.memory);
    Config config = small();
    config.limits.memory_max = row.memory_max;
    const Budget budget = budget_of(config, 1);
    const Fit fitted =
        fit(config, budget, {.memory_bytes = budget.full_bytes / 1'000 * row.memory});
    CHECK(fitted.memory_problem.empty() != row.problem);
    CHECK(fitted.memory_warning.empty() != row.warning);
  }
}

TEST_CASE("streams_max auto is not to be lowered where the rest takes the memory") {
  Config config = small();
  config.limits.streams_max = kAuto;
  const Machine machine = {.memory_bytes = 1};
  CHECK(fit(config, budget_of(config, 1, machine), machine)
            .memory_problem.ends_with("; lower history.bytes_max or publish.idempotency_keys_max"));
}

TEST_CASE("the largest limits of all do not wrap the sums") {
  Config config;
  config.limits.streams_max = 16'000'000;
  config.limits.owed_bytes_max = 64 * 1024 * 1024;
  config.limits.topics_per_stream_max = 1'024;
  config.limits.topics_max = 16'000'000;
  config.limits.owed_events_max = 65'536;
  config.limits.owed_total_bytes_max = config.limits.ring_bytes_max = std::uint64_t{64} << 30;
  const Budget budget = budget_of(config, 1'024);
  CHECK(budget.worst_bytes > 16'000'000ULL * 65'536 * 8);
  CHECK(to_line(budget) ==
        "2.3 GiB with 16000000 streams that keep up, at most 14 TiB with every limit reached, "
        "16025024 open files");
}

TEST_CASE("the table has a row for every amount") {
  const Budget budget = budget_of(small(), 2);
  const std::string table = "\n" + to_table(budget);
  for (const BudgetRow& row : budget.rows) {
    INFO(row.name);
    CHECK(table.find("\n" + std::string(row.name) + " ") != std::string::npos);
  }
  CHECK(table.find("\nstreams              125 KiB\n") != std::string::npos);
  CHECK(table.find("\npending requests     2.3 MiB  at worst\n") != std::string::npos);
  CHECK(table.find("\nopen files              1296\n") != std::string::npos);
}
