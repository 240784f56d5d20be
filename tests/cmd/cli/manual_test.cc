#include "cmd/cli/commands.h"

#include <algorithm>
#include <span>
#include <sstream>
#include <string>

#include "cmd/cli/help.h"
#include "cmd/daemon/metric_reference.h"
#include "config/knob.h"
#include "core/text/roff.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;

// The roff requests that the pages use, and the characters that may follow a backslash in them.
constexpr std::string_view kRequests[] = {".TH ", ".SH ", ".SS ", ".TP", ".PP", ".B ", ".BR ",
                                          ".nh",  ".br",  ".nf",  ".fi", ".RS", ".RE", ".IP "};
constexpr std::string_view kEscapes[] = {"e",   "-",   "&",   "(dq", "(aq", "(ga",
                                         "(ha", "(ti", "(bu", "fB",  "fI",  "fR"};

bool begins_with_one_of(std::string_view text, std::span<const std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](auto begin) { return text.starts_with(begin); });
}

TEST_CASE("crier(1) has every command with its usage, and every option with its help") {
  const std::string page = command_page();
  CHECK(run_command({"manual"}).out == page);
  CHECK_THAT(page, Catch::Matchers::StartsWith(".TH CRIER 1 "));
  for (const Command& command : commands()) {
    INFO(command.name);
    CHECK_THAT(page, ContainsSubstring("\n" + roff_text(usage_line(command)) + "\n.br\n"));
    const std::size_t begin = page.find(".SS \"" + roff_text(usage_line(command)) + "\"\n");
    REQUIRE(begin != std::string::npos);
    const std::string section = page.substr(begin, page.find("\n.S", begin) + 1 - begin);
    for (const Option& option : command.options) {
      INFO(option.name);
      CHECK_THAT(section, ContainsSubstring("\n\\fB" + roff_text(option.name) + "\\fR"));
      std::string help(option.help);
      std::ranges::replace(help, '\n', ' ');
      CHECK_THAT(section, ContainsSubstring(roff_text(help) + "\n"));
    }
  }
  for (const char* heading : {"EXIT STATUS", "SIGNALS", "ENVIRONMENT", "FILES", "SEE ALSO"}) {
    CHECK_THAT(page, ContainsSubstring("\n.SH " + std::string(heading) + "\n"));
  }
}

TEST_CASE("crier.json(5) has every key") {
  const std::string page = configuration_page();
  CHECK(run_command({"config", "--man"}).out == page);
  CHECK_THAT(page, Catch::Matchers::StartsWith(".TH CRIER.JSON 5 "));
  for (const auto& knob : config::knobs()) {
    CHECK_THAT(page, ContainsSubstring("\n.B " + roff_text(knob.key) + "\n"));
  }
}

TEST_CASE("crier-http(7) has what deploy/http.md has") {
  const std::string page = http_page();
  CHECK_THAT(page, Catch::Matchers::StartsWith(".TH CRIER\\-HTTP 7 "));
  for (const char* part :
       {"\n.SH NAME\ncrier\\-http \\- how programs publish", "\n.SS \"POST /topics/TOPIC\"\n",
        "\nContent\\-Type: application/json\n", "\n.SH SEE ALSO\n.BR crier (1),\n"}) {
    CHECK_THAT(page, ContainsSubstring(part));
  }
}

TEST_CASE("crier-runbook(7) has what deploy/runbook.md has") {
  const std::string page = runbook_page();
  CHECK_THAT(page, Catch::Matchers::StartsWith(".TH CRIER\\-RUNBOOK 7 "));
  for (const char* part :
       {"\n.SH \"CrierDown\"\n", "\ncrier status\n", "\n.SH \"INSIDE THE RUNNING DAEMON\"\n",
        "\n.TP\nThe seventh tab of a browser hangs"}) {
    CHECK_THAT(page, ContainsSubstring(part));
  }
}

TEST_CASE("crier-metrics(7) has every metric with its type, its help and its labels") {
  const std::string page = metrics_page();
  CHECK_THAT(page, Catch::Matchers::StartsWith(".TH CRIER\\-METRICS 7 "));
  const MetricReference reference("1.2.3");
  CHECK(reference.catalogue().families().size() > 100);
  for (const metrics::Family& family : reference.catalogue().families()) {
    INFO(family.name);
    const std::string term = "\n.TP\n\\fB" + roff_text(family.name) + "\\fR \\fI";
    CHECK_THAT(page, ContainsSubstring(term));
    CHECK_THAT(page, ContainsSubstring(roff_text(family.help) + "\n"));
  }
  CHECK_THAT(page, ContainsSubstring("\\fBcrier_write_blocked_total\\fR \\fIcounter\\fR\n"));
  CHECK_THAT(page, ContainsSubstring("\n.br\nLabel reason: \\fBsocket\\fR, \\fBrate\\fR.\n"));
  CHECK_THAT(page, ContainsSubstring("\\fB15\\fR, \\fBothers\\fR.\n"));
}

TEST_CASE("a page is printed by its short name and by its title") {
  CHECK(run_command({"manual", "crier"}).out == command_page());
  for (const char* name : {"config", "crier.json"}) {
    CHECK(run_command({"manual", name}).out == configuration_page());
  }
  for (const char* name : {"http", "crier-http"}) {
    CHECK(run_command({"manual", name}).out == http_page());
  }
  for (const char* name : {"metrics", "crier-metrics"}) {
    CHECK(run_command({"manual", name}).out == metrics_page());
  }
  for (const char* name : {"runbook", "crier-runbook"}) {
    CHECK(run_command({"manual", name}).out == runbook_page());
  }
  const Ran unknown = run_command({"manual", "htp"});
  CHECK(unknown.code == kExitMisused);
  CHECK(unknown.out.empty());
  CHECK_THAT(
      unknown.err,
      ContainsSubstring("no page `htp`; the pages are crier, config, http, metrics, runbook\n"));
}

TEST_CASE("paragraphs and examples of a note stay apart") {
  const std::string page = command_page();
  CHECK_THAT(page,
             ContainsSubstring("\n.PP\nExamples:\n.PP\n.RS 4\n.nf\ncrier publish news \\(aqHello"));
  CHECK_THAT(page, ContainsSubstring("\\-\\-lines\n.fi\n.RE\n.SS \"crier close"));
}

TEST_CASE("no line of a manual page is a mistake in roff") {
  for (const std::string& page :
       {command_page(), configuration_page(), http_page(), metrics_page(), runbook_page()}) {
    std::istringstream lines(page);
    bool in_example = false;
    for (std::string line; std::getline(lines, line);) {
      INFO(line);
      in_example = line == ".nf" || (in_example && line != ".fi");
      CHECK_FALSE((line.empty() && !in_example));
      CHECK_FALSE(line.starts_with('\''));
      CHECK((!line.starts_with('.') || begins_with_one_of(line, kRequests)));
      for (std::size_t at = line.find_first_of("\\-"); at != std::string::npos;
           at = line.find_first_of("\\-", at + 2)) {
        CHECK(line[at] == '\\');  // roff may print a bare hyphen as another character.
        CHECK(begins_with_one_of(std::string_view(line).substr(at + 1), kEscapes));
      }
    }
  }
}

}  // namespace
}  // namespace crier::cmd
