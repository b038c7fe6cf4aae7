import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LogWatch, POLL_MS, REFUSED_POLL_MS, TIMEOUT_MS } from "./log_watch";
import { answer, space, status } from "./test_support";

const NOW = new Date("2026-03-04T06:00:00Z");
const json = (value: unknown, code = 200) => new Response(JSON.stringify(value), { status: code });
const fetched = vi.fn<typeof fetch>();
let watch: LogWatch;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  fetched.mockReset();
  vi.stubGlobal("fetch", fetched);
  watch = new LogWatch();
});

afterEach(() => {
  watch.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("asks at once and again after each interval", async () => {
  fetched.mockImplementation(async () => json(answer()));
  watch.start();
  await pass(0);
  expect(watch.snapshot()).toEqual({ status: status(), readAt: NOW, failure: null });
  expect(fetched).toHaveBeenCalledTimes(1);
  await pass(POLL_MS - 1);
  expect(fetched).toHaveBeenCalledTimes(1);
  await pass(1);
  expect(fetched).toHaveBeenCalledTimes(2);
});

test.each([
  [403, { kind: "forbidden" }],
  [404, { kind: "missing" }],
  [503, { kind: "status", status: 503 }],
])("an answer of %i is told as what it is", async (code, failure) => {
  fetched.mockImplementation(async () => json({}, code));
  watch.start();
  await pass(0);
  expect(watch.snapshot()).toEqual({ status: null, readAt: null, failure });
});

test("an answer that is not the agreed one is told", async () => {
  fetched.mockResolvedValueOnce(new Response("<html>")).mockResolvedValueOnce(json({ directory: "/srv" }));
  watch.start();
  await pass(0);
  expect(watch.snapshot().failure).toEqual({ kind: "unreadable" });
  await pass(POLL_MS);
  expect(watch.snapshot().failure).toEqual({ kind: "unreadable" });
});

test("keeps what it read when the server is gone, and goes on when it is back", async () => {
  fetched.mockResolvedValueOnce(json(answer())).mockRejectedValueOnce(new TypeError("gone"));
  watch.start();
  await pass(POLL_MS);
  expect(watch.snapshot()).toEqual({ status: status(), readAt: NOW, failure: { kind: "unreachable" } });
  fetched.mockResolvedValueOnce(json(answer({ space: space("full", 96) })));
  await pass(POLL_MS);
  expect(watch.snapshot().failure).toBeNull();
  expect(watch.snapshot().status?.space.state).toBe("full");
});

test("asks less often where it is not let in", async () => {
  fetched.mockImplementation(async () => json({}, 403));
  watch.start();
  await pass(REFUSED_POLL_MS - 1);
  expect(fetched).toHaveBeenCalledTimes(1);
  await pass(1);
  expect(fetched).toHaveBeenCalledTimes(2);
});

const never: typeof fetch = (_, init) =>
  new Promise((_resolve, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))));

test("a question without an answer ends, and is asked again", async () => {
  fetched.mockImplementation(never);
  watch.start();
  await pass(TIMEOUT_MS);
  expect(watch.snapshot().failure).toEqual({ kind: "unreachable" });
  await pass(POLL_MS);
  expect(fetched).toHaveBeenCalledTimes(2);
});

test("tells and asks nothing once stopped", async () => {
  fetched.mockImplementation(never);
  const told = vi.fn();
  watch.subscribe(told);
  watch.start();
  watch.stop();
  await pass(TIMEOUT_MS + REFUSED_POLL_MS);
  expect(told).not.toHaveBeenCalled();
  expect(fetched).toHaveBeenCalledTimes(1);
});

test("started twice asks once an interval", async () => {
  fetched.mockImplementation(async () => json(answer()));
  watch.start();
  watch.stop();
  watch.start();
  await pass(POLL_MS);
  expect(fetched).toHaveBeenCalledTimes(3); // The one that was stopped, and two.
});
