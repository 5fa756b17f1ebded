// The console: signing in, then its views over one chat.
import { Chat } from '/client.js';
import { Account } from './account.js';
import { setUpChat } from './chat.js';
import { setUpCluster } from './cluster.js';
import { setUpConnections } from './connections.js';
import { $, onSubmit } from './dom.js';
import { setUpFrames } from './frames.js';
import { setUpRenewal } from './renewal.js';
import { setUpStatus } from './status.js';
import { session } from './storage.js';
import { setUpTheme } from './theme.js';
import { DevelopersTokens, PastedTokens } from './tokens.js';
import { setUpViews } from './views.js';

const USER = 'holdfast.user'; // of a development server: who one was before a reload
const isDevelopment = document.body.dataset.dev === 'yes';

setUpTheme($('#theme'));
for (const button of document.querySelectorAll('#people button')) {
  button.addEventListener('click', () => signInAs(button.dataset.user));
}
onSubmit($('#as-user'), ({ user }) => signInAs(user));
onSubmit($('#with-token'), ({ token }) => signIn(new PastedTokens(token.trim())));
$('#sign-out').addEventListener('click', () => {
  session.clear();
  location.reload();
});
const known = isDevelopment && session.getItem(USER);
if (known) signInAs(known);

function signInAs(user) {
  session.setItem(USER, user);
  return signIn(new DevelopersTokens(user));
}

async function signIn(tokens) {
  const account = new Account(tokens);
  try {
    account.isAdmin = await mayAdministrate(account);
  } catch (error) {
    $('#sign-in-error').textContent = `Not signed in: ${error.message}`;
    return;
  }
  if ($('#sign-in').hidden) return; // a click before was answered meanwhile
  $('#with-token').reset();
  start(account);
}

/** In production this is a tool for administrators; the server decides who is one. */
async function mayAdministrate(account) {
  try {
    await account.request('/v1/admin/cluster', { renews: false });
    return true;
  } catch (error) {
    const isElse = error.code !== 'forbidden';
    // While the storage is away nobody can say; the views that need the scope will.
    if (isElse && error.status >= 500) return true;
    if (isElse || !isDevelopment) throw error;
    return false;
  }
}

function start(account) {
  const chat = new Chat('/ws', { getToken: (options) => account.token(options) });
  // Before the dialog takes it: a token that comes between two attempts would be asked for again.
  const hurry = () => chat.state === 'waiting' && chat.connect();
  $('#renew form').addEventListener('submit', hurry, { capture: true });
  setUpRenewal(chat, account);
  setUpStatus(chat);
  setUpViews({
    frames: setUpFrames(chat),
    chat: setUpChat(chat, account),
    cluster: setUpCluster(account, chat),
    connections: setUpConnections(account, chat),
  });
  chat.connect();
}
