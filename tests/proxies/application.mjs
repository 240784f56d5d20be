// The application that nginx asks who may subscribe: the example of deploy/proxies.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const kExample = fileURLToPath(
  new URL('../../deploy/proxies/may_subscribe.py', import.meta.url));

export class Application {
  static #running = new Set();

  #process = null;

  constructor(address) {
    this.address = address;
  }

  // It may take a moment until it answers.
  start() {
    this.#process = spawn('python3', [kExample, `${this.address}:9000`], { stdio: 'ignore' });
    Application.#running.add(this.#process);
  }

  // Accepts connections and answers none.
  freeze() {
    this.#process.kill('SIGSTOP');
  }

  kill() {
    this.#process?.kill('SIGKILL');
    Application.#running.delete(this.#process);
  }

  static killAll() {
    for (const running of Application.#running) running.kill('SIGKILL');
  }
}
