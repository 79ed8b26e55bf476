"""A dialer-sim as a process without a stack, and a dispatcher of few words that talks to it."""
import json
import time

import nn
from dialer_case import DialerClient, DialerProcess


class Sim(DialerProcess):
    """A dialer-sim with a ledger."""

    def __init__(self, slots=2, **settings):
        super().__init__("dialer-sim", slots)
        self.env.update({"BELFRY_CARRIER_LEDGER": self.dir + "/ledger",
                         "BELFRY_SIM_TIME_SCALE": "0.1", **settings})
        self.start()

    def connect(self, slot=0):
        client = Client(self.addresses[slot])
        self.clients.append(client)
        return client

    def ledger(self, event=None):
        try:
            with open(self.dir + "/ledger", encoding="utf-8") as file:
                lines = [json.loads(line) for line in file if line.endswith("\n")]
        except FileNotFoundError:
            lines = []
        return [line for line in lines if event in (None, line["ev"])]


class Client(DialerClient):
    """A dispatcher of few words, which reads the events in their order."""

    def dial(self, to, attempt=1, id=None, ring_s=30, max_s=600, expires_in=60, campaign=None):
        id = id or nn.type_id("att")
        self.send("dial", id=id, call=nn.type_id("call"), campaign=campaign, attempt=attempt,
                  to=to, **{"from": "+15550100000"}, agent={"sip": "sip:demo@agent"},
                  trunk=nn.type_id("trk"), ring_s=ring_s, max_s=max_s,
                  expires_at=int((time.time() + expires_in) * 1e6), variables={})
        return id

    def query(self, id):
        self.send("query", id=id)
        return self.until("state", id)

    def until(self, ev, id):
        """Events up to the one asked for, which is returned; the others are dropped."""
        while True:
            event = self.recv()
            if event["ev"] == ev and event.get("id") == id:
                return event

    def until_ended(self, id):
        """All events of one attempt up to its end, those of others dropped."""
        events = []
        while not events or events[-1]["ev"] != "ended":
            event = self.recv()
            if event.get("id") == id:
                events.append(event)
        return events

    def ack(self, ended):
        self.send("ack", id=ended["id"], seq=ended["seq"])

    def nothing_more(self, case):
        """What was sent before this moment has been answered, and nothing is left."""
        probe = nn.type_id("att")
        self.send("query", id=probe)
        event = self.recv()
        case.assertEqual((event["ev"], event["id"]), ("state", probe), event)
