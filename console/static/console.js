// The debug console: what a frontend would build, with the frames beside it.
import { Chat } from '/client.js';

const FRAMES_SHOWN = 500;
const $ = (selector, root = document) => root.querySelector(selector);
const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;

let chat;

function submit(form, act) {
  form?.addEventListener('submit', event => {
    event.preventDefault();
    act(new FormData(form));
  });
}

submit($('#with-token'), data => signIn(() => data.get('token').trim()));
submit($('#as-user'), data => signIn(() => tokenOf(data.get('user'))));
submit($('#join'), data => enter(data.get('room')));

async function tokenOf(user) {
  const response = await fetch('/console/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user }),
  });
  if (!response.ok) throw new Error(`no token: ${response.status}`);
  return (await response.json()).token;
}

function signIn(getToken) {
  chat?.close();
  $('#rooms').replaceChildren();
  chat = new Chat(url, { getToken });
  chat.on('state', (state, detail) => show(state, detail.reason ? `${state}: ${detail.reason}` : state));
  chat.on('notice', notice => {
    if (notice.code === 'degraded') show('degraded', 'online, storage is failing over');
    if (notice.code === 'recovered') show('online', 'online');
  });
  chat.on('error', error => show('online', `refused: ${error.code}`));
  chat.on('frame', list);
  chat.connect();
  $('#join').hidden = false;
}

function show(state, text) {
  $('#state').dataset.state = state;
  $('#state').textContent = text;
}

function list({ direction, frame }) {
  const line = document.createElement('li');
  line.className = direction;
  line.textContent = JSON.stringify(frame);
  const lines = $('#frame-list');
  lines.append(line);
  while (lines.childElementCount > FRAMES_SHOWN) lines.firstElementChild.remove();
  lines.scrollTop = lines.scrollHeight;
}

function enter(name) {
  if ([...document.querySelectorAll('.room')].some(room => room.dataset.room === name)) return;
  const room = chat.join(name, { history: 50, presence: true });
  const view = $('#room').content.cloneNode(true).firstElementChild;
  const typists = new Set();
  view.dataset.room = name;
  $('h2', view).textContent = name;
  $('#rooms').append(view);

  room.on('reset', () => $('.messages', view).replaceChildren());
  room.on('message', message => upsert(view, message, 'acked'));
  room.on('sending', sending => upsert(view, sending, sending.state));
  room.on('presence', presence => people(view, presence));
  room.on('joined', joined => people(view, joined.presence));
  room.on('typing', ({ user, on }) => {
    on ? typists.add(user) : typists.delete(user);
    $('.typing', view).textContent = typists.size ? `${[...typists].join(', ')} typing …` : '';
  });

  const form = $('.say', view);
  submit(form, data => {
    form.reset();
    room.typing(false);
    room.send(data.get('text')).catch(error => show('online', `refused: ${error.code}`));
  });
  $('input', form).addEventListener('input', () => room.typing(true));
  $('input', form).focus();
}

function people(view, { count, members = [] }) {
  const names = members.map(member => member.name ?? member.id).join(', ');
  $('.people', view).textContent = `${count} here: ${names}`;
}

// A message of our own is on the page before it has a place: its cid finds it again.
function upsert(view, message, state) {
  const lines = $('.messages', view);
  const key = message.cid ?? `seq-${message.seq}`;
  let line = [...lines.children].find(element => element.dataset.key === key);
  if (!line) {
    line = document.createElement('li');
    line.dataset.key = key;
    line.append(document.createElement('b'), document.createTextNode(''));
    lines.append(line);
  }
  line.dataset.state = state;
  if (message.seq) line.dataset.seq = message.seq;
  line.firstChild.textContent = message.name ?? message.user ?? line.firstChild.textContent ?? '';
  line.lastChild.textContent = ` ${message.text ?? JSON.stringify(message.data)}`;
  lines.scrollTop = lines.scrollHeight;
}
