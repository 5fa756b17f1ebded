// The few figures that say whether all is well.
import { age, count, duration } from './format.js';

export const PHASE = { up: 'up', failing_over: 'failing over', down: 'down', starting: 'starting' };
const TONE = { up: 'good', failing_over: 'warn', down: 'bad', starting: 'warn' };
const MUTE_S = 20; // four canaries that did not come back: the server calls it degraded

/** Returns [name, value, tone] of each figure that this storage has. */
export function figures(cluster, failovers, now) {
  const { storage, master, replicas, sentinels, quorum, nodes = {}, health } = cluster;
  const connections = Object.values(nodes)
    .map((node) => node.connections)
    .filter(Number.isFinite);
  const found = [
    [
      'Storage',
      `${PHASE[storage.phase] ?? storage.phase} for ${age(now - storage.since)}`,
      TONE[storage.phase] ?? 'warn',
    ],
    cluster.engine === 'memory' ? ['Engine', 'memory'] : ['Master', master?.address ?? 'none', master ? '' : 'warn'],
    [
      'Replicas in sync',
      replicas.length && `${replicas.filter(isInSync).length} of ${replicas.length}`,
      replicas.every(isInSync) ? 'good' : 'warn',
    ],
    [
      'Sentinels',
      sentinels.length && watching(sentinels, quorum),
      isWatched(sentinels, quorum) ? 'good' : 'bad',
    ],
    [
      'Held publishes',
      storage.held === undefined ? undefined : held(storage),
      storage.held ? 'warn' : '',
    ],
    [
      'Connections',
      connections.length ? count(connections.reduce((sum, n) => sum + n, 0)) : undefined,
    ],
    ['This node', health?.status, health?.status === 'ready' ? 'good' : 'warn'],
    [
      'Canary',
      health && `${count(Math.round(health.checks.canary_age_s))} s ago`,
      health?.checks.canary_age_s > MUTE_S ? 'bad' : '',
    ],
    ['Blackouts', failovers.length ? blackouts(failovers) : 'none yet'],
  ];
  return found.filter(([, value]) => ![undefined, 0].includes(value));
}

export const isInSync = ({ in_sync: inSync, online, down }) => (inSync ?? online) === true && !down;

const awake = (sentinels) => sentinels.filter(({ up }) => up !== false).length;

function watching(sentinels, quorum) {
  return `${awake(sentinels)} of ${sentinels.length}${quorum ? `, quorum ${quorum}` : ''}`;
}

/** A failover takes the quorum, and a majority of all (the sentinels' own rule). */
function isWatched(sentinels, quorum = 1) {
  return awake(sentinels) >= Math.max(quorum, Math.floor(sentinels.length / 2) + 1);
}

function blackouts({ length, 0: { ms, isOver } }) {
  return `${length}, ${isOver ? 'last' : 'now for'} ${duration(ms)}`;
}

function held({ held: number, held_oldest_ms: oldest }) {
  return number && oldest ? `${count(number)} for ${duration(oldest)}` : count(number);
}
