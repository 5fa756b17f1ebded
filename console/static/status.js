// The state of the connection, as it is: what works, what is held, what is tried next.
import { $, say } from './dom.js';
import { age } from './format.js';

const SECOND_MS = 1000;
const TEXT = {
  idle: () => 'not connected',
  connecting: () => 'connecting …',
  online: () => 'online',
  degraded: () => 'online; messages are held',
  offline: () => 'this device is offline',
  waiting: ({ reason }) => `cut off${reason ? ` (${reason})` : ''}`,
  closed: () => 'closed',
  failed: ({ reason, code }) => `disconnected: ${reason || code}`,
};

export function setUpStatus(chat) {
  let detail = {};
  let until = 0;

  function kind() {
    if (chat.state === 'online') return chat.degraded ? 'degraded' : 'online';
    return chat.state === 'waiting' && !navigator.onLine ? 'offline' : chat.state;
  }

  function show() {
    const now = kind();
    const text = TEXT[now](detail);
    const state = $('#state');
    say(state, text);
    state.dataset.state = now;
    $('#reconnect').hidden = !['waiting', 'offline', 'failed', 'closed'].includes(now);
    const left = until - Date.now();
    $('#retry').textContent =
      chat.state === 'waiting' && left > 0 ? `next try in ${age(left)}` : '';
    $('#user').hidden = !chat.user;
    $('#user').textContent = chat.user?.name ?? chat.user?.id ?? '';
  }

  chat.on('state', (_, next) => {
    detail = next;
    until = Date.now() + (next.retry_ms ?? 0);
    show();
  });
  chat.on('notice', show);
  addEventListener('online', show);
  addEventListener('offline', show);
  setInterval(show, SECOND_MS);
  $('#reconnect').addEventListener('click', () => chat.connect());
}
