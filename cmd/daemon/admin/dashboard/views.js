// The plots and tables of the page: which there are, and what each shows of the history.

import { drawHeat, drawLines, drawStack } from './plots.js';
import { quantilePlace, valueAt } from './samples.js';
import { Table } from './tables.js';
import * as text from './text.js';

const kCounts = { show: text.short, base: 10 };
const kBytes = { show: text.bytes, base: 1024 };
const kSeconds = { show: text.latency, base: 10 };

function plain(section, title, name, unit, value) {
  const lines = [{ name, value }];
  return { section, title, draw: drawLines, model: () => ({ unit, lines }) };
}

function quantileLine(name, histogram, bounds, q) {
  const place = ({ buckets }) => buckets[histogram] && quantilePlace(buckets[histogram], q);
  return { name, place, value: (entry) => valueAt(bounds, place(entry) ?? null) };
}

function distribution(title, histogram, unit) {
  const model = ({ latest }) => {
    const bounds = latest.histograms?.[histogram]?.le;
    return bounds && {
      unit, bounds,
      counts: ({ buckets }) => buckets[histogram] ?? null,
      lines: [quantileLine('p50', histogram, bounds, 0.5),
              quantileLine('p99', histogram, bounds, 0.99)],
    };
  };
  return { section: 'latency', title, draw: drawHeat, model };
}

function memoryParts({ latest }) {
  const parts = Object.keys(latest.memory ?? {});
  const lines = parts.map((part) => ({ name: part, value: ({ memory }) => memory[part] ?? 0 }));
  return parts.length > 0 ? { unit: kBytes, lines } : undefined;
}

// A model is undefined where crier does not tell what the plot needs: the plot is left out.
const kPlots = [
  plain('traffic', 'Streams', 'open', kCounts, (entry) => entry.streams),
  plain('traffic', 'Events published per second', 'published', kCounts, (entry) => entry.published),
  plain('traffic', 'Events delivered per second', 'delivered', kCounts, (entry) => entry.delivered),
  distribution('Delivery: from publish to the kernel', 'stream_latency', kSeconds),
  distribution('Lag: events that wait for a stream', 'lag', kCounts),
  distribution('Lag: age of the oldest event that waits', 'lag_age', kSeconds),
  distribution('Publish: from request to answer', 'publish_latency', kSeconds),
  distribution('Open: from request to stream', 'open', kSeconds),
  distribution('Resume: until a stream has caught up', 'resume', kSeconds),
  { section: 'memory', title: 'Memory by part', draw: drawStack, model: memoryParts },
  plain('memory', 'Memory per stream', 'a stream', kBytes, (entry) => entry.memoryPerStream),
];

class Plot {
  #definition;
  #figure;
  #canvas;
  #table;

  constructor(definition) {
    this.#definition = definition;
    const figure = document.querySelector('#plot').content.firstElementChild.cloneNode(true);
    figure.querySelector('figcaption').textContent = definition.title;
    this.#figure = figure;
    this.#canvas = figure.querySelector('canvas');
    this.#canvas.setAttribute('aria-label',
                              `${definition.title}: the last five minutes. A table follows.`);
    this.#table = new Table(figure.querySelector('tbody'), [
      ({ name, swatch }) => ({ text: name, swatch }), ({ now }) => now, ({ highest }) => highest,
    ]);
    document.querySelector(`#${definition.section} .plots`).append(figure);
  }

  show(history) {
    const { draw, model } = this.#definition;
    const shown = model(history);
    this.#figure.hidden = shown === undefined;
    if (!shown) return;
    draw(this.#canvas, history.entries, shown);
    const kind = draw === drawHeat ? 'over' : 'series';
    this.#table.show(shown.lines.map(({ name, value }, i) => {
      const values = history.entries.map(value).filter((each) => each !== null);
      const show = (each) => (values.length > 0 ? shown.unit.show(each) : '–');
      return {
        name, swatch: `${kind}-${i + 1}`,
        now: show(value(history.entries.at(-1))), highest: show(Math.max(...values)),
      };
    }));
  }
}

function workerRows(history) {
  const rate = (i, key) => history.rate(({ workers }) => workers?.[i]?.[key]);
  return (history.latest.workers ?? []).map(({ worker, streams }, i) => ({
    worker, streams,
    delivered: rate(i, 'delivered'), bytes: rate(i, 'bytes'), turns: rate(i, 'turns'),
    busy: rate(i, 'busy_seconds'),
  }));
}

function reasonRows(kind) {
  return (history) => Object.entries(history.since[kind])
    .map(([reason, since]) => ({
      reason, since, rate: history.rate((sample) => sample[kind]?.[reason] ?? 0),
    }))
    .sort((a, b) => b.since - a.since);
}

const kReasonColumns = [
  ({ reason }) => reason, ({ since }) => text.count(since), ({ rate }) => text.short(rate),
];

function laggingName({ topic, topics, address, worker, trace_id: trace }) {
  const more = topics > 1 ? ` and ${topics - 1} more` : '';
  return `${topic}${more}\n${address || 'address unknown'}, worker ${worker}\n${trace}`;
}

function nearestBounds({ latest }) {
  const share = ({ now, max }) => (max > 0 ? now / max : 0);
  return (latest.limits ?? [])
    .map((limit) => ({ ...limit, share: share(limit) }))
    .sort((a, b) => b.share - a.share);
}

// Each table: its body, its columns, its rows.
const kTables = [
  ['#workers tbody', [
    ({ worker }) => worker,
    ({ streams }) => text.count(streams),
    ({ delivered }) => text.short(delivered),
    ({ bytes }) => text.bytes(bytes),
    ({ turns }) => text.short(turns),
    ({ busy }) => ({ text: text.percent(busy), share: busy ?? 0 }),
  ], workerRows],
  ['#ended tbody', kReasonColumns, reasonRows('ended')],
  ['#refused tbody', kReasonColumns, reasonRows('refused')],
  ['#gaps tbody', kReasonColumns, reasonRows('gaps')],
  ['#bounds tbody', [
    ({ knob }) => knob,
    ({ knob, now, max }) => {
      const show = /bytes|memory/.test(knob) ? text.bytes : text.count;
      return `${show(now)} of ${show(max)}`;
    },
    ({ share }) => ({ text: text.percent(share), share }),
    ({ reached }) => text.count(reached),
  ], nearestBounds],
  ['#topics tbody', [
    ({ topic }) => topic,
    ({ events_per_second: events }) => text.short(events),
    ({ deliveries_per_second: deliveries }) => text.short(deliveries),
    ({ streams }) => text.count(streams),
  ], ({ latest }) => latest.topics ?? []],
  ['#lagging tbody', [
    laggingName,
    ({ lag_events: events }) => text.count(events),
    ({ owed_bytes: bytes }) => text.bytes(bytes),
    ({ lag_seconds: lag }) => text.duration(lag),
  ], ({ latest }) => latest.lagging ?? []],
  ['#kernel tbody', [
    ({ setting, now, wanted }) => `${setting}\nnow ${now}\nwanted ${wanted}`,
    ({ command }) => ({ text: command, copy: true }),
  ], ({ latest }) => latest.kernel ?? []],
];

// Returns a function that shows a history, which must have a sample.
export function makeViews() {
  const plots = kPlots.map((definition) => new Plot(definition));
  const tables = kTables.map(([selector, columns, rows]) => {
    const table = new Table(document.querySelector(selector), columns);
    return (history) => table.show(rows(history));
  });
  return (history) => {
    for (const plot of plots) plot.show(history);
    for (const show of tables) show(history);
  };
}
