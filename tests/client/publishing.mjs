/** What a test does with messages on their way: reads them, and answers the newest one. */
export const published = (world) => world.socket.sent('publish').map(({ text }) => text);
export const ack = (world, ref, fields = {}) => {
  const { id, cid } = world.socket.sent('publish').at(-1);
  world.socket.say({ type: 'ack', id, cid, room: 'general', ref, ts: ref * 10, ...fields });
};
export const refuse = (world, code, fields = {}) => {
  const { id, cid } = world.socket.sent('publish').at(-1);
  world.socket.say({ type: 'error', id, cid, room: 'general', code, ...fields });
};
export const states = (of) => of('sending').map(({ text, state }) => `${text} ${state}`);
export const reconnect = async (world, joined) => {
  world.socket.drop(4300);
  await world.greet();
  world.admit({ events: [], ...joined });
};
