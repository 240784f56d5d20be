// The samples of /stats, and what follows from them: rates, quantiles, findings. No DOM.

export const kWindowSeconds = 300;
const kSamplesMax = 300;
const kRecentSeconds = 10;  // Rates in tables are averages over this time.

// What grew from one map of counters to the next.
function growth(now = {}, before = {}) {
  const grown = {};
  for (const [key, value] of Object.entries(now)) {
    const more = value - (before[key] ?? 0);
    if (more > 0) grown[key] = more;
  }
  return grown;
}

// Null where one of the two is unknown, or a counter began anew.
function growthRate(now, before, seconds) {
  return now >= before ? (now - before) / seconds : null;
}

function addTo(totals, more) {
  for (const [key, value] of Object.entries(more)) totals[key] = (totals[key] ?? 0) + value;
}

export function sum(map) {
  return Object.values(map).reduce((total, value) => total + value, 0);
}

// Values in each bucket between two samples; null without both.
function bucketGrowth(name, now, before) {
  const counts = now.histograms?.[name]?.counts;
  const earlier = before?.histograms?.[name]?.counts;
  if (!counts || counts.length !== earlier?.length) return null;
  return counts.map((count, i) => Math.max(0, count - earlier[i]));
}

// The q-quantile as a place in the buckets: 2.5 is the middle of the third. Null without values.
export function quantilePlace(counts, q) {
  const total = counts.reduce((a, b) => a + b, 0);
  if (total === 0) return null;
  let below = 0;
  for (const [i, inside] of counts.entries()) {
    if (inside > 0 && below + inside >= q * total) return i + (q * total - below) / inside;
    below += inside;
  }
  return counts.length;
}

// The value at a place. Beyond the last bound there is none larger than that bound.
export function valueAt(bounds, place) {
  if (place === null) return null;
  const i = Math.floor(place);
  if (i >= bounds.length) return bounds.at(-1);
  const lower = i === 0 ? 0 : bounds[i - 1];
  return lower + (bounds[i] - lower) * (place - i);
}

// The last five minutes. Counters are compared only within one life of the daemon: another `start`
// begins anew. Differences are divided by the time between samples, so skipped ones do no harm.
export class History {
  entries = [];  // Oldest first: what plots show of each sample.
  since = { ended: {}, refused: {}, gaps: {} };  // By reason, since the first sample.
  restartedAt = null;
  latest = null;
  #recent = [];  // Whole samples of this life, of the last ten seconds, in the order of time.

  add(sample) {
    const restarted = this.latest !== null && sample.start !== this.latest.start;
    const counted = restarted ? {} : this.latest;
    if (restarted) this.restartedAt = sample.start;
    if (restarted || sample.time <= this.latest?.time) this.#recent = [];
    const changes = {};
    for (const kind of Object.keys(this.since)) {
      changes[kind] = counted ? growth(sample[kind], counted[kind]) : {};
      addTo(this.since[kind], changes[kind]);
    }
    this.entries.push(this.#entryOf(sample, this.#recent.at(-1), changes, restarted));
    this.#recent.push(sample);
    this.latest = sample;
    this.#forget();
  }

  #entryOf(sample, before, changes, restarted) {
    const seconds = before ? sample.time - before.time : null;
    const rate = (key) => growthRate(sample.figures[key], before?.figures[key], seconds);
    const buckets = {};
    for (const name of Object.keys(sample.histograms ?? {})) {
      buckets[name] = bucketGrowth(name, sample, before);
    }
    return {
      time: sample.time, seconds, restarted, changes, buckets,
      streams: sample.figures.streams ?? null,
      published: rate('events_published'),
      delivered: rate('events_delivered'),
      memory: sample.memory ?? {},
      memoryPerStream: sample.memory_per_stream ?? null,
    };
  }

  #forget() {
    const now = this.latest.time;
    this.entries = this.entries.slice(-kSamplesMax)
      .filter(({ time }) => time > now - kWindowSeconds && time <= now);
    while (this.#recent.length > 2 && this.#recent[1].time <= now - kRecentSeconds) {
      this.#recent.shift();
    }
  }

  // The sample of about ten seconds ago to compare the latest with; null at the start of a life.
  get earlier() {
    return this.#recent.length > 1 ? this.#recent[0] : null;
  }

  // The growth of a number a second, over the last ten seconds. Null where it is unknown.
  rate(pick) {
    const { latest, earlier } = this;
    return earlier && growthRate(pick(latest), pick(earlier), latest.time - earlier.time);
  }

  // A quantile of a histogram over the last ten seconds.
  quantile(name, q) {
    const counts = bucketGrowth(name, this.latest, this.earlier);
    return counts && valueAt(this.latest.histograms[name].le, quantilePlace(counts, q));
  }

  // What grew in the last minute, by reason.
  lastMinute(kind) {
    const total = {};
    for (const entry of this.entries) {
      if (entry.time > this.latest.time - 60) addTo(total, entry.changes[kind]);
    }
    return total;
  }
}
