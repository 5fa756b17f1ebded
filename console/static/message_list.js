// A room's messages in order: the log by its numbers, then what is still on its way.
import { $, h } from './dom.js';
import { day } from './format.js';
import { line, renew } from './message.js';

const KEPT = 1000; // lines; what is dropped above comes back by scrolling up
const NEAR_PX = 60;
const TOGETHER_MS = 5 * 60_000; // messages of one person this close share a head

export class MessageList {
  #lines = new Map(); // by cid while a message is ours, else by seq
  #messages = new WeakMap();
  #options;
  #isLoading = false;
  #isWhole = false; // the first message there is, is shown
  #isFollowing = true; // the end is in sight, and is to stay there
  #height = 0; // of what is seen, as of the last change of it
  #list = h('ol', {});
  #top = h('p', { class: 'top' });
  #below = h('button', { class: 'below', hidden: true }, 'New messages ↓');

  constructor(name, options) {
    this.#options = options;
    const label = { role: 'log', tabindex: 0, 'aria-label': `Messages in ${name}` };
    this.scroller = h('div', { class: 'messages', ...label }, this.#top, this.#list);
    this.scroller.addEventListener('scroll', () => this.#scrolled());
    // A phone's keyboard, a longer draft or a notice above leave the list less room.
    new ResizeObserver(() => this.#resized()).observe(this.scroller);
    this.#below.addEventListener('click', () => this.toEnd());
    this.element = h('div', { class: 'history' }, this.scroller, this.#below);
  }

  #resized() {
    this.#height = this.scroller.clientHeight;
    if (this.#isFollowing) this.toEnd();
  }

  get #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#below.hidden = true;
  }

  /** Shows a message, or what is new of it, in its place. */
  show(message) {
    this.#put(message);
    if (this.#isFollowing) {
      while (this.#list.childElementCount > KEPT) this.#drop(this.#list.firstElementChild);
      this.toEnd();
    } else this.#below.hidden = false;
  }

  restart(reason) {
    for (const element of [...this.#list.children]) this.#drop(element);
    this.#isWhole = false;
    this.#top.textContent = `The room begins anew here (${reason}): what was shown holds no more.`;
  }

  /** The room is up to date: all there is may fit without scrolling. */
  joined() {
    if (this.scroller.scrollHeight <= this.scroller.clientHeight) this.#scrolled();
  }

  #put(message) {
    const key = message.cid ?? message.seq;
    const known = this.#lines.get(key);
    const before = { ...this.#messages.get(known), error: undefined }; // which was of its old state
    const whole = { ...before, ...this.#author(message), ...message };
    if (message.seq && !message.state) whole.state = 'acked';
    const fresh = line(whole, {
      isOwn: this.#options.isOwn(whole.user),
      again: () => this.#again(key),
      discard: () => this.#drop(this.#lines.get(key)),
    });
    if (known) renew(known, fresh);
    this.#keep(key, known ?? fresh, whole);
  }

  /** A message on its way does not say whose it is: ours. */
  #author({ user }) {
    const { id, name } = this.#options.author() ?? { id: '' };
    return user === undefined ? { user: id, name } : {};
  }

  #keep(key, element, message) {
    this.#lines.set(key, element);
    this.#messages.set(element, message);
    const above = element.previousElementSibling;
    const isPlaced = element.isConnected && (!above || this.#seq(above) < this.#seq(element));
    if (isPlaced && !element.nextElementSibling) this.#join(element);
    else this.#place(element);
  }

  #again(key) {
    const { text, data, reply_to, mentions } = this.#messages.get(this.#lines.get(key));
    this.#drop(this.#lines.get(key));
    this.#options.again({ text, data, reply_to, mentions });
  }

  #place(element) {
    const seq = this.#seq(element);
    let above = this.#list.lastElementChild;
    while (above && (above === element || this.#seq(above) > seq)) {
      above = above.previousElementSibling;
    }
    const next = above ? above.nextElementSibling : this.#list.firstElementChild;
    if (next !== element) this.#list.insertBefore(element, next);
    this.#join(element);
    if (element.nextElementSibling) this.#join(element.nextElementSibling);
  }

  #seq(element) {
    return this.#messages.get(element).seq ?? Infinity;
  }

  /** Begins a new day or a new head, where the line above is another's or an older one. */
  #join(element) {
    const mine = this.#messages.get(element);
    const above = this.#messages.get(element.previousElementSibling);
    const now = Date.now();
    const isNear = above?.user === mine.user && (mine.ts ?? now) - (above.ts ?? now) < TOGETHER_MS;
    const today = mine.ts && day(mine.ts);
    const isNewDay = Boolean(today) && (!above || (Boolean(above.ts) && day(above.ts) !== today));
    element.classList.toggle('continued', isNear && !isNewDay);
    if (isNewDay) element.dataset.day = today;
    else delete element.dataset.day;
  }

  #drop(element) {
    this.#lines.delete(this.#messages.get(element).cid ?? this.#messages.get(element).seq);
    element.remove();
    this.#isWhole = false;
  }

  async #scrolled() {
    // What an earlier scroll tells when the room has just changed is no wish to read further up.
    if (this.#height === this.scroller.clientHeight) this.#isFollowing = this.#isAtEnd;
    if (this.#isFollowing) this.#below.hidden = true;
    const first = $('[data-seq]', this.#list);
    if (this.#isLoading || this.#isWhole || !first || this.scroller.scrollTop > NEAR_PX) return;
    this.#isLoading = true;
    try {
      this.#prepend(await this.#options.older(this.#seq(first)), first);
    } catch (error) {
      this.#top.textContent = `Older messages can't be loaded now: ${error.message}`;
    } finally {
      this.#isLoading = false;
    }
  }

  #prepend({ items, tail }, first) {
    if (!first.isConnected) return; // the room began anew meanwhile
    const { scrollHeight, scrollTop } = this.scroller;
    for (const { cid, ...message } of items) {
      const own = this.#options.isOwn(message.user) ? { cid } : {};
      if (message.type === 'message') this.#put({ ...message, ...own });
    }
    this.#isWhole = items.length === 0 || items[0].seq <= tail;
    const end = tail > 1 ? 'Older messages are not kept.' : 'This is where the room begins.';
    this.#top.textContent = this.#isWhole ? end : '';
    this.#join(first);
    this.scroller.scrollTop = scrollTop + this.scroller.scrollHeight - scrollHeight;
  }
}
