import { describe, expect, test } from "vitest";
import { cutMessage, SEGMENTS_MAX, TOKENS_MAX, VALUE_CHARACTERS_MAX, type RawMessage } from "./er7";

const text = (message: RawMessage) => message.segments.map(({ tokens }) => tokens.map((token) => token.text).join(""));
const places = (message: RawMessage, segment: number) =>
  message.segments[segment]!.tokens.filter(({ kind }) => kind === "value").map((t) => `${t.field}.${t.repetition}.${t.component} ${t.text}`);

describe("cutMessage", () => {
  test("shows every character of a message", () => {
    const lines = ["MSH|^~\\&|A^B|C||D|2026||ADT^A01|7|P|2.5", "PID|1||12^^^H&1&ISO~13||DOE^JANE|\"\"|", "ZZZ"];
    expect(text(cutMessage(lines.join("\r")))).toEqual(lines);
  });

  test("numbers fields, repetitions and components from 1", () => {
    expect(places(cutMessage("PID|1||a^b~c"), 0)).toEqual(["1.1.1 1", "3.1.1 a", "3.1.2 b", "3.2.1 c"]);
  });

  test("counts the field separator of a header segment as its first field", () => {
    const message = cutMessage("MSH|^~\\&|APP");
    expect(places(message, 0)).toEqual(["3.1.1 APP"]);
    expect(message.segments[0]!.tokens.slice(1, 3)).toMatchObject([{ text: "|", field: 1 }, { text: "^~\\&", field: 2 }]);
  });

  test("takes the delimiters from the header", () => {
    expect(places(cutMessage("MSH#*!\\&#APP\rPID#x*y!z"), 1)).toEqual(["1.1.1 x", "1.1.2 y", "1.2.1 z"]);
  });

  test("tells escape sequences apart", () => {
    const tokens = cutMessage("NTE|1||a\\T\\b\\c").segments[0]!.tokens;
    expect(tokens.slice(-3)).toMatchObject([
      { kind: "value", text: "a" },
      { kind: "escape", text: "\\T\\" },
      { kind: "value", text: "b\\c" },
    ]);
  });

  test("takes any line break for a segment's end and skips empty lines", () => {
    expect(text(cutMessage("\ufeffMSH|^~\\&\r\nPID|1\n\rPV1|1\n"))).toEqual(["MSH|^~\\&", "PID|1", "PV1|1"]);
  });

  test("clips a long value and says by how much", () => {
    const tokens = cutMessage(`OBX|${"x".repeat(VALUE_CHARACTERS_MAX + 5)}`).segments[0]!.tokens;
    expect(tokens.at(-1)).toMatchObject({ kind: "rest", text: " … 5 more characters" });
    expect(tokens.at(-2)!.text.length).toBe(VALUE_CHARACTERS_MAX);
  });

  test("shows a limited number of segments and tokens", () => {
    const long = cutMessage("NTE|1\r".repeat(SEGMENTS_MAX + 7));
    expect([long.segments.length, long.segmentsLeftOut]).toEqual([SEGMENTS_MAX, 7]);
    const wide = cutMessage(`ZZZ${"|a".repeat(TOKENS_MAX)}\rPID|1`);
    expect(wide.segments.length).toBe(1);
    expect(wide.segments[0]!.tokens.length).toBe(TOKENS_MAX);
    expect(wide.segmentsLeftOut).toBe(1);
  });

  test("survives what is no HL7", () => {
    for (const raw of ["", "\r\r", "MSH", "MSH|", "|||", "\u0000\ud800", "MSHMSH"]) expect(() => cutMessage(raw)).not.toThrow();
  });
});
