#include "config/affinity.h"

#include "config/load.h"
#include "tests/support/catch.h"

namespace crier::config {
namespace {

using Numbers = std::vector<unsigned>;
using Usable = std::vector<Processor>;

// Number, node, sibling.
const Usable kFour = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 0}};
const Usable kThreads = {{0, 0, 0}, {1, 0, 1}, {2, 0, 0}, {3, 0, 1}};
const Usable kTwoNodes = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 0},
                          {4, 1, 0}, {5, 1, 0}, {6, 1, 0}, {7, 1, 0}};
const Usable kUneven = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 0},
                        {4, 0, 0}, {5, 0, 0}, {6, 1, 0}, {7, 1, 0}};
// Linux numbers the first threads of all cores first.
const Usable kTwoNodesThreads = {{0, 0, 0}, {1, 0, 0}, {2, 1, 0}, {3, 1, 0},
                                 {4, 0, 1}, {5, 0, 1}, {6, 1, 1}, {7, 1, 1}};

struct PlanCase {
  const char* name;
  const char* setting;
  unsigned workers;
  Usable usable;
  Numbers wanted;
  const char* note;
};

TEST_CASE("each worker has its processor") {
  const auto row = GENERATE(values<PlanCase>({
      {"off", "off", 2, kFour, {}, ""},
      {"one each", "auto", 4, kFour, {0, 1, 2, 3}, ""},
      {"fewer workers", "auto", 2, kFour, {0, 1}, ""},
      {"those that may be used", "auto", 2, {{5, 0, 0}, {3, 0, 0}}, {3, 5}, ""},
      {"cores before threads", "auto", 3, kThreads, {0, 2, 1}, ""},
      {"nodes in turn", "auto", 4, kTwoNodes, {0, 4, 1, 5}, ""},
      {"one of two nodes", "auto", 1, kTwoNodes, {0}, ""},
      {"nodes in proportion", "auto", 4, kUneven, {0, 1, 6, 2}, ""},
      {"all of uneven nodes", "auto", 8, kUneven, {0, 1, 6, 2, 3, 4, 7, 5}, ""},
      {"nodes with threads", "auto", 6, kTwoNodesThreads, {0, 2, 1, 3, 4, 6}, ""},
      {"more workers than processors",
       "auto",
       5,
       {{0, 0, 0}, {1, 0, 0}},
       {0, 1, 0, 1, 0},
       "workers.affinity has 2 processors for 5 workers, so some share one; lower workers.count"},
      {"nothing known",
       "auto",
       2,
       {},
       {},
       "workers.affinity: crier cannot list the processors, so it pins no worker"},
      {"a list, as it stands", "3,1", 2, kFour, {3, 1}, ""},
      {"more of a list than workers", "0-3", 2, kFour, {0, 1}, ""},
      {"a list, around and around",
       "1-2",
       3,
       kFour,
       {1, 2, 1},
       "workers.affinity has 2 processors for 3 workers, so some share one; lower workers.count"},
      {"a list where nothing is known", "9", 1, {}, {9}, ""},
  }));
  INFO(row.name);
  const Affinity plan = plan_affinity(row.setting, row.workers, row.usable);
  Numbers numbers;
  for (const Processor& place : plan.places) numbers.push_back(place.number);
  CHECK(numbers == row.wanted);
  CHECK(plan.note == row.note);
  CHECK(plan.problem.empty());
}

TEST_CASE("a place is told with its node") {
  CHECK(plan_affinity("6", 1, kTwoNodes).places == Usable{{6, 1, 0}});
}

TEST_CASE("every beginning of the order has of each node its part, give or take one") {
  Usable usable;
  const std::vector<unsigned> sizes = {13, 4, 1, 7};
  for (unsigned node = 0; node < sizes.size(); ++node) {
    for (unsigned i = 0; i < sizes[node]; ++i) {
      usable.push_back({static_cast<unsigned>(usable.size()), node, 0});
    }
  }
  for (unsigned workers = 1; workers <= usable.size(); ++workers) {
    std::vector<unsigned> counts(sizes.size());
    for (const Processor& place : plan_affinity("auto", workers, usable).places) {
      ++counts[place.node];
    }
    for (unsigned node = 0; node < sizes.size(); ++node) {
      CAPTURE(workers, node);
      CHECK(counts[node] * usable.size() < workers * sizes[node] + usable.size());
      CHECK(counts[node] * usable.size() + usable.size() > workers * sizes[node]);
    }
  }
}

TEST_CASE("a processor that may not be used is named, and those that may") {
  const Affinity plan = plan_affinity("0,2-5", 2, {kFour.begin() + 1, kFour.end()});
  CHECK(plan.places.empty());
  CHECK(plan.problem ==
        "workers.affinity lists 0,4,5, but the processors that crier may use are 1-3; change it, "
        "or what "
        "AllowedCPUs=, CPUAffinity= or taskset allow");
}

TEST_CASE("a list says how many workers there may be") {
  CHECK(processors_listed("off") == 0);
  CHECK(processors_listed("auto") == 0);
  CHECK(processors_listed("0-3,8") == 5);
}

TEST_CASE("steering without pinned workers is a contradiction") {
  const auto refused = load_text(R"({"workers": {"steering": "cpu"}})", "c.json", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error()[0].message ==
        "workers.steering is \"cpu\" in c.json:1; it needs pinned workers, but workers.affinity is "
        "\"off\"");
  CHECK(load_text(R"({"workers": {"steering": "cpu", "affinity": "1"}})", "c.json", {}));
  const std::vector<std::string> overrides = {"workers.affinity=1"};
  CHECK(load_text(R"({"workers": {"steering": "cpu"}})", "c.json", overrides));
}

}  // namespace
}  // namespace crier::config
