// Publishing over a journal that commits later: the order and the content of answers, and that no
// event is visible before it is committed.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/cmd/daemon/control/publish_routes_support.h"
#include "tests/cmd/daemon/control/scripted_journal.h"

namespace crier::cmd {
namespace {

using broadcast::JournalFailure;

const std::string kReplayed = "Idempotency-Replayed: true\r\n";

std::string with_key(std::string_view key) {
  return "Idempotency-Key: " + std::string(key) + "\r\n";
}
std::string line(std::string_view data, std::string_view key = "") {
  const std::string field = key.empty() ? "" : ",\"key\":\"" + std::string(key) + "\"";
  return "{\"topic\":\"a\",\"data\":\"" + std::string(data) + "\"" + field + "}\n";
}
std::string lines(const std::string& body, const std::string& more = "") {
  return post("/publish", body, std::string(kLines) + more);
}
std::string one(std::string_view data, std::string_view key = "") {
  return post("/topics/a", data, key.empty() ? "" : with_key(key));
}

struct Later {
  explicit Later(PublishLimits limits = {}) : socket(limits, &journal) {}

  // A connection whose requests the server has taken.
  struct Publisher {
    Client client;
    std::vector<Answer> answers = {};
  };
  std::unique_ptr<Publisher> send(const std::string& requests) {
    auto publisher = std::make_unique<Publisher>(Client(socket.loop, socket.path));
    send_on(*publisher, requests);
    return publisher;
  }
  void send_on(Publisher& publisher, const std::string& requests) {
    const auto& handled = socket.server->counters().requests;
    std::uint64_t expected = handled.read();
    for (std::size_t at = 0; (at = requests.find(" HTTP/1.1\r\n", at)) != std::string::npos; ++at) {
      ++expected;
    }
    REQUIRE(publisher.client.send(requests));
    REQUIRE(net::http_test::turn_until(socket.loop, [&] { return handled.read() >= expected; }));
  }
  // The answers so far.
  const std::vector<Answer>& answers(Publisher& publisher) {
    net::http_test::turn_for(socket.loop, 5);
    std::string_view got = publisher.client.receive(1, 0);
    publisher.answers.clear();
    while (!got.empty()) {
      const std::size_t end = got.find("\r\n\r\n") + 4;
      const std::size_t length = got.find("Content-Length: ");
      REQUIRE(length < end);
      const std::size_t size = std::stoul(std::string(got.substr(length + 16, 12)));
      publisher.answers.push_back({std::stoi(std::string(got.substr(9, 3))),
                                   std::string(got.substr(0, end)),
                                   json::parse(got.substr(end, size))});
      got.remove_prefix(end + size);
    }
    return publisher.answers;
  }
  Answer only(Publisher& publisher) {
    publisher.client.receive(1);
    REQUIRE(answers(publisher).size() == 1);
    return publisher.answers.front();
  }
  bool silent(Publisher& publisher) { return answers(publisher).empty(); }
  std::string id(std::uint64_t sequence) const { return socket.id(sequence); }

