// Recorded events and changes as they happen, over one connection for all tabs of the browser.
//
// A browser opens six connections to a host, which the developer's own application needs too. So
// one visible tab holds a lock and the stream, and passes its messages on to the other tabs.
import { getRecorded } from "./api.js";

/** @typedef {import("./api.js").Recorded} Recorded */
/** @typedef {{started: number, project: number, faults: number, recorded: number, unknownNames: number}} Counts */
/** @typedef {{type: "recorded", event: Recorded} | {type: "change", counts: Counts} | {type: "link", up: boolean} | {type: "skipped"}} Message */

const LOCK = "statsig-local-stream";
const PAGE_SIZE = 1000;

const channel = new BroadcastChannel(LOCK);
/** @type {Set<(message: Message) => void>} */
const listeners = new Set();
let lastId = 0;
let started = 0;
/** @type {Promise<void> | null} */
let catchingUp = null;
/** @type {AbortController | null} */
let session = null;

/**
 * Call a function for each message, until the returned function is called.
 * @param {(message: Message) => void} listener
 */
export function subscribe(listener) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** Start to receive messages. */
export async function start() {
  channel.onmessage = ({ data }) => receive(data);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) pause();
    else resume();
  });
  const newest = await getRecorded({ order: "newest", limit: 1 }).catch(() => null);
  lastId = newest?.items[0]?.id ?? 0;
  if (!document.hidden) resume();
}

function pause() {
  session?.abort();
  session = null;
}

function resume() {
  session?.abort();
  session = new AbortController();
  const { signal } = session;
  void catchUp();
  // Only secure contexts have locks; a loopback address is one, another host over HTTP is not.
  if (navigator.locks) {
    navigator.locks.request(LOCK, { signal }, () => listen(signal, true)).catch(() => {});
  } else {
    void listen(signal, false);
  }
}

/**
 * Hold the stream until the signal ends it.
 * @param {AbortSignal} signal
 * @param {boolean} share
 * @returns {Promise<void>}
 */
function listen(signal, share) {
  return new Promise((resolve) => {
    const source = new EventSource(`/local/stream?after=${lastId}`);
    /** @param {Message} message */
    const handle = (message) => {
      if (share) channel.postMessage(message);
      receive(message);
    };
    source.addEventListener("recorded", ({ data }) =>
      handle({ type: "recorded", event: JSON.parse(data) }),
    );
    source.addEventListener("change", ({ data }) =>
      handle({ type: "change", counts: JSON.parse(data) }),
    );
    source.onopen = () => handle({ type: "link", up: true });
    source.onerror = () => handle({ type: "link", up: false });
    signal.addEventListener("abort", () => {
      source.close();
      resolve();
    });
  });
}

/** @param {Message} message */
function receive(message) {
  if (message.type === "change") {
    if (started && message.counts.started !== started) lastId = 0; // The server was restarted.
    started = message.counts.started;
  } else if (message.type === "recorded") {
    if (message.event.id <= lastId) return;
    if (message.event.id > lastId + 1) {
      void catchUp();
      return;
    }
    lastId = message.event.id;
  }
  for (const listener of listeners) listener(message);
}

/** Fetch the events that no message brought, such as those of the time when the tab was hidden. */
function catchUp() {
  catchingUp ??= fetchMissed().finally(() => {
    catchingUp = null;
  });
  return catchingUp;
}

async function fetchMissed() {
  const page = await getRecorded({ after: lastId, limit: PAGE_SIZE }).catch(() => null);
  for (const event of page?.items ?? []) {
    if (event.id <= lastId) continue;
    lastId = event.id;
    for (const listener of listeners) listener({ type: "recorded", event });
  }
  if (page?.next != null) {
    // Too many to show: the views load the newest ones.
    const newest = await getRecorded({ order: "newest", limit: 1 }).catch(() => null);
    lastId = newest?.items[0]?.id ?? lastId;
    for (const listener of listeners) listener({ type: "skipped" });
  }
}
