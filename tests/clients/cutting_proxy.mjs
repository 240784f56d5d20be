// A TCP proxy that cuts the connections through it while the server behind it lives on. Clients
// that come while nobody listens there wait, as they would before a socket that systemd holds open.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const kRedialMs = 50;

export class CuttingProxy {
  #server;
  #pairs = new Set();
  #bytesForNext = Infinity;
  accepted = 0;  // Connections, since the start.

  static async start(address, target) {
    const proxy = new CuttingProxy();
    proxy.#server = createServer({ pauseOnConnect: true },
                                 (client) => proxy.#accept(client, target));
    proxy.#server.listen(8080, address);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  async #accept(client, target) {
    const pair = { client, server: null, left: this.#bytesForNext, reset: true };
    this.#bytesForNext = Infinity;
    this.accepted += 1;
    this.#pairs.add(pair);
    const end = () => this.#end(pair);
    client.on('error', end).on('close', end);
    pair.server = await this.#dial(pair, target);
    if (!pair.server) return;
    pair.server.on('error', end).on('close', end);
    client.on('data', (bytes) => pair.server.write(bytes));
    pair.server.on('data', (bytes) => {
      const passed = bytes.subarray(0, pair.left);
      pair.left -= passed.length;
      client.write(passed, () => { if (pair.left === 0) end(); });
    });
    client.resume();
  }

  // Gives null if the client has gone meanwhile.
  async #dial(pair, target) {
    while (this.#pairs.has(pair)) {
      const server = connect(8080, target);
      try {
        await once(server, 'connect');
      } catch {
        await sleep(kRedialMs);
        continue;
      }
      if (this.#pairs.has(pair)) return server;
      server.destroy();
    }
    return null;
  }

  #end(pair) {
    if (!this.#pairs.delete(pair)) return;
    pair.server?.destroy();
    if (pair.reset) pair.client.resetAndDestroy();
    else pair.client.destroy();
  }

  // Ends the next connection by a reset after so many bytes to the client.
  cutNext(bytes) {
    this.#bytesForNext = bytes;
  }

  // Ends every connection after `bytes` more bytes to the client: at once for 0, by a reset or by
  // an orderly end.
  cut(bytes, reset) {
    for (const pair of this.#pairs) {
      pair.reset = reset;
      pair.left = bytes;
      if (bytes === 0) this.#end(pair);
    }
  }

  stop() {
    this.#server.close();
    this.cut(0, true);
  }
}
