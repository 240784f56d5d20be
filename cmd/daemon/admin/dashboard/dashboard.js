// The page: its state in a sentence, the six figures, and when they are shown.

import { Feed } from './feed.js';
import { findingsOf, lossesOf } from './findings.js';
import { makePublishForm } from './publish.js';
import { History, sum } from './samples.js';
import { setText } from './tables.js';
import { Tail } from './tail.js';
import * as text from './text.js';
import { Traces } from './traces.js';
import { makeViews } from './views.js';

const $ = (selector) => document.querySelector(selector);

function headline(findings, { latest }) {
  if (!latest.ready) return ['bad', `Not ready: ${latest.ready_detail}`];
  const number = (level) => findings.filter((each) => each.level === level).length;
  if (number('bad') > 0) return ['bad', 'Ready, but clients meet with a limit'];
  if (number('warn') > 0) return ['warn', 'Ready, with a warning'];
  return ['well', 'Ready and well: no client met with a limit in the last minute'];
}

function showState(history, lost) {
  const findings = lost ? [] : findingsOf(history);
  const [level, sentence] = lost ? ['lost', lost] : headline(findings, history);
  $('#state').dataset.level = level;
  setText($('#state-title'), `${sentence}.`);
  document.title = `${sentence.split(':')[0]} · crier`;
  const spoken = [level, ...findings.map((each) => each.where)].join(' ');
  showFindings(findings);
  // Read aloud when it becomes another state, not when a number in it changes.
  if ($('#spoken').dataset.state !== spoken) {
    $('#spoken').dataset.state = spoken;
    setText($('#spoken'), [sentence, ...findings.map((each) => each.sentence)].join('. '));
  }
}

function showFindings(findings) {
  const list = $('#findings');
  while (list.children.length > findings.length) list.lastChild.remove();
  for (const [i, { level, where, sentence, alert }] of findings.entries()) {
    const item = list.children[i] ?? list.appendChild(document.createElement('li'));
    if (!item.firstChild) item.append(document.createElement('a'), document.createElement('span'));
    item.dataset.level = level;
    item.firstChild.href = where;
    setText(item.firstChild, sentence);
    setText(item.lastChild, alert ? `Runbook: ${alert}` : '');
  }
}

function figuresOf(history) {
  const { latest } = history;
  const { figures } = latest;
  const now = history.entries.at(-1);
  const p50 = history.quantile('stream_latency', 0.5);
  const { refused, ended, gaps } = lossesOf(history);
  return {
    streams: [text.count(figures.streams), `of ${text.count(figures.streams_max)}`],
    published: [`${text.short(now.published)}/s`,
                `${text.count(figures.events_published)} since the start`],
    delivered: [`${text.short(now.delivered)}/s`,
                `${text.count(figures.events_delivered)} since the start`],
    latency: [text.latency(history.quantile('stream_latency', 0.99)),
              `p50 ${text.latency(p50)}, last 10\u00a0s`],
    memory: [text.bytes(figures.memory_bytes),
             `${text.bytes(latest.memory_per_stream)} per stream`],
    trouble: [text.count(sum(refused) + sum(ended) + sum(gaps)), 'by a limit, in the last minute'],
  };
}

function showFigures(history) {
  for (const [name, [value, detail]] of Object.entries(figuresOf(history))) {
    setText($(`[data-figure=${name}]`), value);
    setText($(`[data-detail=${name}]`), detail);
  }
  const { version, uptime_seconds: uptime } = history.latest.figures;
  setText($('#about'), `${version}, up for ${text.duration(uptime)}`);
}

class Dashboard {
  #history = new History();
  #showViews = makeViews();
  #tail = new Tail($('#tail'));
  #traces = new Traces($('#traces'));
  #lost = '';  // The sentence about it, while the connection is lost.
  #due = false;

  constructor() {
    new Feed('stats', { sample: (sample) => this.#take(sample) },
             (open, reason) => this.#connection(open, reason));
    makePublishForm($('#publish'));
    const redraw = () => this.#showSoon();
    new ResizeObserver(redraw).observe($('main'));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  }

  #take(sample) {
    this.#history.add(sample);
    this.#tail.suggest((sample.topics ?? []).map(({ topic }) => topic).sort());
    document.body.className = sample.tail ? 'has-debug' : 'no-debug';
    document.body.classList.toggle('has-publish', sample.publish === true);
    this.#traces.tick(sample.tail === true);
    this.#showSoon();
  }

  #connection(open, reason) {
    if (open) {
      this.#lost = '';
      return;
    }
    const since = new Date().toLocaleTimeString();
    this.#lost = reason || this.#lost || `No connection to crier since ${since}; trying again`;
    this.#showSoon();
  }

  // A hidden page has no animation frames, so it only collects.
  #showSoon() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#show();
    });
  }

  #show() {
    if (this.#history.latest === null && !this.#lost) return;
    showState(this.#history, this.#lost);
    if (this.#history.latest === null) return;
    showFigures(this.#history);
    this.#showViews(this.#history);
  }
}

new Dashboard();
