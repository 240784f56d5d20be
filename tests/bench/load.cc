// Puts load on a server of event streams. Reads commands from standard input, one a line, and
// answers each with a line of JSON.
//
//   bench_load --connect 127.0.0.1:8080 --publish PATH [--stream-path /events?topic={}]
//              [--publish-path /topics/{}] [--source-octet N]
//
//   group NAME streams=N [topics=T,…] [all_every=N] [processes=P] [window=64] [reads=0] [trace=1]
//   open NAME [streams=N] [within=60]
//   rate seconds=S NAME=HZ [NAME=HZ …] [size=64] [within=30]
//   burst NAME events=N [size=64] [within=60] [lines=N]
//   quit
//
// Streams live in forked client processes, because a process may hold 20,000 descriptors and no
// more on some machines; see cmd/bench/load.h and topic_plan.h for what the words mean. A
// group's topic is its name unless topics are given; lines=N publishes NDJSON requests of N events.
#include <arpa/inet.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>

#include "cmd/bench/load.h"

namespace crier::bench {
namespace {

// One command line: its words without '=', then its key=value pairs.
struct Command {
  std::vector<std::string> words;
  std::map<std::string, std::string> values;

  double number(const std::string& key, double otherwise) const {
    const auto at = values.find(key);
    return at == values.end() ? otherwise : std::strtod(at->second.c_str(), nullptr);
  }
  std::uint32_t count(const std::string& key, std::uint32_t otherwise) const {
    return static_cast<std::uint32_t>(number(key, otherwise));
  }
  std::string name() const { return words.size() > 1 ? words[1] : ""; }
};

Command parse(const std::string& line) {
  Command command;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    if (const auto at = word.find('='); at != std::string::npos) {
      command.values[word.substr(0, at)] = word.substr(at + 1);
    } else {
      command.words.push_back(word);
    }
  }
  return command;
}

// `text` as a JSON string; characters that would need an escape become spaces.
std::string quoted(std::string text) {
  for (char& c : text) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return '"' + text + '"';
}

class Answer {
 public:
  Answer& add(const char* key, std::uint64_t value) { return put(key, std::to_string(value)); }
  Answer& text(const char* key, const std::string& value) { return put(key, quoted(value)); }
  std::string json() const { return '{' + fields_ + '}'; }

