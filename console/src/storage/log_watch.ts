// LogWatch: asks the server for the state of its log every few seconds, for as long as it is started. What was read last
// stays when an answer fails to come, with the failure beside it.

import { readLogStatus, type LogStatus } from "./log_status";

export const ADDRESS = "/api/v1/admin/log";
export const POLL_MS = 5_000;
// Where asking again will hardly help, it is done less often.
export const REFUSED_POLL_MS = 60_000;
export const TIMEOUT_MS = 10_000;

export type Failure =
  | { kind: "unreachable" }
  | { kind: "forbidden" } // Told to browsers on the server's own machine only.
  | { kind: "missing" } // The server does not have this.
  | { kind: "status"; status: number }
  | { kind: "unreadable" }; // Not the answer that this page knows.

export interface Reading {
  status: LogStatus | null; // The last one that came.
  readAt: Date | null;
  failure: Failure | null; // Of the last question.
}

const NOTHING: Reading = { status: null, readAt: null, failure: null };

function failureOf(status: number): Failure {
  if (status === 401 || status === 403) return { kind: "forbidden" };
  return status === 404 ? { kind: "missing" } : { kind: "status", status };
}

async function ask(signal: AbortSignal): Promise<LogStatus | Failure> {
  let answer: Response;
  let body: string;
  try {
    answer = await fetch(ADDRESS, { headers: { Accept: "application/json" }, cache: "no-store", signal });
    body = await answer.text();
  } catch {
    return { kind: "unreachable" };
  }
  if (!answer.ok) return failureOf(answer.status);
  try {
    return readLogStatus(JSON.parse(body)) ?? { kind: "unreadable" };
  } catch {
    return { kind: "unreadable" };
  }
}

export class LogWatch {
  private reading = NOTHING;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: AbortController | null = null;
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly snapshot = (): Reading => this.reading;

  start(): void {
    this.stop();
    void this.poll();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.asking = null;
  }

  // The next question is asked after this one's answer: a slow server gets no more than one at a time.
  private async poll(): Promise<void> {
    const asking = new AbortController();
    this.asking = asking;
    const late = setTimeout(() => asking.abort(), TIMEOUT_MS);
    const found = await ask(asking.signal);
    clearTimeout(late);
    if (this.asking !== asking) return; // Stopped meanwhile.
    if ("kind" in found) this.set({ ...this.reading, failure: found });
    else this.set({ status: found, readAt: new Date(), failure: null });
    const refused = "kind" in found && (found.kind === "forbidden" || found.kind === "missing");
    this.timer = setTimeout(() => void this.poll(), refused ? REFUSED_POLL_MS : POLL_MS);
  }

  private set(reading: Reading): void {
    this.reading = reading;
    for (const listener of this.listeners) listener();
  }
}
