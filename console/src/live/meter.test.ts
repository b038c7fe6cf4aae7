import { expect, test } from "vitest";
import { Meter, SECONDS } from "./meter";

test("the rate is the mean of the last three whole seconds", () => {
  const meter = new Meter();
  meter.add(30, 100_000, 100_000);
  meter.add(60, 101_000, 101_000);
  meter.add(5, 103_000, 103_000); // Of a second that still runs.
  expect(meter.perSecond(103_500)).toBe(30);
});

test("what is older than a minute or from the future is not counted", () => {
  const meter = new Meter();
  meter.add(7, 100_000, 100_000 + SECONDS * 1000);
  meter.add(7, 170_000, 161_000);
  expect(Math.max(...meter.history(175_000))).toBe(0);
});

test("a minute without events empties it", () => {
  const meter = new Meter();
  meter.add(7, 100_000, 100_000);
  expect(meter.history(101_000).at(-1)).toBe(7);
  expect(Math.max(...meter.history(100_000 + 10 * SECONDS * 1000))).toBe(0);
});
