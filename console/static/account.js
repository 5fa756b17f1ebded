// Who is signed in: their tokens, and requests in their name.
import { $ } from './dom.js';

const PATIENCE_MS = 10_000;

/** A request that was refused, by the code of the server's error table. */
export class Refused extends Error {
  constructor(status, { code = 'internal', detail } = {}) {
    super(detail ? `${code}: ${detail}` : code);
    Object.assign(this, { status, code });
  }
}

/** Says why a view for administrators shows nothing. */
export function refusal({ code, message }) {
  return code === 'forbidden' ? 'A token with the scope chat.admin opens this view.' : message;
}

export class Account {
  #tokens;
  #token;

  /** `tokens({ fresh })` gives a token; with `fresh` the last one does not do any more. */
  constructor(tokens) {
    this.#tokens = tokens;
  }

  async token(options = { fresh: false }) {
    this.#token = await this.#tokens(options);
    return this.#token;
  }

  /** Returns the answer's JSON, or undefined for none; throws `Refused`, unless a renewal helps. */
  async request(path, { method = 'GET', fresh = false, renews = true } = {}) {
    const token = fresh || !this.#token ? await this.token({ fresh }) : this.#token;
    const headers = { Authorization: `Bearer ${token}` };
    const signal = AbortSignal.timeout(PATIENCE_MS); // or what is shown would look like the present
    const response = await fetch(path, { method, headers, signal });
    if (response.status === 401 && renews) {
      return this.request(path, { method, fresh: true, renews: false });
    }
    if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
    return response.status === 204 ? undefined : response.json().catch(() => undefined);
  }
}

/** Tokens of a development server, for anyone who asks. */
export function developersTokens(user) {
  return async () => {
    const response = await fetch('/dev/token', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ user }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Refused(response.status, answer);
    return answer.token;
  };
}

/** A pasted token; when it has run out, the person is asked for the next. */
export function pastedTokens(token) {
  let asked;
  return async ({ fresh }) => {
    if (fresh) asked ??= renewed();
    if (asked) token = await asked;
    asked = undefined;
    return token;
  };
}

function renewed() {
  const dialog = $('#renew');
  const form = $('form', dialog);
  form.reset();
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', function closed() {
      // Unanswered it would leave a page that waits for ever; Escape closes it, whatever it is told.
      if (!dialog.returnValue) return dialog.showModal();
      dialog.removeEventListener('close', closed);
      return resolve(form.elements.token.value.trim());
    });
  });
}
