// An EventSource that always comes back: also after an error status, where the browser's own gives
// up, and after a connection that fell silent.

const kSilentMs = 10_000;
const kRetryMs = [500, 1000, 2000, 4000, 8000];

export class Feed {
  #url;
  #handlers;
  #onState;
  #mayBeSilent;
  #source = null;
  #timer = 0;
  #failures = 0;

  // `handlers`: by the name of an event; each is called with the event's data. `onState` is called
  // with true before each event, and with false and crier's message, if there is one, when the
  // connection is lost. Ten seconds without an event are a lost connection, unless it may be
  // silent.
  constructor(url, handlers, onState, { mayBeSilent = false } = {}) {
    this.#url = url;
    this.#handlers = handlers;
    this.#onState = onState;
    this.#mayBeSilent = mayBeSilent;
    this.#open();
  }

  close() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#source?.close();
  }

  #open() {
    const source = new EventSource(this.#url);
    this.#source = source;
    source.addEventListener('open', () => this.#alive());
    source.addEventListener('error', () => this.#lost(source.readyState === EventSource.CLOSED));
    for (const [event, handle] of Object.entries(this.#handlers)) {
      source.addEventListener(event, ({ data }) => {
        this.#alive();
        handle(JSON.parse(data));
      });
    }
    this.#expect();
  }

  #alive() {
    this.#failures = 0;
    this.#expect();
    this.#onState(true);
  }

  #expect() {
    clearTimeout(this.#timer);
    if (!this.#mayBeSilent) this.#timer = setTimeout(() => this.#lost(false), kSilentMs);
  }

  async #lost(refused) {
    this.close();
    const wait = kRetryMs[Math.min(this.#failures, kRetryMs.length - 1)];
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#open(), wait * (0.75 + Math.random() / 2));
    this.#onState(false, '');
    if (!refused) return;
    const timer = this.#timer;
    const reason = await this.#whyRefused();
    if (reason && timer === this.#timer) this.#onState(false, reason);
  }

  // An EventSource does not tell the body of an error.
  async #whyRefused() {
    const stop = new AbortController();
    try {
      const answer = await fetch(this.#url, { signal: stop.signal });
      return answer.ok ? '' : (await answer.json()).message;
    } catch {
      return '';
    } finally {
      stop.abort();
    }
  }
}
