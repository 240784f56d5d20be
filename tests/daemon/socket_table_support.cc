#include "tests/daemon/socket_table.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <vector>

namespace crier::tests {
namespace {

// Messages and attributes begin with their length and are padded to four bytes.
constexpr std::size_t padded(std::size_t bytes) {
  return (bytes + 3) / 4 * 4;
}

template <typename Header>
const Header* header_of(std::span<const char> bytes) {
  return bytes.size() < sizeof(Header) ? nullptr : reinterpret_cast<const Header*>(bytes.data());
}

// Requires: length <= bytes.size().
std::span<const char> after(std::span<const char> bytes, std::size_t length) {
  return bytes.subspan(std::min(padded(length), bytes.size()));
}

DaemonSocket parse(std::span<const char> attributes) {
  DaemonSocket socket;
  while (const auto* attribute = header_of<nlattr>(attributes)) {
    if (attribute->nla_len < sizeof(nlattr) || attribute->nla_len > attributes.size()) break;
    const char* value = attributes.data() + sizeof(nlattr);
    if (attribute->nla_type == INET_DIAG_SKMEMINFO) {
      socket.send_buffer_bytes = reinterpret_cast<const std::uint32_t*>(value)[SK_MEMINFO_SNDBUF];
    } else if (attribute->nla_type == INET_DIAG_CONG) {
      socket.congestion_control = value;
    }
    attributes = after(attributes, attribute->nla_len);
  }
  return socket;
}

bool ask(int netlink) {
  struct {
    nlmsghdr header{};
    inet_diag_req_v2 wanted{};
  } request;
  request.header = {.nlmsg_len = sizeof(request),
                    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                    .nlmsg_seq = 1,
                    .nlmsg_pid = 0};
  request.wanted.sdiag_family = AF_INET;
  request.wanted.sdiag_protocol = IPPROTO_TCP;
  request.wanted.idiag_ext = (1 << (INET_DIAG_SKMEMINFO - 1)) | (1 << (INET_DIAG_CONG - 1));
  request.wanted.idiag_states = 1 << TCP_ESTABLISHED;
  return ::send(netlink, &request, sizeof(request), 0) == sizeof(request);
}

}  // namespace

std::optional<std::map<std::uint16_t, DaemonSocket>> accepted_sockets(const std::string& address,
                                                                      std::uint16_t port) {
  in_addr wanted{};
  ::inet_pton(AF_INET, address.c_str(), &wanted);
  const int netlink = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (netlink < 0) return std::nullopt;
  std::map<std::uint16_t, DaemonSocket> all;
  bool more = ask(netlink);
  bool done = false;
  std::vector<char> buffer(64 * 1024);
  while (more) {
    const ssize_t got = ::recv(netlink, buffer.data(), buffer.size(), 0);
    more = got > 0;
    std::span<const char> messages(buffer.data(), more ? static_cast<std::size_t>(got) : 0);
    while (const auto* head = header_of<nlmsghdr>(messages)) {
      done = head->nlmsg_type == NLMSG_DONE;
      more = !done && head->nlmsg_type != NLMSG_ERROR;
      if (!more || head->nlmsg_len > messages.size()) break;
      const std::span<const char> body = messages.first(head->nlmsg_len).subspan(sizeof(nlmsghdr));
      const auto* found = header_of<inet_diag_msg>(body);
      if (found != nullptr && ntohs(found->id.idiag_sport) == port &&
          found->id.idiag_src[0] == wanted.s_addr) {
        all[ntohs(found->id.idiag_dport)] = parse(after(body, sizeof(inet_diag_msg)));
      }
      messages = after(messages, head->nlmsg_len);
    }
  }
  ::close(netlink);
  if (!done) return std::nullopt;
  return all;
}

}  // namespace crier::tests
