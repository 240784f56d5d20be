// Pieces of the JSON of /status and /stats: members of an object that is being written, and the
// figures that both have. Each function appends to `out`, after a comma unless the object has just
// begun. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "metrics/catalogue.h"

namespace crier::cmd {

// Integers have neither a point nor an exponent: parsers of integers refuse 1e+06.
void append_json_number(std::string& out, double value);

void append_json_key(std::string& out, std::string_view key);

void append_json_text(std::string& out, std::string_view key, std::string_view value);

// Appends nothing if there is no value.
void append_json_member(std::string& out, std::string_view key, std::optional<double> value);

// An object with the values of a family by its only label: largest first, without zeros.
void append_json_by_label(std::string& out, std::string_view key, const metrics::Family& family);

// The members "ready" and, if `why_not` is not empty, "ready_detail".
void append_json_readiness(std::string& out, std::string_view why_not);

// Each known figure of figures.h. Requires: the catalogue is from make_catalogue(), or has families
// of the same kinds.
void append_json_figures(std::string& out, const metrics::Catalogue& catalogue,
                         double uptime_seconds);

}  // namespace crier::cmd
