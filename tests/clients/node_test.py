"""npm's node-hl7-client as the sender."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

import server as servers
import sse

HERE = pathlib.Path(__file__).resolve().parent
NODE = os.environ.get("NODE", "node")
MESSAGES = [
    "MSH|^~\\&|NODE|CLINIC|||20260101||ADT^A01^ADT_A01|n1|P|2.5\rEVN|A01|20260101\rPID|1||77^^^CLINIC||Müller^Æsa",
    "MSH|^~\\&|NODE|CLINIC|||20260101||ORU^R01^ORU_R01|n2|P|2.5.1\rPID|1||77^^^CLINIC\rOBX|1|ST|A^B||x\\T\\y~z&\"\"",
    "MSH|^~\\&|NODE|CLINIC|||20260101||SIU^S12^SIU_S12|n3|P|2.5.1|||AL|NE\rSCH|1\rZZZ|日本語",
    "MSH|^~\\&|NODE|CLINIC|||20260101||MDM^T02^MDM_T02|n4|P|2.5\rPID|1||78^^^CLINIC\rOBX|1|TX|||" + "long " * 20000 + "end",
]


@unittest.skipUnless(shutil.which(NODE) and (HERE / "node_modules/node-hl7-client").is_dir(),
                     "npm ci in tests/clients has not been run (./dev test does it)")
class NodeClient(unittest.TestCase):
    def test_its_messages_are_acknowledged_and_stored_as_sent(self):
        with servers.Server() as server:
            relay = servers.Relay(server.mllp)
            done = subprocess.run([NODE, str(HERE / "node_sender.mjs"), str(relay.port)], input=json.dumps(MESSAGES),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertEqual([["AA", "n1"], ["AA", "n2"], ["CA", "n3"], ["AA", "n4"]], json.loads(done.stdout))
            events = sse.read_all(server.http, "hl7.*", len(MESSAGES))
            sent = relay.messages()
            self.assertEqual(MESSAGES, [message.decode() for message in sent])
            self.assertEqual(sent, [event.raw for event in events])
            self.assertEqual(["hl7.adt.a01", "hl7.oru.r01", "hl7.siu.s12", "hl7.mdm.t02"], [e.topic for e in events])


if __name__ == "__main__":
    unittest.main()
