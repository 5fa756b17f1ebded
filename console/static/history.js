// How the storage has fared: what the server remembers, or else what this page has seen.

const KEPT = 500;

export class History {
  turns = []; // { phase, reason, at }, oldest first

  constructor(chat) {
    chat.on('state', (state) => {
      if (state === 'online' && !chat.degraded) this.#turn('up', 'connected', Date.now());
    });
    // Notices come in every view; the cluster is asked only while it is looked at.
    chat.on('notice', ({ code }) => {
      if (code === 'degraded') this.#turn('failing_over', 'messages were held', Date.now());
      if (code === 'recovered') this.#turn('up', 'recovered', Date.now());
    });
  }

  observe({ storage: { phase, reason, since }, history }) {
    if (history?.length) this.turns = history;
    else this.#turn(phase, reason, since);
  }

  #turn(phase, reason, at) {
    const last = this.turns.at(-1);
    if (last?.phase === phase) {
      if (last === this.turns[0]) last.at = Math.min(last.at, at); // the server remembers more
      return;
    }
    this.turns.push({ phase, reason, at: Math.max(at, last?.at ?? 0) });
    this.turns.splice(0, this.turns.length - KEPT);
  }

  /**
   * Returns { at, ms, reason, isOver, from, to } for each time that storage was away after it was
   * there; the masters before and after are known where the server tells them.
   */
  blackouts(now) {
    const found = [];
    let up;
    for (const { phase, reason, at } of this.turns) {
      const open = found.at(-1)?.isOver === false ? found.at(-1) : undefined;
      if (phase === 'up') {
        if (open) Object.assign(open, { ms: at - open.at, isOver: true, to: master(reason) });
        up = { from: master(reason) };
      } else if (up && !open) found.push({ at, ms: now - at, reason, isOver: false, ...up });
    }
    return found;
  }
}

const master = (reason) => /^master (\S+)$/.exec(reason)?.[1];
