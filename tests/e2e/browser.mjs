// A browser for a test of the console, and the run of its steps. Each step is a test; a step that fails ends the run, since
// the next ones stand on it.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const WAIT_MS = 20_000;
const BROWSER_FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

export const environment = (name) => process.env[name] ?? assert.fail(`${name} is not set`);

// What the page must never do: errors, violations of its policy, requests to anybody else.
function watch(page, http) {
  const found = [];
  page.on("console", (line) => {
    if (["error", "warning"].includes(line.type())) found.push(`console ${line.type()}: ${line.text()}`);
  });
  page.on("pageerror", (error) => found.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    found.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${http}/`)) found.push(`request to ${request.url()}`);
  });
  return found;
}

async function runEach(list, page, found, screenshot) {
  let passed = 0;
  for (const [name, run] of list) {
    try {
      await run();
      passed++;
      console.log(`ok      ${name}`);
    } catch (error) {
      console.log(`FAILED  ${name}\n${error.stack}`);
      if (found.length > 0) console.log(`The page said:\n  ${found.join("\n  ")}`);
      if (screenshot) await page.screenshot({ path: screenshot.replace(/(\.png)?$/, "-failed.png") });
      console.log(`${passed} passed, 1 failed`);
      return 1;
    }
  }
  console.log(`${passed} passed, 0 failed`);
  return 0;
}

// `steps({ page, folder, found })` gives pairs of a name and a function; `folder` is empty and goes away with the browser,
// `found` lists what the page must never do. Where `screenshot` is given, SCREENSHOT-failed shows the page where a step
// failed. The exit code.
export async function runSteps({ http, screenshot, steps }) {
  const folder = await mkdtemp(join(tmpdir(), "myelin-e2e-"));
  const context = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: BROWSER_FLAGS,
    viewport: { width: 1440, height: 900 },
    colorScheme: "light",
  });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(WAIT_MS);
    const found = watch(page, http);
    return await runEach(steps({ page, folder, found }), page, found, screenshot);
  } finally {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  }
}
