// Runs in a page: chats of the library, and what became of each.
import("/static/realtime/index.js").then(({ connect }) => {
  window.chats = [];

  window.join = (room, nick, transport) => {
    const client = { nick, seen: [], gaps: 0, unsent: 0, tries: [], story: [] };
    client.chat = connect({
      room,
      nick,
      transport,
      after: 0,
      share: false,
      storage: null,
      pollEvery: 300,
      onMessage: ({ seq, text }) => client.seen.push([seq, text]),
      onGap: () => (client.gaps += 1),
      onState: ({ state, since }) => {
        if (state === "connecting") client.tries.push(since);
      },
      onTrace: ({ kind, at, summary }) => {
        if (kind === "story") client.story.push(`${at} ${summary}`);
      },
    });
    chats.push(client);
  };

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  const postOne = (client, text) => {
    client.unsent += 1;
    client.chat.post(text).then(() => (client.unsent -= 1));
  };

  // Each its own, numbered, at a pace of its own.
  window.postMany = (count) => {
    for (const client of chats) {
      client.toPost = count;
      (async () => {
        for (let k = 0; k < count; k += 1) {
          postOne(client, `${client.nick} ${k}`);
          client.toPost -= 1;
          await pause(Math.random() * 250);
        }
      })();
    }
  };

  window.allOpen = () => chats.every(({ chat }) => chat.state.state === "open");

  window.allSaw = (count) =>
    chats.every(
      (client) =>
        !client.toPost && client.unsent === 0 && client.seen.length >= count,
    );

  window.report = () =>
    chats.map(({ chat, nick, seen, unsent, story }) => ({
      nick,
      state: chat.state,
      seen: seen.length,
      unsent,
      story: story.slice(-12),
    }));
});
