// What the server says of a token that a person was asked for: refused, it is asked for anew.
import { reason } from './requests.js';

export function setUpRenewal(chat, account) {
  let sent; // the id of the last token

  async function refused(error) {
    // A token that could not be looked at is repeated by the client.
    if (!account.refused(reason(error)) || error.retry_ms !== undefined) return;
    const token = await account.token({ fresh: true });
    if (chat.state === 'online') chat.ask({ type: 'auth', token }, () => {});
    else chat.connect();
  }

  // Among the frames it is seen for each token: that the first one of a connection is refused, the
  // client tells by the end of the connection alone, and without the reason.
  chat.on('frame', ({ direction, frame }) => {
    const { type, id } = frame;
    if (direction === 'out') sent = type === 'auth' ? id : sent;
    else if (id !== sent) return;
    else if (type === 'error') refused(frame);
    else if (type === 'ack' || type === 'welcome') account.taken();
  });
  // The client gave it to no server, and will ask again.
  chat.on('error', ({ code }) => code === 'token_unavailable' && account.refused('it is no token'));
}
