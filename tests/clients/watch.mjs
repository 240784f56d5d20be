// Reports everything that an EventSource gives to its listeners. Runs in Node and in the browser.

export const kEventTypes =
  ['message', 'update', 'crier.open', 'crier.gap', 'crier.closed', 'crier.busy', 'crier.end'];

export function watch(source, report) {
  for (const type of kEventTypes) {
    source.addEventListener(type, (event) =>
      report({ type, data: event.data, id: event.lastEventId }));
  }
  source.addEventListener('error', () =>
    report({ type: 'error', closed: source.readyState === 2 }));
}
