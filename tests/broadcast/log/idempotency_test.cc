#include "broadcast/log/idempotency.h"

#include "tests/broadcast/log/log_support.h"

namespace crier::broadcast {
namespace {

constexpr HashKey kKey{3, 4};

}  // namespace

TEST_CASE("a key of 1 to 255 bytes of printable ASCII is valid") {
  const auto [name, key, valid] = GENERATE(table<std::string, std::string, bool>({
      {"empty", "", false},
      {"one byte", "k", true},
      {"all that is printable", " !~Az09-_:/\"", true},
      {"longest", std::string(255, 'k'), true},
      {"too long", std::string(256, 'k'), false},
      {"tab", "a\tb", false},
      {"line end", "a\n", false},
      {"NUL", std::string("a\0b", 3), false},
      {"DEL", "a\x7f", false},
      {"not ASCII", "caf\xc3\xa9", false},
  }));
  INFO(name);
  CHECK(valid_idempotency_key(key) == valid);
}

TEST_CASE("a repeated key gets its first answer, for the same uid and content") {
  IdempotencyKeys keys(kKey, 10, 60);
  const Fingerprint content = keys.fingerprint({"topic", "name", "data"});
  const FirstAnswer answer{5, 7, 3};
  REQUIRE(keys.find(keys.scoped(1000, "k"), content, at(1)).status == KeyStatus::unknown);
  keys.remember(keys.scoped(1000, "k"), content, answer, at(1));

  const KeyLookup again = keys.find(keys.scoped(1000, "k"), content, at(2));
  CHECK(again.status == KeyStatus::same);
  CHECK(again.answer == answer);
  const Fingerprint other = keys.fingerprint({"topic", "name", "other"});
  CHECK(keys.find(keys.scoped(1000, "k"), other, at(2)).status == KeyStatus::different);
  CHECK(keys.find(keys.scoped(1001, "k"), content, at(2)).status == KeyStatus::unknown);
  CHECK(keys.find(keys.scoped(1000, "K"), content, at(2)).status == KeyStatus::unknown);
}

TEST_CASE("a fingerprint depends on every part, on where parts end, and on the key") {
  const IdempotencyKeys keys(kKey, 1, 1);
  const Fingerprint content = keys.fingerprint({"a", "bc"});
  CHECK(content == keys.fingerprint({"a", "bc"}));
  CHECK(content != keys.fingerprint({"ab", "c"}));
  CHECK(content != keys.fingerprint({"abc"}));
  CHECK(content != keys.fingerprint({"a", "bc", ""}));
  CHECK(content != keys.fingerprint({"bc", "a"}));
  CHECK(content.low != content.high);
  CHECK(content != IdempotencyKeys({3, 5}, 1, 1).fingerprint({"a", "bc"}));
}

TEST_CASE("keys are remembered for a window") {
  IdempotencyKeys keys(kKey, 10, 60);
  keys.remember(keys.scoped(1, "old"), {}, {1, 1, 1}, at(0));
  keys.remember(keys.scoped(1, "new"), {}, {2, 2, 1}, at(30));
  CHECK(keys.find(keys.scoped(1, "old"), {}, at(59)).status == KeyStatus::same);
  CHECK(keys.find(keys.scoped(1, "old"), {}, at(60)).status == KeyStatus::unknown);
  CHECK(keys.find(keys.scoped(1, "new"), {}, at(60)).status == KeyStatus::same);
  CHECK(keys.size() == 1);
  keys.remember(keys.scoped(1, "old"), {}, {3, 3, 1}, at(61));
  CHECK(keys.find(keys.scoped(1, "old"), {}, at(61)).answer.first_sequence == 3);
}

TEST_CASE("the oldest key leaves first when there are too many") {
  const std::size_t keys_max = GENERATE(1U, 2U, 7U, 64U);
  IdempotencyKeys keys(kKey, keys_max, 60);
  for (std::uint64_t i = 1; i <= 200; ++i) {
    keys.remember(keys.scoped(1, "key-" + std::to_string(i)), {i, i}, {i, i, 1}, at(0));
    REQUIRE(keys.size() == std::min<std::size_t>(i, keys_max));
    for (std::uint64_t j = i > 70 ? i - 70 : 1; j <= i; ++j) {
      const KeyLookup found = keys.find(keys.scoped(1, "key-" + std::to_string(j)), {j, j}, at(0));
      REQUIRE((found.status == KeyStatus::same) == (j + keys_max > i));
      if (found.status == KeyStatus::same) REQUIRE(found.answer.first_sequence == j);
    }
  }
}

TEST_CASE("with room for no key, no key is remembered") {
  IdempotencyKeys keys(kKey, 0, 60);
  keys.remember(keys.scoped(1, "k"), {}, {1, 1, 1}, at(0));
  CHECK(keys.find(keys.scoped(1, "k"), {}, at(0)).status == KeyStatus::unknown);
}

TEST_CASE("keys are restored in order, and the newest answer of a key counts") {
  IdempotencyKeys keys(kKey, 3, 60);
  const auto key = [&](std::string_view name) { return keys.scoped(1, name); };
  keys.restore(key("a"), {1, 1}, {1, 1, 1}, at(100));
  keys.restore(key("b"), {2, 2}, {2, 2, 1}, at(90));  // Its time is that of "a".
  keys.restore(key("a"), {3, 3}, {3, 4, 2}, at(120));
  CHECK(keys.find(key("b"), {2, 2}, at(159)).answer.first_sequence == 2);
  CHECK(keys.find(key("b"), {2, 2}, at(160)).status == KeyStatus::unknown);
  CHECK(keys.find(key("a"), {1, 1}, at(160)).status == KeyStatus::different);
  CHECK(keys.find(key("a"), {3, 3}, at(160)).answer == FirstAnswer{3, 4, 2});
  CHECK(keys.find(key("a"), {3, 3}, at(180)).status == KeyStatus::unknown);
  CHECK(keys.size() == 0);
}

TEST_CASE("a key that a journal has kept several times is restored once") {
  IdempotencyKeys keys(kKey, 100, 60);
  const Fingerprint key = keys.scoped(1, "a");
  for (std::uint64_t i = 1; i <= 20; ++i) keys.restore(key, {i, i}, {i, i, 1}, at(i));
  for (std::uint64_t i = 1; i <= 80; ++i) {
    keys.remember(keys.scoped(1, std::to_string(i)), {i, i}, {i, i, 1}, at(20));
  }
  CHECK(keys.find(key, {20, 20}, at(79)).answer.first_sequence == 20);
  CHECK(keys.find(key, {20, 20}, at(80)).status == KeyStatus::unknown);
  CHECK(keys.size() == 0);
}

}  // namespace crier::broadcast
