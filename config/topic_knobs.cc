// The table of the rows of `topics`: one row per key. To add one, add its member to TopicRow in
// config.h and its row here.
#include <array>

#include "config/knob.h"
#include "core/units.h"

namespace crier::config {
namespace {

using R = TopicRow;

constexpr std::array kTopicKnobs{
    text<&R::match>("match", kPattern, kTopicsApply,
                    "The topics this row is for: a topic or a pattern with * and >."),
    number<&R::events_max>(
        "events_max", {0, 1'000'000}, kTopicsApply,
        "Events retained of one of these topics, instead of history.events_max."),
    number<&R::bytes_max>("bytes_max", {0, 64 * kGiB}, kTopicsApply,
                          "Bytes of memory for the events retained of one of these topics, instead "
                          "of history.topic_bytes_max. Here 0 retains none."),
    number<&R::age_seconds_max>(
        "age_seconds_max", {1, 30 * 86'400}, kTopicsApply,
        "Seconds an event is retained, instead of history.age_seconds_max."),
    choice<&R::policy>("policy", kTopicsApply, "Instead of overflow.policy."),
    number<&R::rate>("rate", {0, 1'000'000}, kTopicsApply,
                     "Events per second to one stream, instead of limits.events_per_second."),
    number<&R::burst>("burst", {1, 1'000'000}, kTopicsApply, "Instead of limits.events_burst."),
    number<&R::bytes_rate>("bytes_rate", {0, 4 * kGiB}, kTopicsApply,
                           "Bytes per second to one stream, instead of limits.bytes_per_second."),
    number<&R::bytes_burst>("bytes_burst", {1, 1 * kGiB}, kTopicsApply,
                            "Instead of limits.bytes_burst."),
    flag<&R::subscribe>("subscribe", kTopicsApply,
                        "false: no client may subscribe to these topics."),
    number<&R::streams_max>(
        "streams_max", {0, 16'000'000}, kTopicsApply,
        "Open streams, all workers together, of which this row covers a topic or a pattern. 0: no "
        "cap."),
};

}  // namespace

std::span<const Knob<TopicRow>> topic_knobs() {
  return kTopicKnobs;
}

}  // namespace crier::config
