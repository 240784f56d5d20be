// The way of single publishes: the newest rows of /debug/trace, each with a bar for every step from
// the publisher's last byte to the last write of each worker, and a table with the same times.
// Asked for only while the section is on the screen, and at most every two seconds.

import { setText, Table } from './tables.js';
import * as text from './text.js';

const kShown = 10;
const kWorkersShown = 8;  // Of one publish, those that were done last.
const kPaceMs = 2000;
const kTicks = 4;

function element(name, className = '', ...children) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
}

function own(name, content) {
  return element(name, '', element('bdi', '', content));
}

// A trace in nanoseconds since the last byte of the request came. Bars are [step, from, to], the
// steps as in the legend; a time that is not known ends them.
export function wayOf(trace) {
  const start = trace.received_ns;
  const since = (ns) => (ns === null ? null : ns - start);
  const bars = (...times) => times.slice(1)
    .map(([step, to], i) => [step, times[i][1], to])
    .filter(([, from, to]) => from !== null && to !== null);
  const accepted = since(0);
  const committed = since(trace.committed_ns);
  const workers = trace.workers.map((each) => {
    const [handed, taken, first, last] = [
      each.handed_ns, each.taken_ns, each.first_write_ns, each.last_write_ns].map(since);
    return {
      worker: each.worker, streams: each.streams, handed, taken, first, last,
      done: last ?? taken ?? handed ?? 0,
      bars: bars(['', committed], [3, handed], [4, taken], [5, first], [6, last]),
    };
  });
  const slowest = workers.toSorted((a, b) => b.done - a.done).slice(0, kWorkersShown);
  return {
    committed, accepted,
    bars: bars(['', 0], [1, accepted], [2, committed]),
    workers: slowest.sort((a, b) => a.worker - b.worker),
    more: workers.length - slowest.length,
    total: Math.max(committed ?? 0, accepted, ...workers.map(({ done }) => done)),
  };
}

// Round times, at most so many after 0, within a scale.
export function ticksOf(scale, number = kTicks) {
  const power = 10 ** Math.floor(Math.log10(scale / number));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each * number >= scale);
  return Array.from({ length: Math.floor(scale / step) + 1 }, (_, i) => i * step);
}

function streamsText({ taken, streams }) {
  if (taken === null) return 'no answer yet';
  return streams === 1 ? '1 stream' : `${text.count(streams)} streams`;
}

class Row {
  item;
  way;
  #chart = element('div', 'chart');
  #axis = element('div', 'axis');

  constructor(trace) {
    const way = wayOf(trace);
    this.way = way;
    this.#chart.setAttribute('role', 'img');
    this.#chart.setAttribute('aria-label', this.#sentence(way));
    this.#chart.append(this.#axis, this.#lane('crier', '', way.bars));
    for (const worker of way.workers) {
      this.#chart.append(this.#lane(`worker ${worker.worker}`, streamsText(worker), worker.bars));
    }
    const title = element('h3', '', own('span', trace.topic), ' ',
                          element('span', 'total', text.micros(way.total)));
    const about = [text.clock(trace.accepted_unix_seconds), `trace id ${trace.trace_id}`];
    if (!trace.complete) about.push('not complete yet');
    if (way.more > 0) about.push(`${way.more} more workers, done earlier: see /debug/trace`);
    this.item = element('li', '', title, own('p', about.join(' · ')), this.#chart,
                        this.#details(way));
  }

  #sentence({ accepted, committed, workers, total }) {
    const ends = workers.map(({ worker, taken, done }) => (
      `worker ${worker} ${taken === null ? 'has not answered' : `done ${text.micros(done)}`}`));
    return `${text.micros(total)} in all: checked ${text.micros(accepted)}, ` +
      `committed ${[text.micros(committed), ...ends].join(', ')}. A table follows.`;
  }

