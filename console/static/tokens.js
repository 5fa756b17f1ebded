// Where tokens come from: a development server, or whoever pastes them.
import { $ } from './dom.js';
import { ask } from './requests.js';

/** Tokens of a development server, for anyone who asks. */
export class DevelopersTokens {
  #user;

  constructor(user) {
    this.#user = user;
  }

  async give() {
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ user: this.#user });
    const { token } = await ask('/dev/token', { method: 'POST', headers, body });
    return token;
  }

  taken() {}

  refused() {
    return false;
  }
}

/** A pasted token; when it has run out, the person is asked for the next. */
export class PastedTokens {
  #token;
  #asked; // for the next one
  #untried; // one that was asked for, and of which the server has not said anything
  #why = ''; // the last one was refused, to be told when the next is asked for

  constructor(token) {
    this.#token = token;
  }

  async give({ fresh }) {
    if (fresh) this.#asked ??= this.#renew();
    await this.#asked;
    return this.#token;
  }

  taken(token) {
    if (token === this.#untried) this.#untried = undefined;
    this.#why = '';
  }

  /** Returns whether the person is to be asked once more: not for a token that was good before. */
  refused(token, why) {
    if (token === this.#untried) {
      this.#untried = undefined;
      this.#why = `Not taken: ${why}`;
    }
    return Boolean(this.#why || this.#asked);
  }

  async #renew() {
    this.#token = this.#untried = await pasted(this.#why);
    this.#why = '';
    this.#asked = undefined;
  }
}

/** Asks for a token in a dialog that says why the one before was not taken. */
function pasted(why) {
  const dialog = $('#renew');
  const form = $('form', dialog);
  form.reset();
  dialog.returnValue = '';
  dialog.showModal();
  $('#renew-error').textContent = why; // once it is shown: a reader is told of what changes
  return new Promise((resolve) => {
    dialog.addEventListener('close', function closed() {
      // Unanswered it would leave a page that waits for ever; Escape closes it, whatever it is told.
      if (!dialog.returnValue) return dialog.showModal();
      dialog.removeEventListener('close', closed);
      $('#renew-error').textContent = '';
      return resolve(form.elements.token.value.trim());
    });
  });
}
