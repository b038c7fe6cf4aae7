// EventStream: one EventSource at a time, opened again when it cannot recover by itself.
//
// While the browser reconnects, Last-Event-ID makes the stream whole. When the browser gives up (an answer that is no
// stream), the stream is opened anew from shortly before the last event's time, and what was seen already is left out.

import { parseSummary, type LiveEvent } from "./event";
import type { Connection } from "./state";

const SEEN_MAX = 8_192;
const OVERLAP_MS = 2_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 15_000;

export interface StreamListener {
  onEvent(event: LiveEvent): void;
  onConnection(connection: Connection): void;
  onNotice(kind: "gap" | "failure", text: string): void;
}

export function streamUrl(pattern: string, from: string): string {
  return `/events/${encodeURIComponent(pattern)}?from=${encodeURIComponent(from)}`;
}

// The sentence in a gap, a failure or an error envelope.
export function messageIn(data: string, otherwise: string): string {
  try {
    const json = JSON.parse(data) as { message?: unknown; error?: { message?: unknown } } | null;
    const found = json?.message ?? json?.error?.message;
    return typeof found === "string" && found !== "" ? found.slice(0, 500) : otherwise;
  } catch {
    return otherwise;
  }
}

let lastSeq = 0;

export class EventStream {
  private source: EventSource | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private retryMs = RETRY_FIRST_MS;
  private readonly seen = new Set<string>();
  private lastTimeMs = 0;
  private closed = false;

  constructor(
    private readonly pattern: string,
    private readonly from: string,
    private readonly listener: StreamListener,
  ) {
    this.open(from);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.source?.close();
  }

  private open(from: string): void {
    const url = streamUrl(this.pattern, from);
    const source = new EventSource(url);
    this.source = source;
    source.onopen = () => {
      this.retryMs = RETRY_FIRST_MS;
      this.listener.onConnection("live");
    };
    source.onmessage = (message: MessageEvent<string>) => this.take(message);
    source.addEventListener("gap", (message: MessageEvent<string>) => {
      this.listener.onNotice("gap", messageIn(message.data, "Some events are no longer kept and were left out."));
    });
    source.addEventListener("failure", (message: MessageEvent<string>) => {
      this.listener.onNotice("failure", messageIn(message.data, "The server ended the stream with an error."));
    });
    source.onerror = () => {
      if (this.closed) return;
      this.listener.onConnection("reconnecting");
      if (source.readyState === EventSource.CLOSED) void this.recover(url);
    };
  }

  private take(message: MessageEvent<string>): void {
    const id = message.lastEventId;
    if (id !== "") {
      if (this.seen.has(id)) return;
      this.seen.add(id);
      if (this.seen.size > SEEN_MAX) this.seen.delete(this.seen.values().next().value!);
    }
    const summary = parseSummary(message.data);
    if (!summary) {
      this.listener.onNotice("failure", "An event arrived that this page cannot read; it is not in the list.");
      return;
    }
    const timeMs = Date.parse(summary.receivedAt);
    if (timeMs > this.lastTimeMs) this.lastTimeMs = timeMs;
    this.listener.onEvent({ ...summary, seq: ++lastSeq, id, data: message.data });
  }

  // EventSource does not tell why it was refused, so the same is asked once more by fetch.
  private async recover(url: string): Promise<void> {
    const stop = new AbortController();
    try {
      const answer = await fetch(url, { headers: { Accept: "text/event-stream" }, signal: stop.signal });
      if (this.closed) return;
      if (answer.status >= 400 && answer.status < 500) {
        const text = messageIn((await answer.text()).slice(0, 4096), `The server answered ${answer.status}.`);
        if (this.closed) return;
        this.listener.onNotice("failure", text);
        this.listener.onConnection("refused");
        return;
      }
    } catch {
      // Not there: try again below.
    } finally {
      stop.abort();
    }
    if (this.closed) return;
    this.retry = setTimeout(() => this.open(this.resumeFrom()), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
  }

  private resumeFrom(): string {
    return this.lastTimeMs === 0 ? this.from : new Date(this.lastTimeMs - OVERLAP_MS).toISOString();
  }
}
