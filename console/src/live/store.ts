// LiveStore: the state between the stream and the page. Arrivals are gathered and become one change per animation frame
// (ten a second while many arrive, one in a hidden tab), so that drawing costs the same at 100 and at 10,000 events a
// second.

import * as change from "./state";
import type { LiveEvent } from "./event";
import { Meter } from "./meter";
import { EventStream } from "./stream";

const HIDDEN_FLUSH_MS = 1_000;
const CATCH_UP_MS = 10_000;
// Nobody reads more than this often; fewer than BUSY_BATCH events at once are shown at the next frame.
const BUSY_FLUSH_MS = 100;
const BUSY_BATCH = 4;

export class LiveStore {
  readonly meter = new Meter();
  private state: change.LiveState = change.INITIAL;
  private gathered: LiveEvent[] = [];
  private leftOut = 0;
  private scheduled = false;
  private openedMs = 0;
  private flushedMs = 0;
  private busy = false;
  private stream: EventStream | null = null;
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly snapshot = (): change.LiveState => this.state;

  // Replaces the stream that was open.
  open(pattern: string, from: string): void {
    this.close();
    this.set(change.restart(this.state, pattern));
    this.meter.reset();
    this.openedMs = Date.now();
    this.stream = new EventStream(pattern, from, {
      onEvent: (event) => this.take(event),
      onConnection: (connection) => this.set(change.connection(this.state, connection)),
      onNotice: (kind, text) => this.set(change.notice(this.state, kind, text)),
    });
  }

  close(): void {
    this.stream?.close();
    this.stream = null;
    this.gathered = [];
    this.leftOut = 0;
  }

  togglePause(): void {
    this.flush();
    this.set(this.state.paused ? change.resume(this.state) : change.pause(this.state));
  }

  clear(): void {
    this.flush();
    this.set(change.clear(this.state));
  }

  dismiss(id: number): void {
    this.set(change.dismiss(this.state, id));
  }

  private take(event: LiveEvent): void {
    this.measure(event);
    this.gathered.push(event);
    if (this.gathered.length > 2 * change.EVENTS_MAX) {
      this.gathered = this.gathered.slice(-change.EVENTS_MAX);
      this.leftOut += change.EVENTS_MAX + 1;
    }
    if (!this.scheduled) this.schedule();
  }

  // No animation frame comes while the tab is hidden, and one asked for before it was hidden may come late.
  private schedule(): void {
    this.scheduled = true;
    let done = false;
    const once = () => {
      if (done) return;
      done = true;
      clearTimeout(late);
      this.scheduled = false;
      this.flush();
    };
    const late = setTimeout(once, HIDDEN_FLUSH_MS);
    if (document.hidden) return;
    const pauseMs = this.busy ? BUSY_FLUSH_MS - (performance.now() - this.flushedMs) : 0;
    if (pauseMs > 0) setTimeout(() => requestAnimationFrame(once), pauseMs);
    else requestAnimationFrame(once);
  }

  // A stream begins with what it missed: that counts for the time when it was received, not for now. Later the browser's
  // own clock is taken, since the server's may differ.
  private measure(event: LiveEvent): void {
    const now = Date.now();
    const received = Date.parse(event.receivedAt);
    const catchingUp = now - this.openedMs < CATCH_UP_MS && received < now;
    this.meter.add(1, catchingUp ? received : now, now);
  }

  private flush(): void {
    const batch = this.gathered;
    const leftOut = this.leftOut;
    this.gathered = [];
    this.leftOut = 0;
    this.busy = batch.length > BUSY_BATCH;
    this.flushedMs = performance.now();
    this.set(change.arrive(this.state, batch, leftOut));
  }

  private set(state: change.LiveState): void {
    if (state === this.state) return;
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}
