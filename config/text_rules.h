// Rules for the form of texts in the configuration. Whether an address can be bound or a group
// exists is only known when it is used.
#pragma once

#include <string_view>

namespace crier::config {

struct TextRule {
  // Ends the sentence "…; allowed is ", or "are " for the items of a list.
  std::string_view allowed;
  bool (*accepts)(std::string_view text);
};

extern const TextRule kTcpEndpoint;    // 127.0.0.1:8080, [::1]:8080; *:8080, :8080: every address
extern const TextRule kAdminEndpoint;  // As above, or unix:/path
extern const TextRule kSocketPath;     // Empty, or absolute and short enough for sockaddr_un
extern const TextRule kFilePath;       // Empty, or absolute
extern const TextRule kNatsServers;    // nats://host:4222, tls://[::1]:4222
extern const TextRule kNatsName;       // A name that NATS takes in all places.
extern const TextRule kFileMode;       // 0660
extern const TextRule kAccount;        // Name or number of a user or group; may be empty
extern const TextRule kAccounts;       // The same, not empty
extern const TextRule kHosts;    // A name or an address as it stands in a Host header, without port
extern const TextRule kOrigins;  // RFC 6454, section 6.2: scheme://host[:port]
extern const TextRule kAddressRanges;      // core/text/ip_address.h
extern const TextRule kCongestionControl;  // Empty, or a name as TCP_CONGESTION takes it
extern const TextRule kPattern;            // core/topic.h
extern const TextRule kMemoryMax;          // off, a percentage, or bytes: config/memory_max.h
extern const TextRule kAffinity;           // off, auto, or core/text/cpu_list.h

}  // namespace crier::config
