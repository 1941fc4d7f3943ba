// The connection to Web PubSub, on the official client; it reports frames and its own state, nothing else.

import { WebPubSubClient } from "@azure/web-pubsub-client";

const EVENT = "message";
const START_AGAIN_MS = 2_000;
const RECONNECT = { maxRetries: Number.MAX_VALUE, retryDelayInMs: 1_000, maxRetryDelayInMs: 15_000, mode: "Exponential" };

/**
 * Make a connection that reconnects until it is closed.
 * @param {object} options
 * @param {() => Promise<string>} options.accessUrl a fresh client URL
 * @param {(frame: object) => void} options.onFrame
 * @param {() => void} options.onConnected a new connection stands: the session is to be opened on it
 * @param {() => void} options.onRecovered the same connection stands again
 * @param {(state: "online" | "connecting" | "offline") => void} options.onState
 */
export function createSocket({ accessUrl, ...handlers }) {
  const life = { established: false, closed: false, started: false };
  const getClientAccessUrl = async () => {
    // A hidden tab waits: a person's sixth connection closes the oldest, and six tabs would fight for five places.
    if (life.started) await visible();
    return accessUrl();
  };
  const client = new WebPubSubClient({ getClientAccessUrl }, { reconnectRetryOptions: RECONNECT });
  const unwatch = listen(client, life, handlers);

  return {
    start: () => start(client, life, handlers),
    /** Send one wire message. Rejects when it did not reach the service; `error.errorDetail` is the service's refusal. */
    send: (message) => client.sendEvent(EVENT, message, "json"),
    close: () => {
      life.closed = true;
      unwatch();
      client.stop();
    },
  };
}

/** Tell the handlers what happens to the connection; returns how to stop watching. */
function listen(client, life, { onFrame, onConnected, onRecovered, onState }) {
  const onClose = () => {
    if (!life.closed) onState("offline");
  };
  client.on("connected", () => {
    life.established = true;
    onState("online");
    onConnected();
  });
  client.on("disconnected", () => {
    life.established = false;
    onClose();
  });
  client.on("server-message", ({ message }) => onFrame(payload(message)));
  client.on("group-message", ({ message }) => onFrame(payload(message)));
  return watchSockets({
    onClose,
    onOpen: () => {
      // Before `connected` a new socket is not yet a connection; after a loss it is the old one, recovered.
      if (!life.established) return;
      onState("online");
      onRecovered();
    },
  });
}

/** Start, again and again: the client gives up when its first start fails; a page that was opened too early shall not. */
async function start(client, life, { onState }) {
  onState("connecting");
  while (!life.closed) {
    try {
      await client.start();
      life.started = true;
      return;
    } catch {
      onState("offline");
      await new Promise((resolve) => setTimeout(resolve, START_AGAIN_MS));
    }
  }
}

function payload(message) {
  return typeof message.data === "string" ? JSON.parse(message.data) : message.data;
}

function visible() {
  if (document.visibilityState === "visible") return Promise.resolve();
  return new Promise((resolve) => {
    const check = () => {
      if (document.visibilityState !== "visible") return;
      document.removeEventListener("visibilitychange", check);
      resolve();
    };
    document.addEventListener("visibilitychange", check);
  });
}

/** The client says nothing while it recovers a lost connection (up to 30 s), so the sockets themselves are watched. */
function watchSockets({ onOpen, onClose }) {
  const Native = globalThis.WebSocket;
  globalThis.WebSocket = class extends Native {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("open", onOpen);
      this.addEventListener("close", onClose);
    }
  };
  return () => {
    globalThis.WebSocket = Native;
  };
}
