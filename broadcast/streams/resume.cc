#include "broadcast/streams/resume.h"

namespace crier::broadcast {

ResumePlan plan_resume(std::string_view id, const Epoch& epoch, std::uint64_t head,
                       bool other_nodes) {
  ResumePlan plan;
  plan.after = head;
  if (id.empty()) return plan;
  const auto parsed = parse_event_id(id);
  if (!parsed || (parsed->epoch == epoch && parsed->sequence > head && !other_nodes)) {
    plan.kind = ResumePlan::Kind::unknown_id;
    return plan;
  }
  plan.id = id;
  if (parsed->epoch != epoch) {
    plan.kind = ResumePlan::Kind::replay;
    plan.from = ReplayFrom::restarted;
    plan.after = 0;
  } else if (parsed->sequence != head) {
    plan.kind = ResumePlan::Kind::replay;
    plan.after = parsed->sequence;
  }
  return plan;
}

}  // namespace crier::broadcast
