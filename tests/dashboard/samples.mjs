// Samples as bad as can be: everything is wrong, every table has rows, and names are hostile.

export const kHostile = [
  '<img src=x onerror=alert(1)>',
  '</script><script>alert(2)</script>',
  'a'.repeat(255),
  'عملاء.طلبات.جديدة',
  '\u202etxt.exe\u202c',
];

const kReasons = Object.fromEntries(
  ['overflow', 'streams_max', ...kHostile].map((name, i) => [name, i + 1]));
const kBounds = [0.001, 0.01, 0.1, 1];

function histogram(n) {
  return { le: kBounds, counts: [n, 2 * n, 3 * n, 4 * n, n], sum: n };
}

function times(map, n) {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, value * n]));
}

// A page of /debug/trace.
export const hostileTraces = {
  every: 1e9,
  traces: kHostile.map((topic, i) => ({
    trace_id: kHostile[0], topic, event_id: `${i}`, accepted_unix_seconds: 1_800_000_000,
    received_ns: -1e4 * i, committed_ns: 1e5 * i, complete: i === 1,
    workers: Array.from({ length: 5 * i }, (_, worker) => ({
      worker, handed_ns: 2e6 * i, taken_ns: worker === 0 ? null : 1e9 * i, streams: 1e9,
      first_write_ns: worker < 2 ? null : 1e9 * i + worker,
      last_write_ns: worker < 2 ? null : 2e9 * worker,
    })),
  })),
};

// The n-th of a life that began at `start`.
export function hostileSample(n, start = 1_800_000_000) {
  return {
    time: start + n, start, ready: false, ready_detail: kHostile[0], tail: true, publish: true,
    figures: {
      version: kHostile[1], uptime_seconds: n, streams: 100, streams_max: 100,
      reload_successful: 0, pending_settings: 2, events_published: 1e9 * n,
      events_delivered: 1e12 * n, memory_bytes: 1e9,
    },
    histograms: Object.fromEntries(['stream_latency', 'publish_latency', 'open', 'resume', 'lag']
      .map((name) => [name, histogram(n)])),
    memory: { streams: 6400, [kHostile[0]]: 1e6 }, memory_per_stream: 64,
    workers: [1, 2, 3].map((i) => ({
      worker: String(i), streams: 1e6, delivered: 1e9 * n, bytes: 1e12 * n, turns: 1e6 * n,
      busy_seconds: n * i / 3,
    })),
    ended: times(kReasons, n), refused: times(kReasons, n), gaps: times(kReasons, n),
    topics: kHostile.map((topic) => ({
      topic, events_per_second: 1e6 * n, streams: 1e6, deliveries_per_second: 1e12 * n,
    })),
    lagging: kHostile.map((topic, i) => ({
      worker: i, trace_id: 'f'.repeat(32), topic, topics: i + 1,
      address: '[2001:db8:85a3:8d3:1319:8a2e:370:7348]:65535',
      lag_events: 1e6, owed_bytes: 1e9, lag_seconds: 1e5,
    })),
    kernel: kHostile.map((setting) => ({
      setting, now: '185511 247350 371022', wanted: '371022 494700 742044',
      command: `sysctl -w net.ipv4.tcp_mem="371022 494700 742044" # ${setting}`,
    })),
    limits: kHostile.map((knob, i) => ({ knob, now: i, max: 4, reached: 1e9 })),
  };
}
