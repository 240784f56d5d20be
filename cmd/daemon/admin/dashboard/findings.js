// What an operator should look at, worst first: one sentence each, the section that shows more, and
// the section of deploy/runbook.md that says what to do. Thresholds are those of the alerts in
// deploy/prometheus, over seconds instead of minutes.

import * as text from './text.js';
import { kWindowSeconds, sum } from './samples.js';

const kNear = 0.9;
const kSlowSeconds = 0.5;
const kLaggingSeconds = 10;
const kHistorySeconds = 60;
const kHistoryBound = 'history.bytes_max';

// Refusals by a limit. The others are for requests that are wrong.
const kRefusedByLimit = new Set([
  'streams_max', 'streams_per_topic_max', 'class_streams_max', 'topics_max', 'patterns_max',
  'memory', 'pending_full', 'no_descriptors', 'streams_per_address_max', 'requests_per_address',
  'breaker', 'breaker_at_accept',
]);
const kEndedByCrier = new Set(['overflow', 'stalled', 'input_flood', 'memory', 'no_memory']);
const kLost = new Set(['overflow', 'evicted']);

const kAlerts = {
  'limits.streams_max': 'CrierStreamsNearMax', 'limits.memory_max': 'CrierMemoryHigh',
  'http.backlog': 'CrierAcceptQueueLong', LimitNOFILE: 'CrierDescriptorsNearMax',
};

function only(map, reasons) {
  return Object.fromEntries(Object.entries(map).filter(([reason]) => reasons.has(reason)));
}

// What clients met with in the last minute because of a limit: by kind, numbers by reason.
export function lossesOf(history) {
  return {
    refused: only(history.lastMinute('refused'), kRefusedByLimit),
    ended: only(history.lastMinute('ended'), kEndedByCrier),
    gaps: only(history.lastMinute('gaps'), kLost),
  };
}

function* losses(history) {
  const kinds = {
    refused: ['clients were refused', 'CrierSubscribersRefused'],
    ended: ['streams were cut off', 'CrierSlowConsumers'],
    gaps: ['gaps were announced', 'CrierClientsLoseEvents'],
  };
  for (const [kind, found] of Object.entries(lossesOf(history))) {
    if (sum(found) === 0) continue;
    const [what, alert] = kinds[kind];
    yield ['bad', `#${kind}`, `In the last minute ${text.count(sum(found))} ${what}: ` +
           `${text.reasons(found)}.`, alert];
  }
}

// A history that is full is as it should be, unless it is short.
function* shortHistory({ history_oldest_age_seconds: age, uptime_seconds: uptime }) {
  if (!(age < kHistorySeconds) || uptime < kHistorySeconds) return;
  yield ['warn', '#bounds', `The history is full, and reaches back ${text.duration(age)} only.`,
         'CrierHistoryShort'];
}

function* bounds({ latest }) {
  for (const { knob, now, max } of latest.limits ?? []) {
    if (now < kNear * max) continue;
    if (knob === kHistoryBound) {
      yield* shortHistory(latest.figures);
      continue;
    }
    const level = now >= max ? 'bad' : 'warn';
    yield [level, '#bounds', `${text.percent(now / max)} of ${knob} is used.`, kAlerts[knob]];
  }
}

function* slowness(history) {
  const p99 = history.quantile('stream_latency', 0.99);
  if (p99 > kSlowSeconds) {
    yield ['warn', '#latency', `One delivery in a hundred takes more than ${text.latency(p99)}.`,
           'CrierDeliverySlow'];
  }
  for (const [i, { worker }] of (history.latest.workers ?? []).entries()) {
    const busy = history.rate((sample) => sample.workers[i]?.busy_seconds);
    if (!(busy > kNear)) continue;
    yield ['warn', '#workers', `Worker ${worker} is busy ${text.percent(busy)} of its time.`,
           'CrierWorkerBusy'];
  }
  const ages = (history.latest.lagging ?? []).map((stream) => stream.age_seconds);
  const oldest = Math.max(...ages);
  if (oldest > kLaggingSeconds) {
    const { topic, from } = history.latest.lagging[ages.indexOf(oldest)];
    yield ['warn', '#lagging',
           `A stream of ${topic} to ${from} is ${text.duration(oldest)} behind.`,
           'CrierSlowConsumers'];
  }
}

function* configuration({ latest }) {
  if (latest.figures.reload_successful === 0) {
    yield ['warn', '#pages', 'The last reload was refused: the log says why.',
           'CrierReloadFailed'];
  }
  if (latest.figures.pending_settings > 0) {
    yield ['note', '#pages',
           `Settings that wait for a restart: ${text.count(latest.figures.pending_settings)}.`,
           'CrierRestartNeeded'];
  }
  const below = latest.kernel?.length ?? 0;
  if (below > 0) {
    yield ['note', '#kernel', `Kernel settings that are not as wanted: ${below}.`,
           'CrierKernelBelow'];
  }
}

function* restarts({ restartedAt, latest }) {
  if (restartedAt === null || latest.time - restartedAt > kWindowSeconds) return;
  yield ['note', '#traffic', `crier restarted at ${text.clock(restartedAt)}: counters began anew.`,
         'CrierRestarts'];
}

const kSources = [losses, bounds, slowness, configuration, restarts];
const kOrder = ['bad', 'warn', 'note'];

// Requires: the history has a sample.
export function findingsOf(history) {
  const found = kSources.flatMap((source) => [...source(history)]);
  return found
    .map(([level, where, sentence, alert]) => ({ level, where, sentence, alert }))
    .sort((a, b) => kOrder.indexOf(a.level) - kOrder.indexOf(b.level));
}
