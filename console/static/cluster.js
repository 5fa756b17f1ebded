// The cluster: who is master, who follows, who watches, and how the storage has fared.
import { refusal } from './account.js';
import { checks } from './checks.js';
import { described } from './description.js';
import { $, confirmed, h, replace, say } from './dom.js';
import { drawFailovers, merged } from './failovers.js';
import { figures } from './figures.js';
import { History } from './history.js';
import { machine } from './machine.js';
import { Rates } from './rates.js';
import { Timeline } from './timeline.js';
import { Topology } from './topology.js';
import { polling } from './views.js';

const POLL_MS = 1000;

export function setUpCluster(account, chat) {
  const wrong = $('#cluster-error');
  const history = new History(chat);
  const rates = new Rates();
  const topology = new Topology($('#topology'));
  const timeline = new Timeline($('#timeline'));
  let refused = ''; // why the last failover was not begun

  async function poll() {
    try {
      draw(described(await account.request('/v1/admin/cluster')));
      say(wrong, refused);
    } catch (error) {
      say(wrong, refusal(error));
    }
  }

  function draw(cluster) {
    const now = Date.now();
    history.observe(cluster);
    const nodes = rates.of(cluster.nodes ?? {}, now);
    const failovers = merged(history.blackouts(now), cluster.failovers);
    replace(
      $('#figures'),
      figures(cluster, failovers, now).map(([name, value, tone]) =>
        h('div', { class: tone }, h('dt', {}, name), h('dd', {}, value)),
      ),
    );
    topology.draw(cluster, nodes);
    replace($('#machine'), machine(cluster.storage.phase));
    $('#reason').textContent = cluster.storage.reason;
    timeline.draw(history.turns, now);
    drawFailovers($('#failovers'), failovers);
    $('#checks').hidden = !cluster.checks?.length;
    replace($('#check-table'), checks(cluster.checks ?? []));
    $('#failover').hidden = cluster.failover !== true;
  }

  $('#failover').addEventListener('click', async () => {
    const why = 'A replica becomes master. Messages are held for a moment; nobody is disconnected.';
    if (!(await confirmed('Ask Sentinel for a failover?', why, 'Fail over'))) return;
    refused = '';
    await account.request('/v1/admin/failover', { method: 'POST' }).catch((error) => {
      refused = refusal(error);
    });
    say(wrong, refused);
  });

  return polling(POLL_MS, poll);
}
