// A publisher that does not stop while connections are cut.

import { setTimeout as sleep } from 'node:timers/promises';

const kPauseMs = 10;

// Publishes 1, 2, 3 … until told to stop; the promise gives how many.
export function publishNumbers(daemon, topic) {
  let stopped = false;
  let count = 0;
  const done = (async () => {
    while (!stopped) {
      count += 1;
      await daemon.publish(topic, `number\n${count}`);
      await sleep(kPauseMs);
    }
    return count;
  })();
  done.catch(() => {});  // Who calls stop() is told.
  return { count: () => count, stop: () => { stopped = true; return done; } };
}

// The data of all events there have been.
export function numbersUpTo(count) {
  return Array.from({ length: count }, (_, index) => `number\n${index + 1}`);
}
