#include "core/spsc_queue.h"

#include <memory>
#include <thread>

#include "tests/support/catch.h"

using crier::SpscQueue;

TEST_CASE("a full queue does not change the item, and a popped item is freed") {
  SpscQueue<std::shared_ptr<int>> queue(2);
  const auto shared = std::make_shared<int>(1);
  CHECK(queue.empty());
  CHECK_FALSE(queue.pop());
  for (int round = 0; round < 3; ++round) {
    CHECK(queue.room() == 2);
    CHECK(queue.push(std::shared_ptr(shared)));
    CHECK(queue.push(std::shared_ptr(shared)));
    CHECK(queue.room() == 0);
    std::shared_ptr<int> refused = shared;
    CHECK_FALSE(queue.push(std::move(refused)));
    CHECK(refused == shared);
    refused.reset();
    CHECK(queue.pop() == shared);
    CHECK(queue.pop() == shared);
    CHECK(shared.use_count() == 1);
    CHECK(queue.empty());
  }
}

TEST_CASE("items reach the other thread complete and in order") {
  constexpr int kItems = 100'000;
  SpscQueue<std::unique_ptr<int>> queue(16);
  std::thread producer([&queue] {
    for (int i = 0; i < kItems; ++i) {
      auto item = std::make_unique<int>(i);
      while (!queue.push(std::move(item))) std::this_thread::yield();
    }
  });
  bool in_order = true;
  for (int i = 0; i < kItems;) {
    if (const auto item = queue.pop()) {
      in_order = in_order && **item == i++;
    } else {
      std::this_thread::yield();
    }
  }
  producer.join();
  CHECK(in_order);
  CHECK(queue.empty());
}
