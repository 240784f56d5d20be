#include "core/text/event_id.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "core/check.h"
#include "core/text/decimal.h"

namespace crier {
namespace {

constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
static_assert(kAlphabet.size() == 32);

}  // namespace

Epoch Epoch::from_random(std::uint64_t random) {
  std::array<char, kBytes> text{};
  for (std::size_t i = kBytes; i-- > 0; random >>= 5) text[i] = kAlphabet[random & 31];
  return Epoch(text);
}

std::optional<Epoch> Epoch::parse(std::string_view text) {
  if (text.size() != kBytes) return std::nullopt;
  // The other twelve characters carry five bits each, which leaves four bits for the first.
  if (kAlphabet.substr(0, 16).find(text.front()) == std::string_view::npos) return std::nullopt;
  if (text.find_first_not_of(kAlphabet) != std::string_view::npos) return std::nullopt;
  std::array<char, kBytes> copy{};
  std::copy(text.begin(), text.end(), copy.begin());
  return Epoch(copy);
}

std::optional<EventId> parse_event_id(std::string_view text) {
  if (text.size() < Epoch::kBytes + 2 || text[Epoch::kBytes] != '-') return std::nullopt;
  const auto epoch = Epoch::parse(text.substr(0, Epoch::kBytes));
  if (!epoch) return std::nullopt;

  const std::string_view digits = text.substr(Epoch::kBytes + 1);
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  const auto sequence = parse_decimal<std::uint64_t>(digits);
  return sequence ? std::optional(EventId{*epoch, *sequence}) : std::nullopt;
}

void append_event_id(std::string& out, const Epoch& epoch, std::uint64_t sequence) {
  // Not initialised: one append takes what is written.
  std::array<char, kEventIdBytesMax> text;
  char* const digits = std::copy_n(epoch.view().data(), Epoch::kBytes, text.data()) + 1;
  digits[-1] = '-';
  const auto printed = std::to_chars(digits, text.data() + text.size(), sequence);
  CRIER_CHECK(printed.ec == std::errc{});
  out.append(text.data(), printed.ptr);
}

std::string to_string(const EventId& id) {
  std::string text;
  text.reserve(kEventIdBytesMax);
  append_event_id(text, id.epoch, id.sequence);
  return text;
}

}  // namespace crier
