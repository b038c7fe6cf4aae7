import { expect, test } from "vitest";
import { fromParameter, readView, writeView } from "./address";

test("an address says what was chosen, and nothing for what is usual", () => {
  expect(writeView({ pattern: "hl7.*", start: "15m" })).toBe("");
  expect(readView(writeView({ pattern: "hl7.adt.*", start: "earliest" }))).toEqual({ pattern: "hl7.adt.*", start: "earliest" });
});

test("an address with nonsense is the usual view", () => {
  expect(readView("#topic=%3Cscript%3E&since=never")).toEqual({ pattern: "hl7.*", start: "15m" });
});

test("a start becomes a time or the server's word", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  expect(fromParameter("15m", now)).toBe("2026-01-01T11:45:00.000Z");
  expect(fromParameter("earliest", now)).toBe("earliest");
});
