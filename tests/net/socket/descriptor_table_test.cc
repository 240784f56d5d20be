#include "net/socket/descriptor_table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "tests/net/socket/socket_support.h"
#include "tests/support/catch.h"
#include "tests/support/failing_call.h"

using namespace crier::net;
using namespace crier::net::test;

TEST_CASE("a thread with a table of its own opens and closes for itself alone") {
  const Fd before(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  bool inherited = false;
  int opened = -1;
  std::string error;
  std::thread worker([&] {
    if (auto left = leave_shared_table(); !left) {
      error = left.error().detail;
      return;
    }
    inherited = ::fcntl(before.get(), F_GETFD) >= 0;
    ::close(before.get());
    opened = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    opened = ::fcntl(opened, F_DUPFD_CLOEXEC, 500);
  });
  worker.join();
  CHECK(error.empty());
  CHECK(inherited);
  CHECK(::fcntl(before.get(), F_GETFD) >= 0);  // Closed in the other table only.
  CHECK(opened >= 500);
  CHECK(::fcntl(opened, F_GETFD) == -1);  // Open in the other table only.
}

TEST_CASE("the probe for a table of one's own leaves the common table in use") {
  CHECK(try_own_table());
  const Fd after(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  bool shared = false;
  std::thread([&] { shared = ::fcntl(after.get(), F_GETFD) >= 0; }).join();
  CHECK(shared);  // This thread still has the common table.
  crier::Result<void> tried;
  if (!crier::tests::while_failing({SYS_unshare, EPERM}, [&] { tried = try_own_table(); })) return;
  REQUIRE_FALSE(tried);
  CHECK(tried.error().detail.find("workers.own_descriptor_table") != std::string::npos);
}

TEST_CASE("a thread finds the descriptors of files by their names, in its own table") {
  char name[] = "/tmp/crier-test-XXXXXX";
  const Fd one(::mkstemp(name));
  const std::string path = name;
  const Fd two(::open((path + "-wal").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE((one && two));
  std::vector<int> found = descriptors_of(path);
  std::ranges::sort(found);
  CHECK(found == std::vector<int>{one.get(), two.get()});
  CHECK(descriptors_of(path + "-wal") == std::vector<int>{two.get()});
  std::vector<int> left = {-1};
  std::thread([&] {
    if (!leave_shared_table()) return;
    for (const int fd : descriptors_of(path)) ::close(fd);
    left = descriptors_of(path);
  }).join();
  CHECK(left.empty());
  CHECK(descriptors_of(path).size() == 2);
  ::unlink(path.c_str());
  ::unlink((path + "-wal").c_str());
}

TEST_CASE("the limit of descriptors counts per table") {
  const auto open_until_refused = [](std::vector<Fd>& all) {
    for (;;) {
      Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!fd) return errno;
      all.push_back(std::move(fd));
    }
  };
  std::vector<Fd> here;
  std::size_t there_count = 0;
  std::size_t here_first = 0;
  int here_error = 0;
  int there_error = 0;
  std::atomic<bool> theirs_full{false};
  std::atomic<bool> ours_full{false};
  {
    const DescriptorLimit limit(64);
    here_error = open_until_refused(here);
    here.resize(here.size() / 2);
    here_first = here.size();
    std::thread worker([&] {
      std::vector<Fd> there;
      if (leave_shared_table()) there_error = open_until_refused(there);
      there_count = there.size();
      theirs_full.store(true);
      theirs_full.notify_one();
      ours_full.wait(false);
    });
    theirs_full.wait(false);
    open_until_refused(here);  // Meanwhile the worker holds as many as it may.
    ours_full.store(true);
    ours_full.notify_one();
    worker.join();
  }
  CHECK(here_error == EMFILE);
  CHECK(there_error == EMFILE);
  CHECK(there_count > 0);
  CHECK(here.size() >= here_first + there_count);
}

TEST_CASE("the soft limit is raised to the hard one") {
  rlimit before{};
  rlimit after{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  std::size_t limit = 0;
  {
    const DescriptorLimit lowered(100);
    limit = raise_descriptor_limit().value_or(0);
    ::getrlimit(RLIMIT_NOFILE, &after);
  }
  CHECK(limit == before.rlim_max);
  CHECK(after.rlim_cur == before.rlim_max);
}
