// Rates, from totals that are read again and again.

export class Rates {
  #before = new Map();

  /** Returns the nodes by name, with `published_s` and `delivered_s` where there are totals. */
  of(nodes, now) {
    return Object.entries(nodes).map(([name, node]) => {
      const before = this.#before.get(name);
      if (before?.at !== now) this.#before.set(name, { ...node, at: now });
      const rate = (key) => this.#rate(node[key], before?.[key], now - before?.at);
      return { name, ...node, published_s: rate('published'), delivered_s: rate('delivered') };
    });
  }

  /** A total that fell belongs to a node that was started anew. */
  #rate(now, before, ms) {
    if (now === undefined || before === undefined || !(ms > 0) || now < before) return undefined;
    return ((now - before) * 1000) / ms;
  }
}
