import { describe, expect, test } from "vitest";
import type { LiveEvent } from "./event";
import * as change from "./state";

const event = (seq: number, topic = "hl7.adt.a01", data = "{}"): LiveEvent => ({
  seq, id: `d-${seq}-0`, data, topic, partition: 0, offset: seq, receivedAt: "2026-01-01T00:00:00.000Z", key: null, headers: new Map(),
});
const events = (from: number, count: number) => Array.from({ length: count }, (_, i) => event(from + i));
const seqs = (list: readonly LiveEvent[]) => list.map(({ seq }) => seq);

describe("arrive", () => {
  test("keeps events oldest first and counts them by topic", () => {
    let state = change.arrive(change.INITIAL, [event(1), event(2, "hl7.oru.r01")]);
    state = change.arrive(state, [event(3)]);
    expect(seqs(state.events)).toEqual([1, 2, 3]);
    expect([...state.topics]).toEqual([["hl7.adt.a01", 2], ["hl7.oru.r01", 1]]);
    expect(state.received).toBe(3);
  });

  test("keeps the newest events at the limit", () => {
    const full = change.arrive(change.INITIAL, events(1, change.EVENTS_MAX));
    const state = change.arrive(full, events(change.EVENTS_MAX + 1, 3));
    expect(state.events.length).toBe(change.EVENTS_MAX);
    expect(state.events[0]!.seq).toBe(4);
    expect(state.events.at(-1)!.seq).toBe(change.EVENTS_MAX + 3);
  });

  test("keeps the newest of a batch over the limit", () => {
    const state = change.arrive(change.arrive(change.INITIAL, events(1, 5)), events(6, change.EVENTS_MAX + 10));
    expect(state.events.length).toBe(change.EVENTS_MAX);
    expect(state.events.at(-1)!.seq).toBe(change.EVENTS_MAX + 15);
  });

  test("keeps no more text than the limit, but always the newest event", () => {
    const half = "x".repeat(change.CHARACTERS_MAX / 2);
    const big = "x".repeat(change.CHARACTERS_MAX + 1);
    const two = change.arrive(change.INITIAL, [event(1, "t", half), event(2, "t", half), event(3, "t", "y")]);
    expect(seqs(two.events)).toEqual([2, 3]);
    expect(seqs(change.arrive(two, [event(4, "t", big)]).events)).toEqual([4]);
  });

  test("counts what was left out before it", () => {
    expect(change.arrive(change.INITIAL, events(1, 2), 40).received).toBe(42);
  });

  test("takes no more topics than the limit", () => {
    const many = Array.from({ length: change.TOPICS_MAX + 5 }, (_, i) => event(i + 1, `t${i}`));
    expect(change.arrive(change.INITIAL, many).topics.size).toBe(change.TOPICS_MAX);
  });

  test("changes nothing for an empty batch", () => {
    expect(change.arrive(change.INITIAL, [])).toBe(change.INITIAL);
  });
});

describe("pause", () => {
  test("leaves the list alone and counts what waits", () => {
    let state = change.pause(change.arrive(change.INITIAL, events(1, 2)));
    state = change.arrive(state, events(3, 4));
    expect(seqs(state.events)).toEqual([1, 2]);
    expect(state.waitingCount).toBe(4);
    expect(state.received).toBe(6);
  });

  test("counts beyond what it keeps", () => {
    const state = change.arrive(change.pause(change.INITIAL), events(1, change.EVENTS_MAX + 50));
    expect(state.waiting.length).toBe(change.EVENTS_MAX);
    expect(state.waitingCount).toBe(change.EVENTS_MAX + 50);
  });

  test("gives what waited to the list when resumed", () => {
    const paused = change.arrive(change.pause(change.arrive(change.INITIAL, events(1, 2))), events(3, 2));
    const state = change.resume(paused);
    expect(seqs(state.events)).toEqual([1, 2, 3, 4]);
    expect([state.paused, state.waitingCount, state.waiting.length]).toEqual([false, 0, 0]);
  });
});

describe("restart", () => {
  test("counts anew the topics that the pattern covers and keeps the others", () => {
    const state = change.arrive(change.INITIAL, [event(1, "hl7.adt.a01"), event(2, "fhir.patient")]);
    const next = change.restart(state, "hl7.*");
    expect([...next.topics]).toEqual([["hl7.adt.a01", 0], ["fhir.patient", 1]]);
    expect([next.events.length, next.received]).toEqual([0, 0]);
  });

  test("stays paused", () => {
    expect(change.restart(change.pause(change.INITIAL), "*").paused).toBe(true);
  });
});

describe("notice", () => {
  test("counts the same one instead of repeating it", () => {
    const state = change.notice(change.notice(change.INITIAL, "gap", "gone"), "gap", "gone");
    expect(state.notices).toMatchObject([{ kind: "gap", text: "gone", times: 2 }]);
  });

  test("keeps the last few, each dismissed by its own id", () => {
    let state = change.INITIAL;
    for (let i = 0; i < change.NOTICES_MAX + 2; i++) state = change.notice(state, "failure", `problem ${i}`);
    expect(state.notices.map(({ text }) => text)).toEqual(["problem 2", "problem 3", "problem 4"]);
    state = change.dismiss(state, state.notices[1]!.id);
    expect(state.notices.map(({ text }) => text)).toEqual(["problem 2", "problem 4"]);
  });
});

test("indexOf finds each event, and tells what is gone", () => {
  const list = [event(3), event(4), event(9)];
  expect(list.map(({ seq }) => change.indexOf(list, seq))).toEqual([0, 1, 2]);
  expect([1, 5, 10].map((seq) => change.indexOf(list, seq))).toEqual([-1, -1, -1]);
});
