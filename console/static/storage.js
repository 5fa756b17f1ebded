// What outlives a reload: the browser's own storages, by the names of their methods.

/** In the place of a storage that the browser denies: who blocks cookies has none. */
class Fleeting {
  #items = new Map();

  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  setItem(key, value) {
    this.#items.set(key, value);
  }

  clear() {
    this.#items.clear();
  }
}

function storage(name) {
  try {
    return globalThis[name]; // which throws where it is denied
  } catch {
    return new Fleeting();
  }
}

export const session = storage('sessionStorage');
export const lasting = storage('localStorage');