  #lane(name, detail, bars) {
    const track = element('div', 'track');
    for (const [step, from, to] of bars) {
      const bar = element('span', 'step');
      bar.dataset.step = step;
      bar.style.setProperty('--from', from);
      bar.style.setProperty('--to', to);
      track.append(bar);
    }
    return element('div', 'lane', element('span', '', name, ' ', element('small', '', detail)),
                   track);
  }

  // Filled in when it is opened.
  #details({ accepted, committed, workers }) {
    const body = element('tbody');
    const names = ['Where', 'Streams', 'Checked', 'Committed', 'Handed over', 'Taken',
                   'First write', 'Last write'];
    const heads = names.map((name) => {
      const head = element('th', '', name);
      head.scope = 'col';
      return head;
    });
    const table = element('table', '', element('thead', '', element('tr', '', ...heads)), body);
    const details = element('details', '', element('summary', '', 'Times as a table'),
                            element('div', 'scroll', table));
    const scroll = details.lastChild;
    scroll.tabIndex = 0;
    scroll.setAttribute('role', 'group');
    scroll.setAttribute('aria-label', 'Times as a table');
    details.addEventListener('toggle', () => {
      if (!details.open || body.rows.length > 0) return;
      const time = (key) => (row) => (key in row ? text.micros(row[key]) : '');
      const keys = ['accepted', 'committed', 'handed', 'taken', 'first', 'last'];
      new Table(body, [({ worker }) => (worker === undefined ? 'crier' : `worker ${worker}`),
                       (row) => ('streams' in row ? text.count(row.streams) : ''),
                       ...keys.map(time)]).show([{ accepted, committed }, ...workers]);
    });
    return details;
  }

  scaleTo(scale) {
    this.#chart.style.setProperty('--scale', scale);
    this.#axis.replaceChildren(...ticksOf(scale).map((at) => {
      const label = at === 0 ? text.micros(0) : text.microsAlone(at);
      const tick = element('span', at > scale * 0.88 ? 'late' : '', label);
      tick.style.setProperty('--from', at);
      return tick;
    }));
  }
}

export class Traces {
  #list;
  #state;
  #pause;
  #same;
  #rows = new Map();  // By trace and event, the newest first.
  #every = 0;
  #served = false;
  #visible = false;
  #askedAt = -Infinity;
  #asking = false;

  constructor(section) {
    this.#list = section.querySelector('#traces-list');
    this.#state = section.querySelector('#traces-state');
    this.#pause = section.querySelector('[name=pause]');
    this.#same = section.querySelector('[name=same]');
    this.#pause.addEventListener('click', () => {
      this.#pause.setAttribute('aria-pressed', this.#pause.ariaPressed !== 'true');
      this.#tell();
    });
    this.#same.addEventListener('change', () => this.#scale());
    this.#list.addEventListener('toggle', () => this.#tell(), true);
    new IntersectionObserver((entries) => {
      this.#visible = entries.at(-1).isIntersecting;
      this.#askIfDue();
    }).observe(section);
  }

  // Called each second; `served`: whether there is /debug/trace.
  tick(served) {
    this.#served = served;
    this.#askIfDue();
  }

  #askIfDue() {
    const early = performance.now() - this.#askedAt < kPaceMs - 500;
    if (!this.#served || !this.#visible || document.hidden) return;
    if (!this.#asking && !early && !this.#held()) this.#ask();
  }

  #held() {
    if (this.#pause.ariaPressed === 'true') return 'Paused';
    return this.#list.querySelector('details[open]') ? 'Held while a table is open' : '';
  }

  async #ask() {
    this.#asking = true;
    this.#askedAt = performance.now();
    try {
      const signal = AbortSignal.timeout(5 * kPaceMs);
      const answer = await fetch(`debug/trace?limit=${kShown}`, { signal });
      const page = await answer.json();
      if (!answer.ok) throw new Error(page.message);
      if (!this.#held()) this.#show(page);
    } catch (error) {
      setText(this.#state, `/debug/trace: ${error.message}`);
    } finally {
      this.#asking = false;
    }
  }

  // Rows that are known and complete stay as they are, so that focus and selection do, too.
  #show({ every, traces }) {
    const rows = new Map(traces.map((trace) => {
      const key = `${trace.trace_id} ${trace.event_id} ${trace.complete}`;
      return [key, (trace.complete && this.#rows.get(key)) || new Row(trace)];
    }));
    this.#every = every;
    this.#rows = rows;
    const items = [...rows.values()].map(({ item }) => item);
    for (const item of [...this.#list.children]) if (!items.includes(item)) item.remove();
    for (const [i, item] of items.entries()) {
      if (this.#list.children[i] !== item) this.#list.insertBefore(item, this.#list.children[i]);
    }
    this.#scale();
    this.#tell();
  }

  #scale() {
    const totals = [...this.#rows.values()].map(({ way }) => way.total);
    const longest = Math.max(1, ...totals);
    for (const row of this.#rows.values()) {
      row.scaleTo(this.#same.checked ? longest : Math.max(1, row.way.total));
    }
  }

  #tell() {
    const none = this.#rows.size === 0;
    const followed = this.#every === 0
      ? 'No publish is followed: set admin.trace_every, to 100 for example, and reload.'
      : `One publish in ${text.count(this.#every)} is followed${none ? '; none came yet' : ''}.`;
    const held = this.#held();
    setText(this.#state, held ? `${followed} ${held}.` : followed);
  }
}
