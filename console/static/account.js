// Who is signed in: their tokens, and requests in their name.
import { $ } from './dom.js';
import { ask } from './requests.js';

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
    try {
      return await ask(path, { method, headers: { Authorization: `Bearer ${token}` } });
    } catch (error) {
      if (error.status !== 401 || !renews) throw error;
      return this.request(path, { method, fresh: true, renews: false });
    }
  }
}

/** Tokens of a development server, for anyone who asks. */
export function developersTokens(user) {
  return async () => {
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ user });
    const { token } = await ask('/dev/token', { method: 'POST', headers, body });
    return token;
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
