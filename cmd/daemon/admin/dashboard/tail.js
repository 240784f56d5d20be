// The live tail of one topic: the last events, newest first. Bounded whatever the topic's rate is.

import { Feed } from './feed.js';
import * as text from './text.js';

const kEventsMax = 200;
const kShowMs = 250;

function line(classes, ...texts) {
  const item = document.createElement('li');
  for (const [i, each] of texts.entries()) {
    const part = document.createElement('bdi');
    part.className = classes[i];
    part.textContent = each;
    item.append(part, ' ');
  }
  return item;
}

function eventLine({ id, topic, event, data, bytes, cut }) {
  const size = cut ? `${text.bytes(bytes)}, cut` : text.bytes(bytes);
  return line(['time', 'id', 'name', 'size', 'data'],
              new Date().toLocaleTimeString(), id, event ? `${topic} ${event}` : topic, size, data);
}

export class Tail {
  #form;
  #state;
  #count;
  #list;
  #feed = null;
  #topic = '';
  #events = [];  // Oldest first: { text, item }.
  #newer = 0;    // Since the list was last shown.
  #timer = 0;

  constructor(section) {
    this.#form = section.querySelector('form');
    this.#state = section.querySelector('#tail-state');
    this.#count = section.querySelector('#tail-count');
    this.#list = section.querySelector('#tail-events');
    const { pause, clear, filter } = this.#form.elements;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#follow(this.#form.elements.topic.value.trim());
    });
    pause.addEventListener('click', () => this.#pause(!this.#paused()));
    clear.addEventListener('click', () => this.#clear());
    filter.addEventListener('input', () => this.#show());
  }

  suggest(topics) {
    const list = this.#form.querySelector('datalist');
    const known = [...list.options].map((option) => option.value);
    if (known.length === topics.length && topics.every((topic, i) => topic === known[i])) return;
    list.replaceChildren(...topics.map((topic) => {
      const option = document.createElement('option');
      option.value = topic;
      return option;
    }));
  }

  #follow(topic) {
    this.#feed?.close();
    this.#topic = topic;
    this.#pause(false);
    this.#clear();
    this.#form.elements.pause.disabled = false;
    this.#form.elements.clear.disabled = false;
    this.#tell(`Connecting to ${topic}.`);
    this.#feed = new Feed(`tail?topic=${encodeURIComponent(topic)}`, {
      event: (event) => this.#add(`${event.event ?? ''} ${event.data}`, eventLine(event)),
      skipped: ({ events }) => this.#add('', line(
        ['skipped'], `Events skipped, because they came too fast: ${text.count(events)}.`)),
    }, (open, reason) => this.#told(open, reason), { mayBeSilent: true });
  }

  #told(open, reason) {
    if (!open) this.#tell(`Not connected to ${this.#topic}; trying again. ${reason}`);
    else if (this.#paused()) this.#tell(`Paused: ${this.#topic}.`);
    else this.#tell(`Following ${this.#topic}.`);
  }

  #tell(sentence) {
    if (this.#state.textContent !== sentence) this.#state.textContent = sentence;
  }

  #paused() {
    return this.#form.elements.pause.getAttribute('aria-pressed') === 'true';
  }

  #pause(paused) {
    this.#form.elements.pause.setAttribute('aria-pressed', paused);
    if (this.#feed) this.#told(true);
    this.#show();
  }

  #clear() {
    this.#events = [];
    this.#list.replaceChildren();
    this.#show();
  }

  #add(searched, item) {
    this.#events.push({ searched, item });
    if (this.#events.length > kEventsMax) this.#events.shift();
    this.#newer += 1;
    this.#timer ||= setTimeout(() => this.#show(), kShowMs);
  }

  #show() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#paused()) {
      this.#count.textContent = `Newer events: ${text.count(this.#newer)}.`;
      return;
    }
    this.#newer = 0;
    const wanted = this.#form.elements.filter.value;
    const found = this.#events.filter(({ searched }) => searched.includes(wanted));
    this.#list.replaceChildren(...found.map(({ item }) => item).reverse());
    this.#count.textContent = `${found.length} of the last ${this.#events.length} events.`;
  }
}
