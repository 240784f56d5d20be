// Shows a report of `crier bench`: as lines, as a page of its own, or beside another report.
//
// Pure functions; a report is the JSON that Trial makes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/json_value.h"
#include "core/result.h"

namespace crier::bench {

// A type of its own, because JSON converts to any other.
struct Report {
  config::Json json;
};

std::string report_text(const Report& report);

// One HTML file that loads nothing else: the report, with a script that draws it.
std::string report_page(const Report& report);

// Reads a report from its JSON, or from a page made of it. Fails with Errc::bad_request.
[[nodiscard]] Result<Report> read_report(std::string_view text);

// What went wrong, e.g. "5 streams not opened"; empty if every stream was opened and got every
// event that it was owed, once and in order, and as fast as a search has said. A run that was
// interrupted need not have opened all streams.
std::vector<std::string> faults(const Report& report);
bool is_whole(const Report& report);  // Without faults.

// A table of both reports' figures, with the ratio of the second to the first.
std::string comparison_text(const Report& first, const Report& second);

}  // namespace crier::bench
