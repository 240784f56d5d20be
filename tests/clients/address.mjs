// Loopback addresses of this run, one for each server that it starts, so that every server can have
// a fixed port below the range of outgoing connections: a client that redials a port of that range
// while nobody listens may connect to itself.

export class Address {
  #run = 64 + (process.pid % 64);
  #count = 0;

  next() {
    this.#count += 1;
    return `127.${this.#run}.${this.#count}.1`;
  }
}
