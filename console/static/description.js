// What an engine tells of itself, in the one shape that the cluster view draws.

/** Returns the description with lists where an engine has names only, or nothing at all. */
export function described({ master, replicas, sentinels = [], nodes = {}, storage, ...rest }) {
  const named = (master?.insync ?? []).map((address) => ({ address, in_sync: true }));
  const held = Object.values(nodes)
    .map((node) => node.held)
    .filter(Number.isFinite);
  return {
    ...rest,
    master,
    nodes,
    storage: { held: held.length ? held.reduce((sum, n) => sum + n, 0) : undefined, ...storage },
    replicas: replicas ?? named,
    sentinels: Array.isArray(sentinels)
      ? sentinels
      : Object.entries(sentinels).map(([address, up]) => ({ address, up })),
  };
}
