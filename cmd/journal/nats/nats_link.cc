#include "cmd/journal/nats/nats_link.h"

#include <algorithm>
#include <utility>

#include "cmd/system/drawn.h"
#include "core/check.h"
#include "core/text/decimal.h"

namespace crier::cmd {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kRequestMs = 2'000;
constexpr std::chrono::milliseconds kSuspicionPause =
    200ms;  // A new leader may not know the newest message at once.
constexpr std::chrono::milliseconds kAwayPause = 500ms;
// More than a server sends without an answer of this node, and all that libnats can count.
constexpr int kPendingMax = 2'000'000;

NatsFate fate_of(std::uint32_t error) {
  switch (error) {
    case JSInsufficientResourcesErr:
    case JSMemoryResourcesExceededErr:
    case JSStorageResourcesExceededErr:
    case JSStreamLimitsErr:
    case JSStreamStoreFailedErr:
      return NatsFate::no_space;
    default:
      return NatsFate::unsent;
  }
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

}  // namespace

// --- what libnats calls, on its threads ---

struct NatsLink::Callbacks {
  static NatsLink& of(void* closure) { return *static_cast<NatsLink*>(closure); }
  static void answer(natsConnection*, natsSubscription*, natsMsg* raw, void* closure) {
    const NatsMessageHandle message(raw);
    of(closure).on_answer(raw);
  }
  static void message(natsConnection*, natsSubscription*, natsMsg* raw, void* closure) {
    of(closure).on_message(NatsMessageHandle(raw));
  }
  static void ended(void* closure) {
    NatsLink& link = of(closure);
    const std::unique_lock lock(link.mutex_);
    --link.calling_;
    link.changed_.notify_all();
  }
  static void disconnected(natsConnection*, void* closure) {
    of(closure).on_connection(false, false);
  }
  static void reconnected(natsConnection*, void* closure) {
    of(closure).on_connection(true, false);
  }
  static void closed(natsConnection*, void* closure) {
    of(closure).on_connection(false, true);
    ended(closure);
  }
  // A missed heartbeat, or an error of the server: a look at the stream tells what it means.
  static void error(natsConnection*, natsSubscription*, natsStatus, void* closure) {
    of(closure).check_soon();
  }
};

void NatsLink::on_connection(bool connected, bool closed) {
  const std::unique_lock lock(mutex_);
  connected_ = connected;
  may_send_ = false;
  connection_looks_ = ++looks_wanted_;
  consumer_name_.clear();
  if (!connected) inbox_.put(NatsReach{.why = "the connection to NATS is broken"});
  closed_ = closed_ || closed;
  check_now_ = true;
  changed_.notify_all();
}

void NatsLink::on_message(NatsMessageHandle message) {
  jsMsgMetaData* metadata = nullptr;
  if (nats().natsMsg_GetMetaData(&metadata, message.get()) != NATS_OK) return;
  NatsArrival arrival{.message = std::move(message),
                      .sequence = metadata->Sequence.Stream,
                      .time_ns = metadata->Timestamp};
  const std::string consumer = metadata->Consumer;
  nats().jsMsgMetaData_Destroy(metadata);
  if (take_arrival(arrival, consumer)) inbox_.put_message(std::move(arrival));
}

// Waits for a look at the stream if the consumer is another one than before: a stream that was
// replaced has none of the old ones.
bool NatsLink::take_arrival(const NatsArrival& arrival, std::string_view consumer) {
  std::unique_lock lock(mutex_);
  while (consumer_name_ != consumer) {
    consumer_name_ = consumer;
    const std::uint64_t look = ++looks_wanted_;
    check_now_ = true;
    changed_.notify_all();
    changed_.wait(
        lock, [&] { return stop_ || closed_ || looks_good_ >= look || consumer_name_.empty(); });
    if (stop_ || closed_) return false;
  }
  if (arrival.sequence <= arrived_.sequence) return false;
  arrived_ = {arrival.sequence, arrival.time_ns};
  return true;
}

void NatsLink::on_answer(natsMsg* message) {
  std::string_view subject = nats().natsMsg_GetSubject(message);
  if (!subject.starts_with(answers_ + '.')) return;
  subject.remove_prefix(answers_.size() + 1);
  const std::size_t dot = subject.find('.');
  if (dot == std::string_view::npos) return;
  const auto group = parse_decimal<std::uint64_t>(subject.substr(0, dot));
  const auto index = parse_decimal<std::uint32_t>(subject.substr(dot + 1));
  if (!group || !index) return;
  NatsFateOf fate{*group, *index};
  if (const PublishAnswer answer = parse_publish_answer(data_of(message)); answer.sequence > 0) {
    fate.sequence = answer.sequence;
    fate.fate = answer.duplicate ? NatsFate::repeated : NatsFate::stored;
  } else {
    fate.fate = fate_of(answer.error);
  }
  inbox_.put(fate);
}

// --- open and close ---

NatsLink::NatsLink(const NatsJournalOptions& options, NatsInbox& inbox)
    : options_(options),
      inbox_(inbox),
      answers_(std::string("_INBOX.").append(Epoch::from_random(drawn<std::uint64_t>()).view())) {}

Result<std::unique_ptr<NatsLink>> NatsLink::open(const NatsJournalOptions& options,
                                                 NatsInbox& inbox) {
  if (auto loaded = load_nats(); !loaded) return std::unexpected(loaded.error());
  std::unique_ptr<NatsLink> link(new NatsLink(options, inbox));
  if (auto connected = link->connect(); !connected) return std::unexpected(connected.error());
  if (auto opened = link->open_stream(); !opened) return std::unexpected(opened.error());
  return link;
}

NatsLink::~NatsLink() {
  inbox_.close();
  {
    const std::unique_lock lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  if (sender_.joinable()) sender_.join();
  disconnect();
}

Result<void> NatsLink::connect() {
  natsOptions* raw = nullptr;
  natsStatus status = nats().natsOptions_Create(&raw);
  const NatsOptionsHandle owner(raw);
  std::vector<const char*> servers;
  for (const std::string& server : options_.servers) servers.push_back(server.c_str());
  const auto also = [&status](natsStatus next) {
    if (status == NATS_OK) status = next;
  };
  also(nats().natsOptions_SetServers(raw, servers.data(), static_cast<int>(servers.size())));
  also(nats().natsOptions_SetName(raw, "crier"));
  also(nats().natsOptions_SetTimeout(raw, kRequestMs));
  also(nats().natsOptions_SetMaxReconnect(raw, -1));
  also(nats().natsOptions_SetReconnectWait(raw, 200));
  also(nats().natsOptions_SetReconnectJitter(raw, 100, 100));
  // What waits for a connection is not sent later. 0 would mean 8 MB to newer versions of libnats.
  also(nats().natsOptions_SetReconnectBufSize(raw, 1));
  also(nats().natsOptions_SetPingInterval(raw, 2'000));
  also(nats().natsOptions_SetMaxPingsOut(raw, 2));
  also(nats().natsOptions_SetWriteDeadline(raw, kRequestMs));
  also(nats().natsOptions_SetMaxPendingMsgs(raw, kPendingMax));
  also(nats().natsOptions_SetFailRequestsOnDisconnect(raw, true));
  also(nats().natsOptions_SetSendAsap(raw, true));
  also(nats().natsOptions_SetErrorHandler(raw, Callbacks::error, this));
  also(nats().natsOptions_SetDisconnectedCB(raw, Callbacks::disconnected, this));
  also(nats().natsOptions_SetReconnectedCB(raw, Callbacks::reconnected, this));
  also(nats().natsOptions_SetClosedCB(raw, Callbacks::closed, this));
  if (!options_.credentials_file.empty()) {
    also(nats().natsOptions_SetUserCredentialsFromFiles(raw, options_.credentials_file.c_str(),
                                                        nullptr));
  }
  if (!options_.ca_file.empty()) {
    also(nats().natsOptions_SetSecure(raw, true));
    also(nats().natsOptions_LoadCATrustedCertificates(raw, options_.ca_file.c_str()));
  }
  if (!options_.certificate_file.empty()) {
    also(nats().natsOptions_LoadCertificatesChain(raw, options_.certificate_file.c_str(),
                                                  options_.key_file.c_str()));
  }
  if (status != NATS_OK) return nats_error("Cannot use the settings of nats.*", status);
  {
    const std::unique_lock lock(mutex_);
    closed_ = false;
  }
  status = nats().natsConnection_Connect(&connection_, raw);
  if (status != NATS_OK) {
    connection_ = nullptr;
    return nats_error("Cannot connect to NATS at " + joined(options_.servers), status);
  }
  {
    const std::unique_lock lock(mutex_);
    connection_looks_ = ++looks_wanted_;
    consumer_name_.clear();
    ++calling_;  // Until Callbacks::closed().
  }
  natsSubscription* subscription = nullptr;
  status = nats().natsConnection_Subscribe(&subscription, connection_, (answers_ + ".>").c_str(),
                                           Callbacks::answer, this);
  if (status != NATS_OK) return nats_error("Cannot listen for answers of NATS", status);
  answer_subscription_.reset(subscription);
  if (nats().natsSubscription_SetOnCompleteCB(subscription, Callbacks::ended, this) == NATS_OK) {
    const std::unique_lock lock(mutex_);
    ++calling_;
  }
  connected_ = true;
  return {};
}

// Returns when libnats does not call any more.
void NatsLink::disconnect() {
  if (connection_ == nullptr) return;
  nats().natsConnection_Close(connection_);
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return calling_ == 0; });
  }
  consumer_.reset();
  context_.reset();
  answer_subscription_.reset();
  nats().natsConnection_Destroy(std::exchange(connection_, nullptr));
}

// --- reading ---

Result<void> NatsLink::consume(std::uint64_t sequence) {
  jsCtx* context = nullptr;
  natsStatus status = nats().natsConnection_JetStream(&context, connection_, nullptr);
  if (status != NATS_OK) return nats_error("Cannot read the stream", status);
  context_.reset(context);
  jsSubOptions how;
  nats().jsSubOptions_Init(&how);
  how.Stream = options_.stream.name.c_str();
  how.Ordered = true;
  how.Config.DeliverPolicy = js_DeliverByStartSequence;
  how.Config.OptStartSeq = sequence;
  how.Config.Heartbeat = 1'000'000'000;
  natsSubscription* subscription = nullptr;
  {
    const std::unique_lock lock(mutex_);
    if (arrived_.sequence < sequence - 1) arrived_ = {sequence - 1, 0};
  }
  status = nats().js_Subscribe(&subscription, context, (options_.stream.prefix + ".>").c_str(),
                               Callbacks::message, this, nullptr, &how, nullptr);
  if (status != NATS_OK) return nats_error("Cannot read the stream", status);
  consumer_.reset(subscription);
  if (nats().natsSubscription_SetOnCompleteCB(subscription, Callbacks::ended, this) == NATS_OK) {
    const std::unique_lock lock(mutex_);
    ++calling_;
  }
  if (!sender_.joinable()) sender_ = std::thread([this] { run_sender(); });
  return {};
}

// --- the sender ---

std::string NatsLink::reply_subject(std::uint64_t group, std::uint32_t index) const {
  return answers_ + '.' + std::to_string(group) + '.' + std::to_string(index);
}

void NatsLink::send(std::vector<NatsSend> events) {
  const std::unique_lock lock(mutex_);
  for (NatsSend& event : events) sends_.push_back(std::move(event));
  changed_.notify_all();
}

void NatsLink::compare(const NatsCompare& compare) {
  const std::unique_lock lock(mutex_);
  compares_.push_back(compare);
  changed_.notify_all();
}

void NatsLink::check_soon() {
  const std::unique_lock lock(mutex_);
  check_now_ = true;
  changed_.notify_all();
}

void NatsLink::doubt(std::string why) {
  {
    const std::unique_lock lock(mutex_);
    doubt_ = std::move(why);
  }
  check_soon();
}

void NatsLink::run_sender() {
  Clock::time_point next_check = Clock::now() + std::chrono::milliseconds(options_.check_ms);
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, next_check, [this] {
      return stop_ || !sends_.empty() || !compares_.empty() || check_now_ || closed_;
    });
    if (stop_) return;
    const bool closed = closed_;
    const bool asked = std::exchange(check_now_, false);
    auto sends = std::exchange(sends_, {});
    const auto compares = std::exchange(compares_, {});
    lock.unlock();
    for (NatsSend& event : sends) send_now(std::move(event));
    std::vector<NatsFateOf> compared;
    for (const NatsCompare& each : compares) compared.push_back(compare_now(each));
    if (!closed && !asked && compared.empty() && Clock::now() < next_check) continue;
    bool same = false;
    if (closed) {
      reconnect();
    } else if (connected_ && !lost_) {
      same = check();
    }
    // What a stream says that was replaced is no answer to this node's publishers.
    for (NatsFateOf& fate : compared) {
      if (!same) fate.fate = NatsFate::unsent;
      inbox_.put(fate);
    }
    next_check = Clock::now() + (suspicions_ > 0 ? kSuspicionPause
                                 : !reachable_   ? kAwayPause
                                                 : std::chrono::milliseconds(options_.check_ms));
  }
}

