// One room: who is there, what was said, who types, and a place to say something.
import { h, onSubmit, replace, say } from './dom.js';
import { avatar } from './message.js';
import { MessageList } from './message_list.js';

const FACES = 5; // the rest is a number
const PAGE = 50;

export class RoomPanel {
  #room;
  #typists = new Set();
  #ears; // what ends the listening to the chat, which outlives the panel
  #people = h('summary');
  #names = h('ul');
  #typing = h('p', { class: 'typing', 'aria-live': 'polite' });
  #alert = h('p', { class: 'alert bad', role: 'alert' });
  #text;

  constructor(chat, account, name, onLeave) {
    this.#room = chat.join(name, { history: PAGE, presence: true });
    this.list = new MessageList(name, {
      older: (before) =>
        account.request(
          `/v1/rooms/${encodeURIComponent(name)}/messages?before=${before}&limit=${PAGE}`,
        ),
      again: (draft) => this.#send(draft),
      isOwn: (user) => user === chat.user?.id,
      author: () => chat.user,
    });
    const leave = () => {
      this.#room.leave();
      for (const off of this.#ears) off();
      onLeave();
    };
    const label = { 'aria-label': `Leave ${name}`, title: 'Leave' };
    this.element = h(
      'article',
      { class: 'room card', 'data-room': name, 'aria-label': `Room ${name}` },
      h(
        'header',
        {},
        h('h3', {}, name),
        h('details', { class: 'people' }, this.#people, this.#names),
        h('button', { class: 'quiet icon', onclick: leave, ...label }, '×'),
      ),
      this.list.element,
      this.#typing,
      this.#alert,
      this.#form(name),
    );
    this.#listen(chat);
  }

  focus() {
    this.#text.focus();
  }

  shown() {
    this.list.toEnd();
  }

  #form(name) {
    this.#text = h('textarea', {
      name: 'text',
      rows: 1,
      required: true,
      autocomplete: 'off',
      placeholder: 'Say something',
      'aria-label': `Message to ${name}`,
      oninput: ({ target }) => this.#room.typing(target.value !== ''),
      onkeydown: (event) => this.#key(event),
    });
    const form = h('form', { class: 'say' }, this.#text, h('button', {}, 'Send'));
    onSubmit(form, ({ text }) => {
      form.reset();
      this.list.toEnd();
      this.#send({ text });
    });
    return form;
  }

  #key(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    event.target.form.requestSubmit();
  }

  /** A message that got so far as to be shown shows its own fate; of others it is told here. */
  #send(draft) {
    let isShown = false;
    this.#say('');
    const off = this.#room.on('sending', () => {
      isShown = true;
    });
    const sent = this.#room.send(draft);
    off();
    sent.catch((error) => {
      if (isShown) return;
      this.#say(`Not sent: ${error.message}`);
      this.#text.value ||= draft.text ?? '';
    });
  }

  #say(text) {
    this.#alert.textContent = text;
  }

  #listen(chat) {
    const room = this.#room;
    room.on('message', (message) => this.list.show(message));
    room.on('sending', (message) => this.list.show(message));
    room.on('reset', ({ reason }) => this.list.restart(reason));
    room.on('presence', (presence) => this.#attend(presence));
    room.on('typing', (typing) => this.#heed(typing));
    room.on('left', ({ reason }) => this.#say(`You were taken out of this room: ${reason}`));
    room.on('joined', () => {
      this.list.joined();
      this.#say('');
    });
    this.#ears = [
      chat.on('error', (error) => {
        if (error.room === room.name) this.#say(`Refused: ${error.message}`);
      }),
      chat.on('state', (state) => {
        if (state !== 'online') this.#attend({ count: 0, members: [] });
      }),
    ];
  }

  #attend({ count, members }) {
    const faces = members.slice(0, FACES).map(avatar);
    const more = count > FACES && faces.length ? `+${count - FACES}` : '';
    replace(
      this.#people,
      h('span', { class: 'faces', 'aria-hidden': 'true' }, faces, more),
      h('span', {}, count ? `${count} here` : '…'),
    );
    const named = (member) => h('li', {}, avatar(member), member.name ?? member.id);
    replace(this.#names, members.map(named));
  }

  #heed({ user, on }) {
    if (on) this.#typists.add(user);
    else this.#typists.delete(user);
    const names = [...this.#typists].join(', ');
    say(this.#typing, names && `${names} ${this.#typists.size > 1 ? 'are' : 'is'} typing`);
  }
}
