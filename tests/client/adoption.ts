/** What docs/client.md tells a frontend developer to write, held against the declared types. */
import { Chat, ChatError, type Message, type Room, type Sending } from '../../console/client.js';

const shown = new Map<string | number, Message | Sending>();
const chat = new Chat('/ws', { getToken: async ({ fresh }) => (fresh ? 'new' : 'cached') });
const room: Room = chat.join('general', { history: 50, presence: true });

chat.on('state', (state, { retry_ms }) => state === 'waiting' && retry_ms?.toFixed());
chat.on('notice', ({ code }) => code.length);
chat.on('error', (error) => error instanceof ChatError && error.code);
chat.on('frame', ({ direction, frame, bytes, at }) => [direction, frame.type, bytes + at]);
function show(key: string | number, message: Message | Sending) {
  if (message.seq) shown.delete(key);
  shown.set(key, message);
}
room.on('message', (message) => show(message.cid ?? message.seq, message));
room.on('sending', (sending) => show(sending.cid, sending));
room.on('reset', ({ reason }) => reason === 'gap' || shown.clear());
room.on('presence', ({ count, members }) => `${count} ${members[0]?.name}`);
const stop: () => void = room.on('typing', ({ user, on }) => `${user} ${on}`);

chat.connect();
room.typing();
const { seq, ts } = await room.send({ text: 'hello', reply_to: 7, data: { mood: 'good' } });
stop();
room.leave();
chat.close();
export const sum: number = seq + ts;

// @ts-expect-error an event that does not exist
room.on('mesage', () => {});
// @ts-expect-error a token is needed
new Chat('/ws', {});
// @ts-expect-error a room's place is the client's to know
room.seq = 5;
