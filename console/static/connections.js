// Everyone who is connected, to any node: found by a word, and disconnected if need be.
import { refusal } from './account.js';
import { $, confirmed, h, say } from './dom.js';
import { age, counted } from './format.js';
import { polling } from './views.js';

const POLL_MS = 3000;
const SHOWN = 500;
const COLUMNS = ['User', 'Rooms', 'Client', 'Node', 'Network', 'For', 'Connection', ''];

export function setUpConnections(account, chat) {
  const wrong = $('#connections-error');
  const body = h('tbody');
  const rows = new Map(); // by connection, so that a focused button stays
  let items = [];
  let refused = ''; // why the last order was not carried out
  let self;

  const head = COLUMNS.map((name) =>
    h('th', { scope: 'col' }, name || h('span', { class: 'unseen' }, 'Disconnect')),
  );
  const caption = h('caption', { class: 'unseen' }, 'Connections, the oldest first');
  $('#connection-table').append(h('table', {}, caption, h('thead', {}, h('tr', {}, head)), body));

  async function poll() {
    try {
      ({ items } = await account.request('/v1/admin/connections'));
      say(wrong, refused);
      draw();
    } catch (error) {
      say(wrong, refusal(error));
    }
  }

  function draw() {
    const words = $('#who').value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = items.filter((item) =>
      words.every((word) => JSON.stringify(item).toLowerCase().includes(word)),
    );
    const shown = found.slice(0, SHOWN);
    const stay = new Set(shown.map((item) => item.conn));
    for (const [conn, row] of rows) {
      if (stay.has(conn)) continue;
      row.remove(); // first: who moves up behind it is not moved, and keeps the focus
      rows.delete(conn);
    }
    shown.forEach((item, i) => {
      const row = rows.get(item.conn) ?? build(item);
      rows.set(item.conn, row);
      update(row, item);
      if (body.children[i] !== row) body.insertBefore(row, body.children[i] ?? null);
    });
    const cut = found.length > SHOWN ? `, the first ${SHOWN} shown` : '';
    say($('#count'), `${found.length} of ${counted(items.length, 'connection')}${cut}`);
  }

  function build({ conn, user }) {
    const out = h(
      'button',
      { class: 'quiet', 'aria-label': `Disconnect ${conn} of ${user}` },
      'Disconnect',
    );
    const all = h(
      'button',
      { class: 'quiet', 'aria-label': `All of user ${user}: disconnect` },
      'All of user',
    );
    out.addEventListener('click', () =>
      end(`/v1/admin/connections/${conn}`, 'DELETE', `connection ${conn} of ${user}`),
    );
    all.addEventListener('click', () =>
      end(
        `/v1/admin/users/${encodeURIComponent(user)}/disconnect`,
        'POST',
        `every connection of ${user}`,
      ),
    );
    const cells = COLUMNS.slice(0, -1).map((name) => h('td', { 'data-label': name }));
    return h('tr', { 'data-conn': conn }, cells, h('td', { class: 'actions' }, out, all));
  }

  function update(row, { conn, user, rooms = [], client = '–', node, address, since }) {
    const isSelf = conn === self;
    const values = [
      user,
      rooms.join(', ') || '–',
      client,
      node,
      address || '–',
      age(Date.now() - since),
      isSelf ? `${conn} (this page)` : conn,
    ];
    values.forEach((value, i) => say(row.children[i], value));
    row.classList.toggle('self', isSelf);
  }

  async function end(path, method, whom) {
    if (!(await confirmed(`Disconnect ${whom}?`, 'The client is told to stay away.', 'Disconnect')))
      return;
    refused = '';
    await account.request(path, { method }).catch((error) => {
      refused = refusal(error);
    });
    await poll();
  }

  $('#who').addEventListener('input', draw);
  chat.on('frame', ({ frame }) => {
    if (frame.type === 'welcome') self = frame.conn;
  });

  return polling(POLL_MS, poll);
}
