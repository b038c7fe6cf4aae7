// Sends each message of a JSON list on standard input with node-hl7-client and prints a JSON list of [MSA-1, MSA-2].
//
// One after another: the library has no way to tell which acknowledgment is whose but their order. Usage: PORT
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { Client, Message } from "node-hl7-client";

const messages = JSON.parse(await text(process.stdin));
const answers = [];
let answered;
const client = new Client({ host: "127.0.0.1" });
const connection = client.createConnection({ port: Number(process.argv[2]) }, (response) => {
  const message = response.getMessage();
  answers.push([message.get("MSA.1").toString(), message.get("MSA.2").toString()]);
  answered();
});
connection.on("error", (error) => {
  console.error(String(error));
  process.exit(1);
});
// What is sent before it is connected makes it connect a second time.
await once(connection, "connect");
for (const message of messages) {
  const answer = new Promise((resolve) => (answered = resolve));
  await connection.sendMessage(new Message({ text: message }));
  await answer;
}
await connection.close();
console.log(JSON.stringify(answers));
