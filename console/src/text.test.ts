import { expect, test } from "vitest";
import { byteSize, clip, clockTime, rate, visible } from "./text";

test("characters that hide or reorder text are shown", () => {
  expect(visible("a\tb\u007f")).toBe("a\u2409b\u2421");
  expect(visible("x\u202ey\u200b\ufeff")).toBe("x[U+202E]y[U+200B][U+FEFF]");
  expect(visible("Grüße 東京 😀")).toBe("Grüße 東京 😀");
});

test("clipping never halves a character", () => {
  expect(clip("ab😀", 3)).toEqual({ text: "ab", rest: 2 });
  expect(clip("abc", 3)).toEqual({ text: "abc", rest: 0 });
});

test("a time has its day only when that is not today", () => {
  const now = new Date(2026, 2, 4, 12);
  expect(clockTime(new Date(2026, 2, 4, 6, 5, 4, 32), now)).toBe("06:05:04.032");
  expect(clockTime(new Date(2026, 2, 3, 6, 5, 4, 32), now)).toBe("03-03 06:05:04");
  expect(clockTime(new Date(Number.NaN), now)).toBe("–");
});

test("a rate has a decimal only where it matters", () => {
  expect([0, 0.333, 2, 9.96, 41.6, 1204].map(rate)).toEqual(["0", "0.3", "2", "10", "42", "1,204"]);
});

test("a size has the unit that it is read in", () => {
  const sizes = [0, 1, 1023, 1024, 1536, 10 * 1024, 1024 ** 2 - 1, 5 * 1024 ** 3, 1500 * 1024 ** 4];
  expect(sizes.map(byteSize)).toEqual(["0 bytes", "1 byte", "1,023 bytes", "1 KiB", "1.5 KiB", "10 KiB", "1 MiB", "5 GiB", "1.5 PiB"]);
});
