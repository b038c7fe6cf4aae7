import { describe, expect, test } from "vitest";
import { parseContent, parseSummary } from "./event";

const wire = (value: unknown, more: object = {}) =>
  JSON.stringify({
    topic: "hl7.adt.a01", partition: 1, offset: 12, receivedAt: "2026-01-02T03:04:05.678Z", key: "12345^HOSP",
    headers: { type: "ADT", trigger: "A01" }, value, ...more,
  });

describe("parseSummary", () => {
  test("reads where an event is and what it is", () => {
    const summary = parseSummary(wire(null))!;
    expect(summary).toMatchObject({ topic: "hl7.adt.a01", partition: 1, offset: 12, key: "12345^HOSP" });
    expect(summary.headers.get("trigger")).toBe("A01");
  });

  test("gives nothing for what is no event", () => {
    for (const data of ["", "null", "[]", "7", '"x"', "{", '{"topic":7}']) expect(parseSummary(data)).toBeNull();
  });

  test("survives members of a wrong type", () => {
    const summary = parseSummary(wire(null, { partition: "x", offset: null, key: 7, headers: ["a"], receivedAt: {} }))!;
    expect(summary).toMatchObject({ partition: 0, offset: 0, key: null, receivedAt: "" });
  });

  test("takes a header named like a member of every object for a header", () => {
    const summary = parseSummary('{"topic":"t","headers":{"__proto__":"x","constructor":"y"}}')!;
    expect(summary.headers.get("__proto__")).toBe("x");
    expect(summary.headers.get("type")).toBeUndefined();
  });
});

describe("parseContent", () => {
  test("gives fields in the order of their numbers", () => {
    const message = { segments: [{ id: "PID", fields: { "11": [[["x"]]], "3": [[["1"], ["2"]]] } }] };
    const content = parseContent(wire({ payload: { raw: "PID", message } }))!;
    expect(content.segments![0]!.fields.map(({ number }) => number)).toEqual([3, 11]);
  });

  test("keeps HL7's null at every depth", () => {
    const message = { segments: [{ id: "PID", fields: { "5": null, "6": [[[null, "a"]]] } }] };
    const { fields } = parseContent(wire({ payload: { message } }))!.segments![0]!;
    expect(fields).toEqual([{ number: 5, repetitions: null }, { number: 6, repetitions: [[[null, "a"]]] }]);
  });

  test("shows bytes that are no UTF-8 one by one", () => {
    const content = parseContent(wire({ payload: { rawBase64: "TVNI/A==" } }))!;
    expect([content.raw, content.rawIsBinary]).toEqual(["MSH\u00fc", true]);
  });

  test("shows base64 that is UTF-8 after all as text", () => {
    const content = parseContent(wire({ payload: { rawBase64: btoa("MSH\u00c3\u00bc") } }))!;
    expect([content.raw, content.rawIsBinary]).toEqual(["MSH\u00fc", false]);
  });

  test("tells why a message could not be parsed", () => {
    const content = parseContent(wire({ payload: { raw: "x", reason: "no-header", location: "byte 0", detail: "no MSH" } }))!;
    expect(content.trouble).toEqual({ reason: "no-header", location: "byte 0", detail: "no MSH" });
  });

  test("lists deviations, and counts those that are not in it", () => {
    const deviations = [{ location: "PID-8", code: "too-long" }, 7];
    const content = parseContent(wire({ payload: { raw: "x", deviations, deviationsOmitted: 3 } }))!;
    expect(content.deviations).toEqual([{ location: "PID-8", code: "too-long" }, { location: "", code: "" }]);
    expect(content.deviationsLeftOut).toBe(3);
  });

  test("shows a value without message as indented JSON", () => {
    expect(parseContent(wire({ a: [1] }))!.other).toBe('{\n  "a": [\n    1\n  ]\n}');
  });

  test("shows a value that is no JSON as it was sent", () => {
    expect(parseContent(wire(undefined, { valueBase64: "AAEC" }))!.other).toBe("AAEC");
  });

  test("survives segments and fields of a wrong type", () => {
    const message = { segments: [null, 7, { id: 3, fields: { x: [], "0": [], "2": "text", "4": [7, [true]] } }] };
    const segments = parseContent(wire({ payload: { message } }))!.segments!;
    expect(segments.map(({ id }) => id)).toEqual(["?", "?", "?"]);
    expect(segments[2]!.fields).toEqual([
      { number: 2, repetitions: [[["text"]]] },
      { number: 4, repetitions: [[["7"]], [["true"]]] },
    ]);
  });
});
