import { describe, expect, test } from "vitest";
import { range, space, status } from "./test_support";
import * as words from "./words";

describe("warnings", () => {
  const keys = (changes: Record<string, unknown>) => words.warningsOf(status(changes)).map(({ key }) => key);

  test("there is none while all is well, nor before anything is known", () => {
    expect(words.warningsOf(status())).toEqual([]);
    expect(words.warningsOf(null)).toEqual([]);
  });

  test("a low and a full disk and damage are told", () => {
    expect(keys({ space: space("low", 82) })).toEqual(["space"]);
    expect(keys({ damage: [range()] })).toEqual(["damage"]);
    expect(keys({ space: space("full", 96), damage: [range()] })).toEqual(["space", "damage"]);
  });

  test("the sentence stays the same while only the figures move", () => {
    const at = (percent: number) => words.warningsOf(status({ space: space("full", percent) }))[0]!;
    expect(at(96).text).toBe("Disk full: new messages are refused until space returns.");
    expect(at(97).text).toBe(at(96).text);
    expect([at(96).figures, at(97).figures]).toEqual(["96 % used, 1 GiB free", "97 % used, 1 GiB free"]);
    const damaged = (...ranges: ReturnType<typeof range>[]) => words.warningsOf(status({ damage: ranges }))[0]!;
    expect(damaged(range(), range({ byte: 1 })).text).toBe(damaged(range()).text);
    expect(damaged(range(), range({ byte: 1 })).figures).toBe("2 damaged ranges");
  });

  test("damage that hides no record is not told as loss", () => {
    const damage = [range({ firstOffset: 0, lastOffset: -1 })];
    expect(words.warningsOf(status({ damage }))[0]!.text).toContain("every record can still be read");
    expect(words.whatToDo(damage)).toContain("Every record can still be read");
    expect(words.whatToDo([...damage, range()])).toContain("These records cannot be read; all others can");
  });
});

test("a range names the records that cannot be read", () => {
  expect(words.offsetsOf(range({ firstOffset: 7, lastOffset: 1200 }))).toBe("7 to 1,200");
  expect(words.offsetsOf(range({ firstOffset: 7, lastOffset: 7 }))).toBe("7");
  expect(words.offsetsOf(range({ firstOffset: 7, lastOffset: 6 }))).toBe("none");
});

test("a file is named below the data directory, others in full", () => {
  expect(words.shortPath("/srv/myelin/topics/a-0/1.log", "/srv/myelin")).toBe("topics/a-0/1.log");
  expect(words.shortPath("/srv/myelin-2/1.log", "/srv/myelin")).toBe("/srv/myelin-2/1.log");
});

test("finding nothing is told by how much was looked at", () => {
  const at = (rounds: number) => words.noDamage({ rounds, bytes: 0, lastRound: null });
  expect(at(1)).toBe("No damage found in 1 round.");
  expect(at(12)).toBe("No damage found in 12 rounds.");
  expect(at(0)).toContain("no round of the scrub has ended yet");
});

test("a scrub that never began is not told as one that runs", () => {
  expect(words.scrubWords({ rounds: 0, bytes: 0, lastRound: null })).toContain("scrub_bytes_per_second");
  expect(words.scrubWords({ rounds: 0, bytes: 1, lastRound: null })).toContain("first round is under way");
});

test("a journal is short of room where the server slows its senders", () => {
  expect(words.journalWords(0.66).level).toBe("good");
  expect(words.journalWords(0.67).level).toBe("warn");
});

test("a share is told in whole percent, never beyond all", () => {
  expect([0, 0.004, 0.256, 1, 1.3, -1].map(words.percentUsed)).toEqual(["0 %", "0 %", "26 %", "100 %", "100 %", "0 %"]);
});
