import { describe, expect, test } from "vitest";
import { ROWS_MAX, treeOf } from "./tree";

const rows = (id: string, number: number, repetitions: (string | null)[][][] | null) =>
  treeOf([{ id, fields: [{ number, repetitions }] }]).segments[0]!.rows.map(({ label, name, value }) => ({ label, name, value }));

describe("treeOf", () => {
  test("gives a field with one component a single row", () => {
    expect(rows("PID", 8, [[["F"]]])).toEqual([{ label: "PID-8", name: "Administrative sex", value: ["F"] }]);
  });

  test("gives each component that is not empty a row, by its name", () => {
    expect(rows("PID", 5, [[["DOE"], ["JANE"], [""], ["JR"]]])).toEqual([
      { label: "PID-5", name: "Name", value: null },
      { label: "PID-5.1", name: "Family name", value: ["DOE"] },
      { label: "PID-5.2", name: "Given name", value: ["JANE"] },
      { label: "PID-5.4", name: "Suffix", value: ["JR"] },
    ]);
  });

  test("numbers repetitions", () => {
    expect(rows("OBX", 5, [[["a"]], [["b"], ["c"]]]).map(({ label }) => label)).toEqual(["OBX-5", "OBX-5[1]", "OBX-5[2].1", "OBX-5[2].2"]);
  });

  test("shows HL7's null, not nothing", () => {
    expect(rows("PID", 19, null)[0]!.value).toEqual([null]);
    expect(rows("PID", 5, [[[null], ["x"]]])[1]!.value).toEqual([null]);
  });

  test("shows the number where a field has no name", () => {
    expect(rows("ZXY", 4, [[["x"]]])).toEqual([{ label: "ZXY-4", name: "", value: ["x"] }]);
    expect(rows("__proto__", 1, [[["x"]]])[0]!.name).toBe("");
  });

  test("gives a limited number of rows, and says so", () => {
    const repetitions = Array.from({ length: ROWS_MAX + 10 }, () => [["x"]]);
    const tree = treeOf([{ id: "OBX", fields: [{ number: 5, repetitions }] }, { id: "NTE", fields: [] }]);
    expect(tree.segments[0]!.rows.length).toBe(ROWS_MAX);
    expect(tree.complete).toBe(false);
  });
});
