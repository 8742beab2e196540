// Speaks with the box. Every failure becomes a Problem with words for a person; a session that ended is told to whoever listens.

import { ofCode } from '/assets/problems.js';
import { language, t } from '/assets/words.js';

export class Problem extends Error {
  constructor(body, retryAfter) {
    super(ofCode(body, body.detail ?? body.title ?? ''));
    this.code = body.code ?? 'no_answer';
    this.status = body.status ?? 0;
    this.errors = body.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

let whenSignedOut = () => {};
export const onSignedOut = (listener) => { whenSignedOut = listener; };

async function answer(path, options) {
  let response;
  try {
    const headers = { 'accept-language': language(), ...options.headers };
    response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...options, headers });
  } catch {
    throw new Problem({ detail: t('no_answer') });
  }
  if (response.ok) return response;
  let body = {};
  // What stands between this page and the box may answer too; then it is not known whether anything was done.
  try { body = await response.json(); } catch { body = { status: response.status >= 500 ? 0 : response.status, code: 'unknown', detail: t('no_answer') }; }
  const problem = new Problem(body, response.headers.get('retry-after'));
  if (problem.code === 'unauthorized') whenSignedOut();
  throw problem;
}

// Looks. A passive look, by a timer, does not keep the session open.
export async function get(path, { passive = false, signal } = {}) {
  const response = await answer(path, { signal, headers: passive ? { 'x-mizili-passive': '1' } : {} });
  return response.json();
}

// All items of a list, page after page, up to a bound.
export async function all(path, most = 1000) {
  const items = [];
  let next = path;
  while (next && items.length < most) {
    const page = await get(next);
    items.push(...page.items);
    next = page.next;
  }
  return items;
}

export async function send(method, path, body, headers = {}) {
  const response = await answer(path, { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  return response.status === 204 ? null : response.json();
}

export async function tagOf(path) {
  return (await answer(path, {})).headers.get('etag');
}

// A new random key, also where the page is not served over TLS.
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// Fetches anew what an act has changed. Where no answer comes the act stays done, and the next news brings it.
export async function lookAgain(...looks) {
  try { await Promise.all(looks.map((look) => look())); } catch (problem) { if (!(problem instanceof Problem)) throw problem; }
}

// One thing that a person wants done. It has one key from the first try until it is done or changed, so that pressing
// again after a silence does not do it twice. It has to outlive the form that it is asked for with.
export class Attempt {
  constructor() { this.renew(); }

  renew() { this.key = newKey(); this.last = ''; this.silent = false; }

  // What was sent and not answered, so that nobody knows whether it was done; null where nothing was.
  get open() { return this.silent ? JSON.parse(this.last) : null; }

  // What to send where a person asks for this: the same as was not answered, though what the page fills in itself has moved since.
  again(body, ...moved) {
    const asked = (of) => JSON.stringify({ ...of, ...Object.fromEntries(moved.map((name) => [name, null])) });
    return this.open && asked(this.open) === asked(body) ? this.open : body;
  }

  async send(method, path, body) {
    const text = JSON.stringify(body);
    if (this.last && this.last !== text) this.renew();
    this.last = text;
    this.silent = false;
    try {
      const done = await send(method, path, body, { 'idempotency-key': this.key });
      this.renew();
      return done;
    } catch (problem) {
      // Only where no answer came is it unknown whether it was done.
      if (problem.status) this.renew();
      else this.silent = true;
      throw problem;
    }
  }
}
