// Reads the PROXY header with which a connection begins.
//
// For any bytes: an outcome stays the same when more bytes come, and comes within the bound; all
// that is shorter than a complete header wants more; a line of version 1 is a whole one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/check.h"
#include "net/http/proxy_header.h"

using crier::net::parse_proxy_header;
using crier::net::ProxyHeader;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Progress = ProxyHeader::Progress;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader whole = parse_proxy_header(bytes);
  if (whole.progress == Progress::more) {
    CRIER_CHECK(size < crier::net::kProxyHeaderBytesMax);
  }
  const std::size_t needed = whole.progress == Progress::complete ? whole.size : size;
  CRIER_CHECK(needed <= size);
  bool decided = false;
  for (std::size_t cut = 0; cut <= std::min<std::size_t>(size, 1'024); ++cut) {
    const ProxyHeader part = parse_proxy_header(bytes.substr(0, cut));
    decided = decided || part.progress != Progress::more;
    if (!decided) continue;
    CRIER_CHECK(part.progress == whole.progress);
    CRIER_CHECK(part.size == whole.size);
    CRIER_CHECK(part.client == whole.client);
    if (whole.progress == Progress::complete) CRIER_CHECK(cut >= whole.size);
  }
  if (whole.progress != Progress::complete) return 0;
  CRIER_CHECK(whole.size <= crier::net::kProxyHeaderBytesMax);
  if (bytes.front() != 'P') return 0;
  const std::string_view line = bytes.substr(0, whole.size);
  CRIER_CHECK(line.size() <= 107);
  CRIER_CHECK(line.find("\r\n") == line.size() - 2);
  return 0;
}
