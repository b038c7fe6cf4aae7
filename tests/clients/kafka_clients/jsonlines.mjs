// The side of a client program that talks to the test, as jsonlines.py has it.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

export const ANSWER_MS = 60_000;

export function emit(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

const file = (path) => (path ? readFileSync(path, "utf8") : undefined);
const own = file(process.env.KAFKA_TLS_OWN);
// For node:tls; undefined without TLS.
export const tls = process.env.KAFKA_TLS_CA && { ca: [file(process.env.KAFKA_TLS_CA)], cert: own, key: own };

export const raw = (text) => (text === null ? null : Buffer.from(text, "base64"));
export const text = (data) => (data === null || data === undefined ? null : Buffer.from(data).toString("base64"));

// Answers each request with what the function of its name makes of it.
export async function serve(functions) {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    functions[request.do](request).then(
      (ok) => emit({ id: request.id, ok: ok ?? null }),
      (error) => emit({ id: request.id, error: words(error) }),
    );
  }
  process.exit(0); // The test is over: nothing is left to be said to the server.
}

// Of an error and of those that it is made of.
export function words(error) {
  return [String(error), ...(error.errors ?? []).map(words)].join("; ");
}

// A consumer gave too few records in time.
export function withTimeout(promise, what) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(what)), ANSWER_MS)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