 private:
  Answer& put(const char* key, const std::string& value) {
    if (!fields_.empty()) fields_ += ',';
    fields_ += '"' + std::string(key) + "\":" + value;
    return *this;
  }
  std::string fields_;
};

std::string failure(const Error& error) {
  return Answer().text("error", error.detail).json();
}

std::string report(const std::string& group, const Delivery& d) {
  return Answer()
      .text("group", group)
      .add("events", d.events)
      .add("expected", d.expected)
      .add("received", d.received)
      .add("bytes", d.bytes)
      .add("lost", d.lost())
      .add("duplicates", d.duplicates)
      .add("late", d.late)
      .add("strays", d.strays)
      .add("ended", d.ended)
      .add("posts_failed", d.posts_failed)
      .add("unanswered", d.unanswered)
      .text("first_failure", d.first_failure)
      .add("elapsed_ns", d.elapsed)
      .add("answered_ns", d.answered)
      .add("last_p50_ns", d.last_p50)
      .add("last_p99_ns", d.last_p99)
      .add("last_max_ns", d.last_max)
      .add("own_p50_ns", d.own_p50)
      .add("own_p99_ns", d.own_p99)
      .add("own_max_ns", d.own_max)
      .add("each_p50_ns", d.each_p50)
      .add("each_p99_ns", d.each_p99)
      .add("each_max_ns", d.each_max)
      .json();
}

std::string run_group(Load& load, const Command& command) {
  const auto list = command.values.find("topics");
  const std::uint32_t streams = command.count("streams", 1);
  const auto topics = TopicPlan::make(list == command.values.end() ? command.name() : list->second,
                                      streams, command.count("all_every", 1));
  if (!topics) return failure(topics.error());
  const auto index = load.add_group({.name = command.name(),
                                     .topics = *topics,
                                     .streams = streams,
                                     .processes = command.count("processes", 1),
                                     .connecting_max = command.count("window", 64),
                                     .reads = command.count("reads", 1) != 0,
                                     .trace = command.count("trace", 0) != 0});
  return index ? Answer().add("group", *index).json() : failure(index.error());
}

std::string run_open(Load& load, const Command& command) {
  const auto group = load.find(command.name());
  if (!group) return failure(group.error());
  const Opening opening =
      load.open(*group, command.count("streams", ~0U), command.number("within", 60));
  return Answer()
      .add("opened", opening.opened)
      .add("refused", opening.refused)
      .add("ended", opening.ended)
      .add("elapsed_ns", opening.elapsed)
      .text("first_refusal", opening.first_refusal)
      .json();
}

std::string run_rate(Load& load, const Command& command) {
  std::vector<Load::Rate> rates;
  std::vector<std::string> names;
  for (const auto& [key, value] : command.values) {
    if (const auto group = load.find(key)) {
      const double hz = std::strtod(value.c_str(), nullptr);
      rates.push_back({.group = *group, .hz = hz, .hz_end = hz});
      names.push_back(key);
    }
  }
  const auto deliveries = load.rate(rates, command.number("seconds", 5), command.count("size", 64),
                                    command.number("within", 30));
  if (!deliveries) return failure(deliveries.error());
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    all += (i == 0 ? "" : ",") + report(names[i], (*deliveries)[i]);
  }
  return "{\"groups\":[" + all + "]}";
}

std::string run_burst(Load& load, const Command& command) {
  const auto group = load.find(command.name());
  if (!group) return failure(group.error());
  const auto delivery = load.burst({.group = *group,
                                    .events = command.count("events", 1),
                                    .size = command.count("size", 64),
                                    .lines = command.count("lines", 0)},
                                   command.number("within", 60));
  return delivery ? report(command.name(), *delivery) : failure(delivery.error());
}

std::string run(Load& load, const Command& command) {
  const std::string& verb = command.words[0];
  if (verb == "group") return run_group(load, command);
  if (verb == "open") return run_open(load, command);
  if (verb == "rate") return run_rate(load, command);
  if (verb == "burst") return run_burst(load, command);
  return Answer().text("error", "no such command: " + verb).json();
}

bool parse_address(const std::string& text, Target& target) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return false;
  auto& address = reinterpret_cast<sockaddr_in&>(target.server.storage);
  target.server.size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1)));
  return address.sin_port != 0 &&
         inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) == 1;
}

int serve(int argc, char** argv) {
  Target target;
  bool understood = argc % 2 == 1;
  for (int i = 1; understood && i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    const std::string value = argv[i + 1];
    if (option == "--connect") {
      understood = parse_address(value, target);
    } else if (option == "--publish") {
      target.publish_socket = value;
    } else if (option == "--stream-path") {
      target.stream_path = value;
    } else if (option == "--publish-path") {
      target.publish_path = value;
    } else if (option == "--source-octet") {
      target.source_octet = static_cast<std::uint8_t>(std::atoi(value.c_str()));
    } else {
      understood = false;
    }
  }
  if (!understood || target.server.size == 0 || target.publish_socket.empty()) {
    std::fprintf(stderr, "usage: see the head of tests/bench/load.cc\n");
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  auto load = Load::create(std::move(target));
  if (!load) {
    std::fprintf(stderr, "%s\n", load.error().detail.c_str());
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const Command command = parse(line);
    if (command.words.empty()) continue;
    if (command.words[0] == "quit") break;
    std::printf("%s\n", run(**load, command).c_str());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace crier::bench

int main(int argc, char** argv) {
  return crier::bench::serve(argc, argv);
}
