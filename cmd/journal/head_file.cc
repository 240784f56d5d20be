#include "cmd/journal/head_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/crc32c.h"
#include "net/socket/os_error.h"

namespace crier::cmd {
namespace {

constexpr mode_t kMode = 0600;
constexpr unsigned kSlots = 2;
constexpr std::size_t kSlotBytes = 64;
using Slot = std::array<char, kSlotBytes>;  // Sequence, epoch, padding; its checksum at the end.
constexpr std::size_t kCheckedBytes = kSlotBytes - sizeof(std::uint32_t);

std::uint32_t sum_of(const Slot& slot) {
  return crc32c({slot.data(), kCheckedBytes}, 0x6372);  // Not 0, so that zeros are no head.
}

Slot slot_of(const CommittedHead& head) {
  Slot slot{};
  std::memcpy(slot.data(), &head.last, sizeof(head.last));
  std::memcpy(slot.data() + sizeof(head.last), head.epoch.view().data(), Epoch::kBytes);
  const std::uint32_t sum = sum_of(slot);
  std::memcpy(slot.data() + kCheckedBytes, &sum, sizeof(sum));
  return slot;
}

std::optional<CommittedHead> head_of(const Slot& slot) {
  std::uint32_t sum = 0;
  std::memcpy(&sum, slot.data() + kCheckedBytes, sizeof(sum));
  if (sum != sum_of(slot)) return std::nullopt;
  CommittedHead head;
  std::memcpy(&head.last, slot.data(), sizeof(head.last));
  const auto epoch = Epoch::parse({slot.data() + sizeof(head.last), Epoch::kBytes});
  if (!epoch) return std::nullopt;
  head.epoch = *epoch;
  return head;
}

}  // namespace

Result<HeadFile> HeadFile::open(const std::string& path) {
  auto lock = FileLock::take(path, FileLock::Kind::exclusive, kMode);
  if (!lock) return std::unexpected(std::move(lock.error()));
  HeadFile file(std::move(*lock));
  file.read();
  return file;
}

Result<bool> HeadFile::forget(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || info.st_size == 0) return false;
  const auto lock = FileLock::take(path, FileLock::Kind::exclusive, kMode);
  if (!lock && lock.error().code == Errc::address_in_use) return false;
  if (!lock) return std::unexpected(lock.error());
  if (::ftruncate(lock->fd(), 0) == 0 && ::fsync(lock->fd()) == 0) return true;
  return net::os_failure("cannot empty " + path);
}

void HeadFile::read() {
  for (unsigned i = 0; i < kSlots; ++i) {
    Slot slot{};
    const auto at = static_cast<off_t>(i * kSlotBytes);
    if (::pread(lock_.fd(), slot.data(), slot.size(), at) != ssize_t{kSlotBytes}) continue;
    const auto head = head_of(slot);
    // The other slot is older. It may be of an epoch before; then this one, if whole, is not less.
    if (!head || (found_ && found_->last > head->last)) continue;
    found_ = head;
    slot_ = (i + 1) % kSlots;
  }
}

bool HeadFile::write(const CommittedHead& head) {
  const Slot slot = slot_of(head);
  const auto at = static_cast<off_t>(slot_ * kSlotBytes);
  const ssize_t written = ::pwrite(lock_.fd(), slot.data(), slot.size(), at);
  if (written >= 0 && written != ssize_t{kSlotBytes}) errno = ENOSPC;
  if (written != ssize_t{kSlotBytes}) return false;
  slot_ = (slot_ + 1) % kSlots;
  return true;
}

bool HeadFile::write_synced(const CommittedHead& head) {
  // Both slots: an older one could be of another epoch.
  return write(head) && write(head) && ::fsync(lock_.fd()) == 0;
}

bool HeadFile::is_at(const std::string& path) const {
  struct stat named{};
  struct stat locked{};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(lock_.fd(), &locked) == 0 &&
         named.st_dev == locked.st_dev && named.st_ino == locked.st_ino;
}

void HeadFile::give_to(uid_t user, gid_t group) const {
  const int refused = ::fchown(lock_.fd(), user, group);
  static_cast<void>(refused);  // Then the owner cannot open it, and is told.
}

}  // namespace crier::cmd
