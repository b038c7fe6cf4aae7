// The console's Live page in a real browser, against a running server.
//
//   MYELIN_HTTP=http://127.0.0.1:8080 MYELIN_MLLP=127.0.0.1:2575 MYELIN_BIN=build/release/myelin
//     node live_page_test.mjs [SCREENSHOT.png]
//
// The server's data is empty at the start (run.py sees to that). Each step is a test; a step that fails ends the run,
// since the next ones stand on it. SCREENSHOT shows the opened event, SCREENSHOT-failed the page where a step failed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { environment, runSteps } from "./browser.mjs";

// Written into the message, and expected on the page as text.
const MARKUP = "<img src=x onerror=alert(1)>";

const http = environment("MYELIN_HTTP").replace(/\/$/, "");
const mllp = environment("MYELIN_MLLP");
const binary = environment("MYELIN_BIN");
const screenshot = process.argv[2];

function message(controlId, patient) {
  return [
    `MSH|^~\\&|E2E|NORTH|MYELIN|HOUSE|20260101120000||ADT^A01^ADT_A01|${controlId}|P|2.5.1`,
    "EVN|A01|20260101120000",
    `PID|1||${patient}^^^NORTH^MR||Sample^Ada^Q||19610203|F|||1 Any Street^^Town^^12345`,
    "PV1|1|I|W2^201^A^NORTH",
    `NTE|1||${MARKUP}`,
    "",
  ].join("\r");
}

async function sendMessage(folder, controlId, patient) {
  const file = join(folder, `${controlId}.hl7`);
  await writeFile(file, message(controlId, patient));
  // The program takes MYELIN_… for its settings.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("MYELIN_")));
  const sender = spawn(binary, ["send", file, "--to", mllp], { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  sender.stdout.on("data", (text) => (said += text));
  sender.stderr.on("data", (text) => (said += text));
  const code = await new Promise((resolve, reject) => sender.on("error", reject).on("close", resolve));
  assert.equal(code, 0, `myelin send ended with ${code}: ${said}`);
}

function steps({ page, folder, found }) {
  const rows = page.getByRole("listbox", { name: "Events, newest first" }).getByRole("option");
  const text = (id) => page.getByTestId(id);
  return [
    ["the page says what to send while there is nothing", async () => {
      const answer = await page.goto(`${http}/`);
      assert.equal(answer.status(), 200);
      assert.match(answer.headers()["content-security-policy"] ?? "", /default-src 'none'/);
      await text("welcome").waitFor();
      await page.getByTestId("connection").getByText("Live").waitFor();
      const lines = await text("welcome").locator("code").allInnerTexts();
      assert.ok(lines.some((line) => line.includes(`${http}/events/hl7.*`)), lines.join("\n"));
    }],
    ["a message that is sent appears", async () => {
      await sendMessage(folder, "E2E-1", "77001");
      await rows.filter({ hasText: "E2E-1" }).waitFor();
      const row = await rows.first().innerText();
      for (const part of ["ADT^A01", "hl7.adt.a01", "77001"]) assert.ok(row.includes(part), `${part} is not in: ${row}`);
    }],
    ["it is opened by keyboard, raw and parsed", async () => {
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await text("detail").waitFor();
      await text("raw").filter({ hasText: "MSH" }).waitFor();
      await text("parsed").filter({ hasText: "PID-5.1" }).waitFor();
      const raw = await text("raw").innerText();
      const parsed = await text("parsed").innerText();
      for (const part of ["MSH", "77001", "Sample", MARKUP]) assert.ok(raw.includes(part), `${part} is not in the raw message`);
      for (const part of ["PID-5.1", "Family name", "Sample", "77001"]) assert.ok(parsed.includes(part), `${part} is not among the fields`);
      if (screenshot) await page.screenshot({ path: screenshot });
    }],
    ["a field that the keys are on is lit in the raw message", async () => {
      await page.keyboard.press("Enter");
      await page.keyboard.press("ArrowDown");
      await page.locator("[data-testid=raw] .lit-exact").first().waitFor();
      await page.keyboard.press("Escape");
      await text("detail").waitFor({ state: "detached" });
    }],
    ["a paused page counts what waits, and shows it when resumed", async () => {
      await page.keyboard.press("p");
      await page.getByTestId("connection").getByText("Paused").waitFor();
      await sendMessage(folder, "E2E-2", "77002");
      await text("waiting").getByText("1 waiting").waitFor();
      assert.equal(await rows.filter({ hasText: "E2E-2" }).count(), 0);
      await page.keyboard.press("p");
      await rows.filter({ hasText: "E2E-2" }).waitFor();
    }],
    ["the filter is reached by its key and narrows what is shown", async () => {
      await page.keyboard.press("/");
      await page.keyboard.type("hl7.oru.*");
      await page.keyboard.press("Enter");
      await text("welcome").waitFor();
      await page.getByRole("button", { name: "HL7", exact: true }).click();
      await rows.filter({ hasText: "E2E-1" }).waitFor();
    }],
    ["a reload shows the last minutes again, each event once", async () => {
      await page.reload();
      await rows.filter({ hasText: "E2E-2" }).waitFor();
      assert.equal(await rows.count(), 2);
    }],
    ["the page raised no error, broke no policy and asked nobody else", async () => {
      assert.deepEqual(found, []);
    }],
  ];
}

process.exitCode = await runSteps({ http, screenshot, steps });
