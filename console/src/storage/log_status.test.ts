import { expect, test } from "vitest";
import { DAMAGE_MAX, readLogStatus } from "./log_status";
import { answer, range, space } from "./test_support";

test("the server's answer is taken as it is", () => {
  const { scrub, ...others } = answer({ damage: [range()], space: space("low", 85) });
  expect(readLogStatus({ scrub, ...others })).toEqual({
    ...others,
    scrub: { rounds: 2, bytes: 4096, lastRound: new Date("2026-03-04T05:06:07Z") },
  });
});

test.each([undefined, null, "", 0, "1970-01-01T00:00:00.000Z"])("a last round of %j is none yet", (lastRound) => {
  expect(readLogStatus(answer({ scrub: { rounds: 0, bytes: 0, lastRound } }))?.scrub.lastRound).toBeNull();
});

test("what is not known is left alone", () => {
  expect(readLogStatus({ ...answer(), later: { more: 1 } })).toEqual(readLogStatus(answer()));
});

test("a server may leave out the disk's size and how much damage there is", () => {
  const { damagedRanges: _, ...rest } = answer({ damage: [range()], space: { state: "ok", usedPercent: 1, freeBytes: 2 } });
  const read = readLogStatus(rest);
  expect(read?.space.totalBytes).toBeNull();
  expect(read?.damagedRanges).toBe(1);
});

test("an answer without what was agreed is none", () => {
  for (const name of Object.keys(answer()).filter((name) => name !== "damagedRanges")) {
    const { [name]: _, ...rest } = answer();
    expect(readLogStatus(rest), name).toBeNull();
  }
  for (const wrong of [null, 1, "x", [], {}]) expect(readLogStatus(wrong)).toBeNull();
  expect(readLogStatus(answer({ space: space("odd", 1) }))).toBeNull();
  expect(readLogStatus(answer({ journalUsed: "0.5" }))).toBeNull();
  expect(readLogStatus(answer({ damage: [{ ...range(), byte: null }] }))).toBeNull();
  expect(readLogStatus(answer({ scrub: { rounds: 1, bytes: 1, lastRound: "yesterday" } }))).toBeNull();
});

test("no more damage is kept than the limit", () => {
  const damage = Array.from({ length: DAMAGE_MAX + 5 }, (_, i) => range({ byte: i }));
  expect(readLogStatus(answer({ damage }))).toMatchObject({ damagedRanges: DAMAGE_MAX + 5, damage: { length: DAMAGE_MAX } });
});
