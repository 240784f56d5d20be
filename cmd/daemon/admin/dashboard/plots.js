// Plots of the last five minutes on canvases: lines, stacked areas, heat maps. Each draws what it
// is given and keeps nothing, so it may be drawn anew at any time, in any size and colours.

import { kWindowSeconds } from './samples.js';

const kHeight = 132;
const kLeft = 52;
const kBottom = 16;
const kTop = 8;
const kBreakSeconds = 5;  // Without a sample for as long, a line is broken.

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
}

// The least of 1, 2, 5, 10, 20 … that holds the value; of bytes, times a power of 1024.
function roundUp(value, base) {
  const unit = base === 1024 ? 1024 ** Math.max(0, Math.floor(Math.log2(value) / 10)) : 1;
  const power = 10 ** Math.floor(Math.log10(value / unit));
  const step = [1, 2, 5, 10].find((each) => each * power >= value / unit * 0.999_999);
  return step * power * unit;
}

// A canvas with its axes: time from left to right, `rows` upwards from 0.
class Frame {
  constructor(canvas, end, rows) {
    const scale = window.devicePixelRatio || 1;
    this.width = canvas.clientWidth;
    const [width, height] = [Math.round(this.width * scale), Math.round(kHeight * scale)];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    this.context = canvas.getContext('2d');
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
    this.context.clearRect(0, 0, this.width, kHeight);
    this.context.font = '11px system-ui, sans-serif';
    this.end = end;
    this.rows = rows;
  }

  x(time) {
    return this.width - (this.end - time) / kWindowSeconds * (this.width - kLeft) - 1;
  }

  y(value) {
    return kHeight - kBottom - value / this.rows * (kHeight - kBottom - kTop);
  }

  #text(text, x, y, align, baseline) {
    Object.assign(this.context, {
      fillStyle: colour('muted'), textAlign: align, textBaseline: baseline,
    });
    this.context.fillText(text, x, y);
  }

  // `labels`: [row, text] pairs.
  axes(labels) {
    this.context.fillStyle = colour('grid');
    for (const [row] of labels) {
      this.context.fillRect(kLeft, Math.round(this.y(row)), this.width, 1);
    }
    for (const [row, text] of labels) {
      this.#text(text.replace(/\.0+(?!\d)/, ''), kLeft - 5, this.y(row), 'right', 'middle');
    }
    for (let minute = 1; minute < kWindowSeconds / 60; minute += 1) {
      this.#text(`−${minute} min`, this.x(this.end - minute * 60), kHeight, 'center', 'bottom');
    }
    this.#text('now', this.width, kHeight, 'right', 'bottom');
  }

  restarts(entries) {
    this.context.fillStyle = colour('muted');
    for (const { time, restarted } of entries) {
      if (!restarted) continue;
      for (let y = kTop; y < kHeight - kBottom; y += 6) {
        this.context.fillRect(this.x(time), y, 1, 3);
      }
    }
  }

  // Runs of points without a break, as [x, y, entry]; `row` gives an entry's row, or null.
  #runs(entries, row) {
    const runs = [];
    let last = null;
    for (const entry of entries) {
      const value = row(entry);
      if (value === null) {
        last = null;
        continue;
      }
      if (last === null || entry.time - last.time > kBreakSeconds) runs.push([]);
      runs.at(-1).push([this.x(entry.time), this.y(value), entry]);
      last = entry;
    }
    return runs;
  }

  line(entries, row, name, dashed = false) {
    const { context } = this;
    context.strokeStyle = colour(name);
    context.fillStyle = colour(name);
    context.lineWidth = 1.75;
    context.lineJoin = 'round';
    context.setLineDash(dashed ? [5, 3] : []);
    for (const run of this.#runs(entries, row)) {
      if (run.length === 1) context.fillRect(run[0][0] - 1.5, run[0][1] - 1.5, 3, 3);
      context.beginPath();
      for (const [x, y] of run) context.lineTo(x, y);
      context.stroke();
    }
    context.setLineDash([]);
  }

  // Between two rows of each entry.
  area(entries, from, to, name) {
    this.context.fillStyle = colour(name);
    for (const run of this.#runs(entries, to)) {
      this.context.beginPath();
      for (const [x, y] of run) this.context.lineTo(x, y);
      for (const [x, , entry] of run.toReversed()) this.context.lineTo(x, this.y(from(entry)));
      this.context.fill();
    }
  }
}

function axisLabels(highest, unit) {
  return [0, highest / 2, highest].map((value) => [value, unit.show(value)]);
}

// `unit`: { show, base }. `lines`: [{ name, value(entry) or null }], in the order of the colours.
export function drawLines(canvas, entries, { lines, unit }) {
  const values = entries.flatMap((entry) => lines.map(({ value }) => value(entry) ?? 0));
  const highest = roundUp(Math.max(...values, 1), unit.base);
  const frame = new Frame(canvas, entries.at(-1).time, highest);
  frame.axes(axisLabels(highest, unit));
  frame.restarts(entries);
  for (const [i, { value }] of lines.entries()) {
    frame.line(entries, value, `series-${i + 1}`, i > 0);
  }
}

// The parts on top of each other. `parts`: [{ name, value(entry) }].
export function drawStack(canvas, entries, { lines: parts, unit }) {
  const upTo = (entry, end) => parts.slice(0, end).reduce((n, part) => n + part.value(entry), 0);
  const totals = entries.map((entry) => upTo(entry, parts.length));
  const highest = roundUp(Math.max(...totals, 1), unit.base);
  const frame = new Frame(canvas, entries.at(-1).time, highest);
  frame.axes(axisLabels(highest, unit));
  for (const i of parts.keys()) {
    const [from, to] = [i, i + 1].map((end) => (entry) => upTo(entry, end));
    frame.area(entries, from, to, `series-${i + 1}`);
  }
  frame.restarts(entries);
}

// A row for each bucket, a column for each sample, with lines of quantiles over them.
// `counts(entry)` is null where there is no sample to compare with.
export function drawHeat(canvas, entries, { bounds, counts, lines, unit }) {
  const frame = new Frame(canvas, entries.at(-1).time, bounds.length + 1);
  const { context } = frame;
  const all = entries.map((entry) => [entry, counts(entry)]).filter(([, row]) => row !== null);
  const most = Math.log1p(Math.max(1, ...all.flatMap(([, row]) => row)));
  const rowHeight = frame.y(0) - frame.y(1);
  context.fillStyle = colour('heat');
  for (const [entry, row] of all) {
    const x = frame.x(entry.time - Math.min(entry.seconds, kBreakSeconds));
    const width = Math.max(1, frame.x(entry.time) - x);
    for (const [i, value] of row.entries()) {
      if (value === 0) continue;
      context.globalAlpha = 0.15 + 0.85 * Math.log1p(value) / most;
      context.fillRect(x, frame.y(i + 1), width, rowHeight);
    }
  }
  context.globalAlpha = 1;
  const step = Math.ceil(bounds.length / 5);
  const labelled = [...bounds.keys()].filter((i) => i % step === step - 1);
  frame.axes(labelled.map((i) => [i + 1, unit.show(bounds[i])]));
  frame.restarts(entries);
  for (const [i, { place }] of lines.entries()) frame.line(entries, place, `over-${i + 1}`, i > 0);
}
