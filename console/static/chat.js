// The chat: rooms side by side, each joined once, and again after a reload.
import { $, onSubmit } from './dom.js';
import { RoomPanel } from './room_panel.js';
import { session } from './storage.js';

const ROOMS = 'holdfast.rooms';

export function setUpChat(chat, account) {
  const panels = new Map();

  function enter(name) {
    const panel = panels.get(name) ?? new RoomPanel(chat, account, name, () => leave(name));
    if (!panels.has(name)) $('#rooms').append(panel.element);
    panels.set(name, panel);
    remember();
    return panel;
  }

  function leave(name) {
    panels.get(name).element.remove();
    panels.delete(name);
    remember();
    $('#join input').focus();
  }

  function remember() {
    $('#no-room').hidden = panels.size > 0;
    session.setItem(ROOMS, JSON.stringify([...panels.keys()]));
  }

  onSubmit($('#join'), ({ room }) => enter(room).focus());
  for (const name of JSON.parse(session.getItem(ROOMS) ?? '[]')) enter(name);

  return {
    show() {
      for (const panel of panels.values()) panel.shown();
    },
  };
}
