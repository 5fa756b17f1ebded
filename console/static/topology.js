// The processes as cards in tiers, and lines between them for who talks to whom.
import { $, h, replace, svg } from './dom.js';
import { isInSync } from './figures.js';
import { bytes, count, counted, duration } from './format.js';

export class Topology {
  #tiers = h('div', { class: 'tiers' });
  #lines = svg('svg', { class: 'lines', 'aria-hidden': 'true' });

  constructor(place) {
    place.append(this.#lines, this.#tiers);
    new ResizeObserver(() => this.#connect()).observe(this.#tiers);
  }

  draw(cluster, nodes) {
    replace(
      this.#tiers,
      tier(
        'Chat nodes',
        nodes.map((node) => nodeCard(node, node.name === cluster.node)),
      ),
      tier(cluster.engine === 'memory' ? 'Memory' : 'Master', [masterCard(cluster)]),
      tier('Replicas', cluster.replicas.map(replicaCard)),
      tier(
        'Sentinels',
        cluster.sentinels.map((one) => sentinelCard(one, cluster)),
      ),
    );
    this.#connect();
  }

  /** Draws from each who talks to the master, wherever the layout has put them. */
  #connect() {
    const frame = this.#tiers.getBoundingClientRect();
    const master = $('.master', this.#tiers)?.getBoundingClientRect();
    this.#lines.setAttribute('viewBox', `0 0 ${frame.width} ${frame.height}`);
    if (!master || !frame.width) return this.#lines.replaceChildren();
    const to = {
      x: middle(master) - frame.x,
      top: master.top - frame.y,
      bottom: master.bottom - frame.y,
    };
    const cards = [...this.#tiers.querySelectorAll('[data-line]')];
    return replace(
      this.#lines,
      cards.map((card) => way(card, card.getBoundingClientRect(), frame, to)),
    );
  }
}

const middle = ({ left, width }) => left + width / 2;

function way(card, box, frame, to) {
  const x = middle(box) - frame.x;
  const isAbove = box.bottom - frame.y <= to.top;
  const from = isAbove ? box.bottom - frame.y : box.top - frame.y;
  const end = isAbove ? to.top : to.bottom;
  const bend = (from + end) / 2;
  return svg('path', {
    class: card.dataset.line,
    d: `M${x} ${from}C${x} ${bend} ${to.x} ${bend} ${to.x} ${end}`,
  });
}

function tier(name, cards) {
  return cards.length === 0 ? null : h('section', {}, h('h4', {}, name), h('ul', {}, cards));
}

function card(kind, line, title, tags, facts) {
  return h(
    'li',
    { class: kind, 'data-line': line },
    h('b', {}, title),
    tags.filter(Boolean).map(([text, tone]) => h('span', { class: `tag ${tone}` }, text)),
    facts.filter(Boolean).map((fact) => h('small', {}, fact)),
  );
}

function nodeCard({ name, connections, published_s: published, delivered_s: delivered }, isThis) {
  return card(
    'node',
    'asks',
    name,
    [isThis && ['answers here', 'plain']],
    [
      connections !== undefined && counted(connections, 'connection'),
      published !== undefined && `${count(published)} published/s`,
      delivered !== undefined && `${count(delivered)} delivered/s`,
    ],
  );
}

function masterCard({ engine, master, log = {}, storage }) {
  if (engine === 'memory') {
    const facts = Object.entries(log).map(([name, number]) => counted(number, name));
    return card('master', null, storage.reason, [], facts);
  }
  if (!master)
    return card('master lost', null, 'no master', [['searching', 'warn']], [storage.reason]);
  const facts = [master.epoch !== undefined && `epoch ${master.epoch}`];
  return card('master', null, master.address, [], facts);
}

function replicaCard(replica) {
  const { address, down, online, lag_ms: lag, behind } = replica;
  const away = down
    ? ['called down', 'bad']
    : [online === false ? 'not connected' : 'catching up', 'warn'];
  const isFine = isInSync(replica);
  return card(
    'replica',
    isFine ? 'follows' : 'follows broken',
    address,
    [isFine ? ['in sync', 'good'] : away],
    [
      lag !== undefined && `lag ${duration(lag)}`,
      behind !== undefined && `${bytes(behind)} behind`,
    ],
  );
}

function sentinelCard({ address, up, master, epoch }, cluster) {
  const isElse = up !== false && master && cluster.master && master !== cluster.master.address;
  return card(
    'sentinel',
    null,
    address,
    [
      up === false ? ['not reached', 'bad'] : ['watching', 'good'],
      isElse && ['names another', 'warn'],
    ],
    [isElse && `names ${master}`, epoch !== undefined && `epoch ${epoch}`],
  );
}
