#include "cmd/bench/report.h"

#include "tests/support/catch.h"

namespace crier::bench {
namespace {

using Catch::Matchers::ContainsSubstring;
using config::Json;

// A run without faults, with another figure at `path`.
Report report_with(const char* path = "/crier_bench", const Json& value = 1) {
  Json json = {
      {"crier_bench", 1},
      {"version", "1.0"},
      {"plan", {{"streams", 10}, {"rate", 5}, {"rate_end", 5}, {"seconds", 2}, {"size", 64}}},
      {"interrupted", false},
      {"opening", {{"streams", 10}, {"seconds", 0.1}}},
      {"deliveries", {{"expected", 100}, {"received", 100}}},
      {"latency_ms", {{"p99", 4}}},
  };
  json[Json::json_pointer(path)] = value;
  return Report{json};
}

TEST_CASE("each fault of a run is named, and none of a run without any") {
  CHECK(is_whole(report_with()));
  CHECK_THAT(report_text(report_with()), ContainsSubstring("wrong       nothing\n"));
  struct Row {
    const char* path;
    Json value;
    const char* named;
  };
  for (const auto& [path, value, named] : {
           Row{"/opening/streams", 5, "5 streams not opened"},
           Row{"/opening/refused", 2, "2 streams refused"},
           Row{"/opening/ended", 3, "3 streams ended by the server"},
           Row{"/deliveries/streams_ended", 4, "4 streams ended by the server"},
           Row{"/deliveries/received", 93, "7 not received"},
           Row{"/deliveries/lost", 6, "6 lost (0 at the beginning, 0 at the end)"},
           Row{"/deliveries/out_of_order", 1, "1 out of order"},
           Row{"/deliveries/duplicates", 1, "1 repeated"},
           Row{"/deliveries/strays", 1, "1 that no stream was owed"},
           Row{"/deliveries/publishes_failed", 1, "1 publishes failed"},
           Row{"/deliveries/publishes_unanswered", 2,
               "2 publishes unanswered: they are more than the server takes"},
           Row{"/deliveries/too_old", 1, "1 very late or repeated"},
           Row{"/plan/find_p99_ms", 3, "p99 4.00 ms, not 3.00 ms or less"},
           Row{"/gave_up", "nothing arrived", "nothing arrived"},
       }) {
    const Report report = report_with(path, value);
    CHECK(faults(report) == std::vector<std::string>{named});
    CHECK_FALSE(is_whole(report));
    CHECK_THAT(report_text(report), ContainsSubstring(std::string("wrong       ") + named + "\n"));
  }
}

TEST_CASE("streams that were refused or not tried yet are not missing") {
  Report report = report_with("/opening/streams", 5);
  report.json["opening"]["refused"] = 5;
  CHECK(faults(report) == std::vector<std::string>{"5 streams refused"});
  report.json["opening"]["refused"] = 0;
  report.json["interrupted"] = true;
  CHECK(is_whole(report));
}

TEST_CASE("a search has found what a probe was fast enough for, once a run confirms it") {
  const auto text = [](bool fast, double p99, bool interrupted) {
    Report report = report_with("/latency_ms/p99", p99);
    report.json["plan"]["find_p99_ms"] = 5;
    report.json["interrupted"] = interrupted;
    report.json["search"] =
        Json::array({Json{{"rate", 5}, {"p99_ms", 4}, {"whole", true}, {"fast", fast}}});
    return report_text(report);
  };
  const std::string found = "found       5 events/s keep p99 at 5.00 ms or less";
  CHECK_THAT(text(true, 4, false), ContainsSubstring(found + "\n"));
  CHECK_THAT(text(true, 15, false), ContainsSubstring(found + "; not confirmed"));
  CHECK_THAT(text(true, 4, true), ContainsSubstring(found + "; not confirmed"));
  CHECK_THAT(text(false, 4, true), !ContainsSubstring("found"));
}

TEST_CASE("the text says why a stream was refused, and why there is no figure of the server") {
  const std::string text = report_text(report_with("/opening/first_refusal", "HTTP/1.1 404 No"));
  CHECK_THAT(text, ContainsSubstring("refused     the first stream: HTTP/1.1 404 No\n"));
  CHECK_THAT(report_text(report_with("/server", Json{{"no_figures", "it is another machine"}})),
             ContainsSubstring("server      no CPU, no memory: it is another machine\n"));
}

TEST_CASE("a page holds its report, which cannot end the script that it is in") {
  const Report report = report_with("/version", "</script><b>");
  const std::string page = report_page(report);
  CHECK_THAT(page, !ContainsSubstring("<b>"));
  const auto read = read_report(page);
  REQUIRE(read.has_value());
  CHECK(read->json == report.json);
}

TEST_CASE("what is no report is not read as one") {
  const std::string page = report_page(report_with());
  const auto half = page.substr(0, page.find("\"opening\""));
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[1]"), std::string(R"({"crier_bench":2})"),
        std::string(R"({"crier_bench":"1"})"), half}) {
    INFO(text.substr(0, 40));
    CHECK_FALSE(read_report(text).has_value());
  }
  CHECK(read_report(R"({"crier_bench":1})").has_value());
}

TEST_CASE("a comparison has the ratio of the second to the first, and where the plans differ") {
  const Report first = report_with();
  const std::string same = comparison_text(first, first);
  CHECK_THAT(same, ContainsSubstring("1.00") && !ContainsSubstring("differ"));
  std::string slower = comparison_text(first, report_with("/latency_ms/p99", 10));
  slower = slower.substr(slower.find("latency p99"));
  CHECK_THAT(slower.substr(0, slower.find('\n')), ContainsSubstring(" 4 ms") &&
                                                      ContainsSubstring(" 10 ms") &&
                                                      Catch::Matchers::EndsWith(" 2.50"));
  const std::string other = comparison_text(first, report_with("/plan/size", 128));
  CHECK_THAT(other, ContainsSubstring("The plans differ: size 64 and 128.\n"));
  CHECK_THAT(comparison_text(first, Report{Json{{"crier_bench", 1}}}),
             !ContainsSubstring("latency"));
}

}  // namespace
}  // namespace crier::bench
