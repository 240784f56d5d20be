// What a client reported, in order: `{type, data, id}` of each event, where `type` is the listener
// that got it, and `{type: 'error', closed}` each time it lost its connection or gave up for good.

const kTailEntries = 12;

export class Journal {
  entries = [];
  #waiting = [];

  add = (entry) => {
    this.entries.push(entry);
    this.#waiting = this.#waiting.filter((check) => !check());
  };

  of(...types) {
    return this.entries.filter((entry) => types.includes(entry.type));
  }

  // Waits until `reached(journal)` gives something true and returns it. `what` is for the error.
  until(what, secondsMax, reached) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`waited ${secondsMax} s for ${what}`)), secondsMax * 1000);
      const check = () => {
        const value = reached(this);
        if (!value) return false;
        clearTimeout(timer);
        resolve(value);
        return true;
      };
      if (!check()) this.#waiting.push(check);
    });
  }

  // The n-th event of a type, counted from 1.
  nth(type, n, secondsMax) {
    return this.until(`${type} number ${n}`, secondsMax, () => this.of(type)[n - 1]);
  }

  tail() {
    const shown = this.entries.slice(-kTailEntries).map((entry) => JSON.stringify(entry));
    return [`client's last of ${this.entries.length} entries:`, ...shown].join('\n');
  }
}
