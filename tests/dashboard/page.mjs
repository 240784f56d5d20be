// The dashboard in a browser: what it shows, and what the browser complains of.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const kPatienceMs = 15_000;
const kAxe = new URL('../clients/node_modules/axe-core/axe.min.js', import.meta.url);

export class Page {
  #page;
  #complaints = [];
  #asked = [];

  static async of(context, url) {
    const page = new Page();
    page.#page = await context.newPage();
    await page.#page.exposeFunction('complain', (what) => page.#complaints.push(what));
    await page.#page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        window.complain(`policy: ${violatedDirective} ${blockedURI}`);
      });
    });
    page.#page.on('request', (request) => page.#asked.push(request.url()));
    page.#page.on('pageerror', (error) => page.#complaints.push(error.stack));
    page.#page.on('dialog', (dialog) => page.#complaints.push(`dialog: ${dialog.message()}`));
    page.url = url;
    return page;
  }

  async open() {
    await this.#page.goto(this.url);
  }

  // Samples and traces of the test instead of the daemon's.
  async openWith(samples, traces) {
    const events = samples.map((sample) => `event: sample\ndata: ${JSON.stringify(sample)}\n\n`);
    await this.#page.route('**/stats', (route) => route.fulfill({
      contentType: 'text/event-stream', body: events.join(''),
    }));
    await this.#page.route('**/debug/trace?*', (route) => route.fulfill({ json: traces }));
    await this.open();
  }

  // How often the page has asked for this so far.
  asked(path) { return this.#asked.filter((url) => url.includes(path)).length; }

  scrollTo(selector) {
    return this.#page.evaluate((to) => document.querySelector(to).scrollIntoView(), selector);
  }

  // Waits until `isSo` holds for the text of an element, and returns that.
  async until(selector, isSo, patienceMs = kPatienceMs) {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const found = this.#page.locator(selector).first();
      const text = await found.count() > 0 ? await found.innerText() : '';
      if (isSo(text)) return text;
      assert.ok(Date.now() < deadline, `${selector} is ${JSON.stringify(text)}`);
      await this.#page.waitForTimeout(50);
    }
  }

  evaluate(script, argument) { return this.#page.evaluate(script, argument); }
  fill(selector, value) { return this.#page.fill(selector, value); }
  press(key) { return this.#page.keyboard.press(key); }
  click(selector) { return this.#page.click(selector); }

  async expectAccessible() {
    await this.#page.evaluate(readFileSync(kAxe, 'utf8'));
    const { violations } = await this.#page.evaluate(
      () => window.axe.run(document, { resultTypes: ['violations'] }));
    const told = violations.map(({ help, nodes }) => `${help}: ${nodes[0].html}`);
    assert.deepEqual(told, []);
  }

  async expectNoScrolling() {
    const [needed, there] = await this.#page.evaluate(
      () => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(needed <= there, `the page is ${needed} pixels wide, the window ${there}`);
  }

  expectNoComplaint() {
    assert.deepEqual(this.#complaints, []);
  }
}
