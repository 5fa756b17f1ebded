// Requests to the server: each has a deadline, and a refusal its code.

const PATIENCE_S = 10;

/** A request that was refused, by the code of the server's error table. */
class Refused extends Error {
  constructor(status, { code = 'internal', detail } = {}) {
    super(reason({ code, detail }));
    Object.assign(this, { status, code });
  }
}

/** Returns a refusal in a line: its code, and what it says beside. */
export function reason({ code, detail }) {
  return detail ? `${code}: ${detail}` : code;
}

/** Returns the answer's JSON, or undefined for none; throws `Refused`, or what else went wrong. */
export async function ask(path, options) {
  // Without a deadline, what is shown would look like the present.
  const signal = AbortSignal.timeout(PATIENCE_S * 1000);
  try {
    const response = await fetch(path, { ...options, signal });
    const answer = parsed(await response.text());
    if (!response.ok) throw new Refused(response.status, answer);
    return answer;
  } catch (error) {
    if (error.name !== 'TimeoutError') throw error;
    throw new Error(`the server did not answer within ${PATIENCE_S} s`, { cause: error });
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
