#include "cmd/cli/commands.h"

#include <optional>
#include <string>

#include "cmd/cli/report.h"
#include "cmd/daemon/daemon.h"
#include "cmd/daemon/preflight.h"
#include "cmd/system/activation.h"
#include "cmd/system/journal_path.h"
#include "cmd/system/machine.h"
#include "cmd/system/socket_path.h"

namespace crier::cmd {

namespace {

// A path that is not set is set to the default one, whose directory crier makes.
Result<void> name_journal(config::Journal& journal) {
  if (journal.kind != config::JournalKind::sqlite || !journal.path.empty()) return {};
  journal.path = default_journal_path();
  if (journal.path.empty()) return fail(Errc::os, "there is no $HOME: set journal.path");
  return make_journal_directory(journal.path);
}

}  // namespace

int serve(const Arguments& arguments) {
  std::optional<std::string> file;
  if (arguments.has("--config")) file = arguments.text("--config");
  const std::vector<std::string> overrides = arguments.texts("--set");
  auto activation = Activation::take();
  if (!activation) return failed(arguments, activation.error().detail);
  auto checked = preflight(file, overrides, this_machine(), activation->workers());
  if (!checked) return refused(checked.error());
  if (checked->config.publish.socket.empty()) {
    checked->config.publish.socket = default_publish_socket();
  }
  if (const auto named = name_journal(checked->config.journal); !named) {
    return failed(arguments, named.error().detail);
  }
  activation->name_addresses(checked->config);
  if (const auto shared = activation->share_out(checked->workers); !shared) {
    return failed(arguments, shared.error().detail);
  }
  if (const auto note = activation->steering_note(checked->config); !note.empty()) {
    checked->warnings.push_back(note);
  }
  auto daemon = Daemon::start({std::move(*checked), file, overrides, std::move(*activation)});
  if (!daemon) {
    const int code = failed(arguments, daemon.error().detail);
    return daemon.error().code == Errc::invalid_config ? kExitMisconfigured : code;
  }
  // SIGTERM drains, a second one ends at once, SIGHUP reloads.
  if ((*daemon)->run_until_stopped()) return kExitOk;
  return failed(arguments, "the journal has to be read again: start crier anew");
}

}  // namespace crier::cmd
