// Who is signed in: their tokens, and requests in their name.
import { ask } from './requests.js';

/** Says why a view for administrators shows nothing. */
export function refusal({ code, message }) {
  return code === 'forbidden' ? 'A token with the scope chat.admin opens this view.' : message;
}

export class Account {
  #tokens;
  #token;

  /** `tokens.give({ fresh })` gives a token; with `fresh` the last one does not do any more. */
  constructor(tokens) {
    this.#tokens = tokens;
  }

  async token(options = { fresh: false }) {
    this.#token = await this.#tokens.give(options);
    return this.#token;
  }

  /** Notes that the chat was let in by the last token. */
  taken() {
    this.#tokens.taken(this.#token);
  }

  /** Notes why a token was refused; returns whether the next may be asked for at once. */
  refused(why, token = this.#token) {
    return this.#tokens.refused(token, why);
  }

  /** Returns the answer's JSON, or undefined for none; throws `Refused`, unless a renewal helps. */
  async request(path, { method = 'GET', fresh = false, renews = true } = {}) {
    const token = fresh || !this.#token ? await this.token({ fresh }) : this.#token;
    try {
      return await ask(path, { method, headers: { Authorization: `Bearer ${token}` } });
    } catch (error) {
      if (error.status !== 401) throw error;
      const isAsked = this.refused(error.message, token);
      if (!isAsked && !renews) throw error;
      return this.request(path, { method, fresh: true, renews: false });
    }
  }
}