  ScriptedJournal journal;
  Socket socket;
};

bool is_replay(const Answer& answer) {
  return answer.head.find(kReplayed) != std::string::npos;
}

}  // namespace

TEST_CASE("nothing is visible or acknowledged before the commit, then all in order") {
  Later f;
  const auto pipelined = f.send(one("1") + lines(line("2") + line("3")) + get("/topics/none"));
  const auto other = f.send(one("4"));
  CHECK(f.journal.open() == 3);
  CHECK(f.silent(*pipelined));
  CHECK(f.socket.log.head() == 0);
  CHECK(f.socket.sent.frames.empty());

  f.journal.commit();
  CHECK(f.only(*pipelined).body == json{{"id", f.id(1)}});
  CHECK(f.socket.log.head() == 1);
  CHECK(f.socket.sent.frames.size() == 1);
  CHECK(f.silent(*other));

  f.journal.commit(2, 10);  // Numbers may be left out.
  for (const auto& answer : std::exchange(f.socket.workers.later, {})) answer();
  const auto& answers = f.answers(*pipelined);
  REQUIRE(answers.size() == 3);
  CHECK(answers[1].body == json{{"accepted", 2}, {"first_id", f.id(12)}, {"last_id", f.id(23)}});
  CHECK(answers[2].status == 404);
  CHECK(f.only(*other).body == json{{"id", f.id(34)}});
  CHECK(f.socket.text(2) == "id: " + f.id(23) + "\ndata: 3\n\n");
}

TEST_CASE("one connection keeps the journal busy: 1,024 publishes wait for one commit") {
  Later f;
  std::string requests;
  for (int i = 0; i < 1'024; ++i) requests += one(std::to_string(i));
  const auto publisher = f.send(requests);
  CHECK(f.journal.open() == 1'024);
  REQUIRE(publisher->client.send(one("one more")));
  net::http_test::turn_for(f.socket.loop, 20);
  CHECK(f.journal.open() == 1'024);

  f.journal.commit(1'024);
  REQUIRE(net::http_test::turn_until(f.socket.loop, [&] {
    return publisher->client.receive(1, 0).find(f.id(1'024)) != std::string::npos;
  }));
  const auto& answers = f.answers(*publisher);
  REQUIRE(answers.size() == 1'024);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    REQUIRE(answers[i].body == json{{"id", f.id(i + 1)}});
  }
  CHECK(f.journal.open() == 1);
}

TEST_CASE("a repeat of a key in flight waits for the first answer") {
  struct Row {
    std::string name, request, other;
  };
  const Row row = GENERATE(values<Row>({
      {"one event", one("x", "k"), one("y", "k")},
      {"a line", lines(line("x", "k")), lines(line("y", "k"))},
      {"a whole body", lines(line("x") + line("z"), with_key("k")),
       lines(line("x"), with_key("k"))},
      {"a whole body, then a line of it", lines(line("x"), with_key("k")), lines(line("x", "k"))},
      {"a line, then a whole body", lines(line("x", "k")), lines(line("x"), with_key("k"))},
  }));
  INFO(row.name);
  Later f;
  const auto first = f.send(row.request);
  const auto again = f.send(row.request);
  const auto different = f.send(row.other);
  CHECK(f.journal.open() == 1);
  CHECK(f.silent(*first));
  CHECK(f.silent(*again));
  CHECK(f.only(*different).status == 422);

  SECTION("a commit answers both, the second as a replay") {
    f.journal.commit(1, 4);
    CHECK(f.only(*first).status == 202);
    CHECK_FALSE(is_replay(f.only(*first)));
    CHECK(f.only(*again).body == f.only(*first).body);
    CHECK(is_replay(f.only(*again)));
    CHECK(f.only(*f.send(row.request)).body == f.only(*first).body);
    CHECK(f.only(*f.send(row.other)).status == 422);
    CHECK(f.journal.open() == 0);
    CHECK(f.socket.routes->counters().replayed.read() == 2);
  }
  SECTION("both are answered with the failure, and the key is free again") {
    const bool no_space = GENERATE(false, true);
    f.journal.fail(no_space ? JournalFailure::no_space : JournalFailure::io_error);
    for (const auto* publisher : {&first, &again}) {
      const Answer answer = f.only(**publisher);
      CHECK(answer.status == (no_space ? 507 : 503));
      CHECK(answer.body["code"] == (no_space ? "no_space" : "journal"));
      CHECK(answer.head.find("Retry-After: ") != std::string::npos);
      CHECK(answer.body["trace_id"].get<std::string>().size() == 32);
    }
    CHECK(f.socket.log.head() == 0);
    const auto retry = f.send(row.other);
    CHECK(f.journal.open() == 1);
    f.journal.commit();
    CHECK(f.only(*retry).status == 202);
    CHECK_FALSE(is_replay(f.only(*retry)));
    CHECK(f.only(*f.send(row.request)).status == 422);
  }
}

TEST_CASE("lines wait for keys of several requests in flight, and for their own") {
  Later f;
  const auto a = f.send(one("a", "ka"));
  const auto b = f.send(lines(line("b", "kb") + line("c", "kc")));
  const std::string body =
      line("new") + line("c", "kc") + line("d", "kd") + line("d", "kd") + line("a", "ka");
  const auto mixed = f.send(lines(body));
  const auto repeats = f.send(lines(line("c", "kc") + line("c", "kc") + line("a", "ka")));
  REQUIRE(f.journal.open() == 3);
  CHECK(f.journal.events_of_newest() == 2);
  f.journal.commit();
  CHECK(f.silent(*mixed));
  CHECK(f.silent(*repeats));

  SECTION("all are committed") {
    f.journal.commit();
    CHECK(f.silent(*mixed));
    CHECK(f.only(*repeats).body ==
          json{{"accepted", 3}, {"first_id", f.id(1)}, {"last_id", f.id(3)}});
    CHECK(is_replay(f.only(*repeats)));
    f.journal.commit();
    CHECK(f.only(*mixed).body ==
          json{{"accepted", 5}, {"first_id", f.id(1)}, {"last_id", f.id(5)}});
    CHECK_FALSE(is_replay(f.only(*mixed)));
  }
  SECTION("another's failure fails them; what was committed is found by its key") {
    f.journal.fail(JournalFailure::unavailable);
    CHECK(f.only(*repeats).status == 503);
    CHECK(f.silent(*mixed));
    f.journal.commit();
    CHECK(f.only(*mixed).status == 503);
    CHECK(f.only(*f.send(one("d", "kd"))).body == json{{"id", f.id(3)}});
    const auto again = f.send(lines(line("c", "kc")));
    f.journal.commit();
    CHECK(f.only(*again).body["first_id"] == f.id(4));
  }
}

TEST_CASE("a journal that others write to takes a request in part, or finds their keys") {
  Later f;
  const auto three = f.send(lines(line("a") + line("b", "kb") + line("c")));
  const auto repeat = f.send(one("b", "kb"));
  SECTION("the answer says how many of the first lines are accepted") {
    f.journal.fail({JournalFailure::unavailable, 2});
    const Answer answer = f.only(*three);
    CHECK(answer.status == 503);
    CHECK(answer.body["code"] == "journal");
    CHECK(answer.body["accepted"] == 2);
    CHECK(f.only(*repeat).status == 503);
  }
  SECTION("a key with other content is told with its line") {
    f.journal.fail({JournalFailure::key_reused, 1});
    const Answer answer = f.only(*three);
    CHECK(answer.status == 422);
    CHECK(answer.body["message"] ==
          "Line 2: The idempotency key was used before for a different request.");
    CHECK(answer.body["accepted"] == 1);
    CHECK(f.only(*repeat).status == 422);
  }
  SECTION("a key whose event is gone") {
    f.journal.fail({JournalFailure::answer_lost, 0});
    const Answer answer = f.only(*three);
    CHECK(answer.status == 409);
    CHECK(answer.body["code"] == "idempotency_answer_lost");
    CHECK_FALSE(answer.body.contains("accepted"));
    CHECK(f.only(*repeat).status == 503);  // Nothing is known of its own key.
  }
  const auto whole = f.send(lines(line("d") + line("e"), with_key("w")));
  f.journal.fail({JournalFailure::key_reused, 1});
  CHECK(f.only(*whole).body["message"] ==
        "The idempotency key was used before for a different request.");
}

TEST_CASE("a journal may fail at once, and the key stays free") {
  Later f;
  f.journal.fails_at_once = JournalFailure::unavailable;
  CHECK(f.only(*f.send(one("x", "k"))).status == 503);
  CHECK(f.only(*f.send(lines(line("x"), with_key("w")))).status == 503);
  f.journal.fails_at_once.reset();
  const auto again = f.send(one("y", "k") + lines(line("y"), with_key("w")));
  CHECK(f.journal.open() == 2);
  f.journal.commit(2);
  CHECK(f.answers(*again).size() == 2);
  const auto& refused = f.socket.routes->counters().refused;
  CHECK(refused[static_cast<std::size_t>(PublishRefusal::journal)].read() == 2);
}

TEST_CASE("the events of a client that has left are committed, and its key is known") {
  Later f;
  auto gone = f.send(one("x", "k") + one("z"));
  gone->client.leave();
  net::http_test::turn_for(f.socket.loop, 5);
  const auto again = f.send(one("x", "k"));
  f.journal.commit(2);
  CHECK(f.socket.sent.frames.size() == 2);
  CHECK(f.only(*again).body == json{{"id", f.id(1)}});
  f.journal.fails_at_once = JournalFailure::io_error;
  CHECK(f.only(*f.send(one("x", "k"))).body == json{{"id", f.id(1)}});
}

TEST_CASE("what was accepted before a drain is committed and answered before the server closes") {
  Later f;
  const auto early = f.send(one("1") + one("2", "k"));
  const auto repeat = f.send(one("2", "k"));
  f.socket.draining = true;
  f.send_on(*early, one("3"));
  CHECK(f.journal.open() == 2);
  CHECK(f.silent(*early));
  f.journal.finish();
  f.socket.server->close();
  const auto& answers = f.answers(*early);
  REQUIRE(answers.size() == 3);
  CHECK(answers[0].body == json{{"id", f.id(1)}});
  CHECK(answers[1].body == json{{"id", f.id(2)}});
  CHECK(answers[2].status == 503);
  CHECK(answers[2].body["code"] == "draining");
  CHECK(f.only(*repeat).body == json{{"id", f.id(2)}});
  CHECK(f.socket.log.head() == 2);
}

TEST_CASE("the number of keys in flight is bounded") {
  Later f({.request_lines_max = 100'000});
  std::string many;
  for (int i = 0; i < 65'536; ++i) many += line("x", std::to_string(i));
  const auto first = f.send(lines(many));
  REQUIRE(net::http_test::turn_until(f.socket.loop, [&] { return f.journal.open() == 1; }));
  CHECK(f.only(*f.send(one("x", "more"))).status == 503);
  const auto keyless = f.send(one("y"));
  CHECK(f.journal.open() == 2);
  f.journal.commit(2);
  CHECK(f.only(*first).body["accepted"] == 65'536);
  const auto later = f.send(one("x", "more"));
  f.journal.commit();
  CHECK(f.only(*later).status == 202);
}

}  // namespace crier::cmd
