import { expect, test } from "vitest";
import { isPattern, matches } from "./pattern";

test("a star stands for any characters, dots too", () => {
  expect(matches("hl7.*", "hl7.adt.a01")).toBe(true);
  expect(matches("*", "anything.at.all")).toBe(true);
  expect(matches("hl7.*.a01", "hl7.adt.a01")).toBe(true);
  expect(matches("*a01", "hl7.adt.a01a01")).toBe(true);
  expect(matches("a**b", "ab")).toBe(true);
});

test("what is no star stands for itself", () => {
  expect(matches("hl7.*", "fhir.hl7.x")).toBe(false);
  expect(matches("hl7.adt.a01", "hl7.adt.a011")).toBe(false);
  expect(matches("hl7.*.a01", "hl7.adt.a02")).toBe(false);
  expect(matches("hl7xadt", "hl7.adt")).toBe(false);
});

test("many stars end in time", () => {
  expect(matches("*a".repeat(100) + "b", "a".repeat(249))).toBe(false);
});

test("a pattern is of a topic's characters and stars, and not too long", () => {
  expect(["hl7.*", "a_b-c.D", "*"].map(isPattern)).toEqual([true, true, true]);
  expect(["", "a b", "a/b", "ä", "a?", "x".repeat(250)].map(isPattern)).toEqual([false, false, false, false, false, false]);
});