void NatsLink::send_now(NatsSend event) {
  if (may_send_ && event.group >= first_group_ &&
      nats().natsConnection_PublishMsg(connection_, event.message.get()) == NATS_OK) {
    return;
  }
  inbox_.put(NatsFateOf{event.group, event.index, NatsFate::unsent, 0});
}

NatsFateOf NatsLink::compare_now(const NatsCompare& compare) {
  NatsFateOf fate{compare.group, compare.index, NatsFate::unsent, compare.sequence};
  const StoredMessage found = stored_message(compare.sequence);
  if (found.status == NATS_OK) {
    const auto read = read_message(options_.stream.prefix, found.message.get());
    const NatsKeyPart key = read ? read->key : NatsKeyPart{};
    if (key.count == 0 || key.key != compare.key.key || key.place != compare.key.place) {
      fate.fate = NatsFate::forgotten;  // That is another event.
    } else {
      const bool same = key.content == compare.key.content && key.count == compare.key.count;
      fate.fate = same ? NatsFate::known : NatsFate::conflict;
    }
  } else if (found.removed) {
    fate.fate = NatsFate::forgotten;
  }
  return fate;
}

// libnats has given up, because the server refused this node twice, for example.
void NatsLink::reconnect() {
  disconnect();
  inbox_.put(NatsReach{.why = "NATS refuses this node"});
  if (auto connected = connect(); connected) {
    if (consume(arrived().sequence + 1)) {
      check();
      return;
    }
  }
  std::unique_lock lock(mutex_);
  closed_ = true;
  changed_.wait_for(lock, kAwayPause, [this] { return stop_; });
}

}  // namespace crier::cmd
