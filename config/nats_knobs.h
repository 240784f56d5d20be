// The rows of the section `nats`, for knobs.cc alone, which has no room for them.
#pragma once

#include <array>

#include "config/knob.h"

namespace crier::config {

inline constexpr std::array kNatsKnobs{
    list<&Config::nats, &Nats::servers>(
        "nats.servers", kNatsServers, Applies::restart,
        "NATS servers to connect to, like nats://10.0.0.1:4222 or tls://nats.example:4222; any of "
        "a cluster. Needed if journal.kind is nats."),
    text<&Config::nats, &Nats::stream>(
        "nats.stream", kNatsName, Applies::restart,
        "Name of the JetStream stream. The first node makes it; nodes with the same stream have "
        "the same events and ids."),
    text<&Config::nats, &Nats::prefix>(
        "nats.prefix", kNatsName, Applies::restart,
        "First token of the stream's subjects: an event of the topic orders.eu has the subject "
        "crier.orders.eu. The same on all nodes."),
    number<&Config::nats, &Nats::replicas>("nats.replicas", {1, 5}, Applies::restart,
                                           "Servers that keep the stream, when crier makes it."),
    text<&Config::nats, &Nats::credentials>(
        "nats.credentials", kFilePath, Applies::restart,
        "File with a NATS user's credentials (.creds). Empty: none."),
    text<&Config::nats, &Nats::ca>(
        "nats.ca", kFilePath, Applies::restart,
        "File with the certificates that servers' certificates must be signed by. It turns TLS "
        "on. Empty: none."),
    text<&Config::nats, &Nats::certificate>(
        "nats.certificate", kFilePath, Applies::restart,
        "File with this node's certificate, for servers that ask for one. Empty: none."),
    text<&Config::nats, &Nats::key>("nats.key", kFilePath, Applies::restart,
                                    "File with the key of nats.certificate."),
};

}  // namespace crier::config
