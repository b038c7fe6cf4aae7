import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LiveEvent } from "./event";
import { EventStream, messageIn, streamUrl, type StreamListener } from "./stream";

class FakeSource extends EventTarget {
  static readonly CLOSED = 2;
  static all: FakeSource[] = [];
  readyState = 1;
  onopen: (() => void) | null = null;
  onmessage: ((message: MessageEvent<string>) => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    super();
    FakeSource.all.push(this);
  }
  close() {
    this.readyState = FakeSource.CLOSED;
  }
  event(id: string, receivedAt = "2026-01-01T00:00:10.000Z") {
    this.onmessage!({ lastEventId: id, data: JSON.stringify({ topic: "t", receivedAt }) } as MessageEvent<string>);
  }
  giveUp() {
    this.readyState = FakeSource.CLOSED;
    this.onerror!();
  }
}

function listen() {
  const seen = { ids: [] as string[], states: [] as string[], notices: [] as string[] };
  const listener: StreamListener = {
    onEvent: (event: LiveEvent) => seen.ids.push(event.id),
    onConnection: (connection) => seen.states.push(connection),
    onNotice: (kind, text) => seen.notices.push(`${kind}: ${text}`),
  };
  return { seen, listener };
}

beforeEach(() => {
  FakeSource.all = [];
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", FakeSource);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("an address has the pattern and the start, escaped", () => {
  expect(streamUrl("hl7.*", "2026-01-01T00:00:00.000Z")).toBe("/events/hl7.*?from=2026-01-01T00%3A00%3A00.000Z");
});

test("the sentence is found in a notice and in an error envelope", () => {
  expect(messageIn('{"message":"a"}', "z")).toBe("a");
  expect(messageIn('{"error":{"code":"x","message":"b"}}', "z")).toBe("b");
  expect(["", "null", "[]", '{"message":7}'].map((data) => messageIn(data, "z"))).toEqual(["z", "z", "z", "z"]);
});

describe("EventStream", () => {
  test("gives an event once, however often it is sent", () => {
    const { seen, listener } = listen();
    new EventStream("*", "now", listener);
    for (const id of ["a", "b", "a"]) FakeSource.all[0]!.event(id);
    expect(seen.ids).toEqual(["a", "b"]);
  });

  test("opens anew from shortly before the last event when the browser gives up", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new Error("refused")));
    const { seen, listener } = listen();
    new EventStream("*", "now", listener);
    FakeSource.all[0]!.event("a");
    FakeSource.all[0]!.giveUp();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeSource.all[1]!.url).toBe(streamUrl("*", "2026-01-01T00:00:08.000Z"));
    FakeSource.all[1]!.event("a");
    FakeSource.all[1]!.event("b");
    expect(seen.ids).toEqual(["a", "b"]);
    expect(seen.states).toEqual(["reconnecting"]);
  });

  test("does not ask again for what the server refuses, and says why", async () => {
    const answer = { status: 400, text: () => Promise.resolve('{"error":{"message":"no such pattern"}}') };
    vi.stubGlobal("fetch", () => Promise.resolve(answer));
    const { seen, listener } = listen();
    new EventStream("*", "now", listener);
    FakeSource.all[0]!.giveUp();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSource.all.length).toBe(1);
    expect(seen.notices).toEqual(["failure: no such pattern"]);
    expect(seen.states.at(-1)).toBe("refused");
  });

  test("does nothing once it is closed", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new Error("refused")));
    const { seen, listener } = listen();
    const stream = new EventStream("*", "now", listener);
    FakeSource.all[0]!.giveUp();
    stream.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSource.all.length).toBe(1);
    expect(seen.ids).toEqual([]);
  });

  test("tells what it cannot read", () => {
    const { seen, listener } = listen();
    new EventStream("*", "now", listener);
    FakeSource.all[0]!.onmessage!({ lastEventId: "a", data: "{" } as MessageEvent<string>);
    expect(seen.notices.length).toBe(1);
  });
});
