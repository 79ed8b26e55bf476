"""Everything around campaigns in the dashboard: calls, conversations, webhooks with their dead letters,
numbers, trunks, agents, suppressions, keys, the workspace, the audit log, the system."""
import datetime

from belfry import wait_until
from dashboard_case import DashboardCase


class PlacesTest(DashboardCase):
    expected = ("status of 422", "status of 404")
    options = {"dispatchers": 1, "schedulers": 1, "settings": {
        "SIM_TALK_MS": 50, "SIM_RING_MS": 20, "WEBHOOK_TIME_SCALE": 0.0001}}

    def test_webhooks_from_the_secret_to_replayed_dead_letters(self):
        b, stack = self.browser, self.it
        answers = {"status": 500}
        receiver = self.receiver(respond=lambda hook: answers["status"])
        b.open("webhooks")
        b.see("No webhook endpoints yet.")
        b.press("New endpoint")
        b.fill("URL", receiver.url())
        b.press("Create endpoint")
        b.see("It is shown this once.")
        secret = b.find("//*[@id='secret']").text
        self.assertTrue(secret.startswith("whsec_"))
        receiver.secrets["/hook"] = secret
        b.press("I have kept it")
        b.see(receiver.url(), "enabled")
        b.gone(secret)
        b.press("Send a test")
        b.see("The test did not arrive.", "500")
        campaign = stack.campaign(targets=["+14155552001"])
        stack.start_campaign(campaign)
        stack.wait_status(campaign, "completed", 40)
        b.press("Dead letters")
        wait_until(lambda: len(b.find_all("//tbody/tr")) >= 3, 40, "dead letters")
        before = len(receiver.hooks)
        answers["status"] = 200
        b.press("Replay dead letters")
        b.press("Replay them")
        b.see("sent once more.")
        b.press("Delivered")
        b.see("campaign.completed", "generation 2", deadline_s=20)
        self.assertGreater(len(receiver.hooks), before)
        self.assertEqual(receiver.unsigned(), [])
        b.press("campaign.completed")
        b.see("Attempts", "200", "Generation")
        b.press("Close")
        b.press("Send a test")
        b.see("The test arrived.", "It answered 200")
        b.ask("Rotate secret")
        b.see("The new secret")
        self.assertNotEqual(b.find("//*[@id='secret']").text, secret)
        b.press("I have kept it")
        b.see("The former secret signs until")
        b.press("Change")
        b.fill("Description", "the test's receiver")
        b.press("Save")
        b.see("the test's receiver")
        b.ask("Disable")
        b.see("disabled", "requested")
        b.ask("Enable")
        b.see("It is enabled.")
        b.ask("Delete")
        b.see("No webhook endpoints yet.")

    def test_a_call_now_and_one_cancelled(self):
        b = self.browser
        b.open("calls")
        b.press("New call")
        b.fill("To number", "+14155556001")
        b.fill("Variables", '{"order": 17}')
        b.press("Make the call")
        b.see("The call goes out now.", "+14155556001")
        b.press("+14155556001")
        b.see("Conversation", "answered", '"order": 17', deadline_s=20)
        b.press("Close")
        b.press("New call")
        b.fill("To number", "+14155556002")
        b.fill("At", f"{datetime.date.today().year + 1}-06-01T09:00:00Z")
        b.press("Make the call")
        b.see("The call is scheduled.", "+14155556002")
        b.press("+14155556002")
        b.ask("Cancel call")
        b.see("The call is cancelled.")
        b.press("Close")
        b.fill("Called number", "+14155556002")
        b.gone("+14155556001")
        b.see("cancelled")
        b.open("conversations")
        b.see("+14155556001", "completed")

    def test_a_bad_variable_is_told_before_it_is_sent(self):
        b = self.browser
        b.open("calls")
        b.press("New call")
        b.fill("Variables", "order: 17")
        b.press("Make the call")
        b.see("must be a JSON object")
        b.press("Cancel")

    def test_numbers_trunks_and_agents(self):
        b = self.browser
        b.open("trunks")
        b.press("Add trunk")
        b.fill("Name", "spare")
        b.choose("Carried by", "simulated carrier")
        b.fill("Settings", "{}")
        b.press("Save")
        b.see("spare is saved.")
        # The new one stands first, once the list has been read again.
        wait_until(lambda: b.find_all("//tbody/tr[1][contains(., 'spare')]"), 30, "its row")
        b.press("Test")
        b.see("spare answers.", "up")
        b.open("numbers")
        b.press("Add number")
        b.fill("Number", "+15550109999")
        b.choose("Trunk", "spare")
        b.fill("Calls a minute", "90")
        b.press("Save")
        b.see("+15550109999 is saved.")
        wait_until(lambda: b.find_all("//tbody/tr[1][contains(., '+15550109999')]"), 30, "its row")
        b.see("90")
        b.press("Change")
        b.fill("Calls at once", "4")
        b.press("Save")
        # What is told is what was told of the new one, and may still stand there.
        wait_until(lambda: self.it.api.get("/v1/numbers")["data"][0]["max_concurrent"] == 4, 30,
                   "the limit")
        b.find("//tbody/tr[1]/td[4][normalize-space()='4']")  # and the dialog has gone
        b.ask("Delete")
        b.see("+15550109999 is deleted.")
        b.open("agents")
        b.press("Add agent")
        b.fill("Name", "Nora")
        b.fill("Endpoint", '{"sip_uri": "sip:nora@example.com"}')
        b.press("Save")
        b.see("Nora is saved.", "sip:nora@example.com")
        b.ask("Delete")
        b.see("Nora is deleted.")

    def test_suppressions(self):
        b = self.browser
        b.open("suppressions")
        b.press("Add number")
        b.fill("Number", "+14155557777")
        b.fill("Reason", "asked us to stop")
        b.press("Add number")
        b.see("+14155557777", "asked us to stop")
        b.press("Add many")
        b.paste("Numbers", "+14155557771,+14155557772,+14155557777,no")
        b.see("3 valid", "1 bad")
        b.press("Add 3 numbers")
        b.see("2 numbers added, 1 there already", "+14155557772")
        b.fill("Suppressed number", "+14155557777")
        b.gone("+14155557772")
        b.ask("Take off")
        b.see("+14155557777 is off the list.")

    def test_keys_workspace_audit_system(self):
        b = self.browser
        b.open("keys")
        b.press("New key")
        b.fill("Name", "reporting")
        b.press("Make the key")
        b.see("It is shown this once.")
        key = b.find("//*[@id='secret']").text
        self.assertEqual(self.it.client(key).get("/v1/session")["key"]["name"], "reporting")
        b.press("I have kept it")
        b.see("reporting", "yours")
        b.ask("Revoke")
        b.see("reporting is revoked.", "revoked")
        b.open("workspace")
        b.fill("Calls a minute", "5000")
        b.fill("API requests a minute", "90000")
        b.press("Save", nth=2)
        b.see("Limits hold within 5 seconds.")
        b.press("Add credit")
        b.fill("Seconds to add", "7200")
        b.press("Add credit")
        b.see("There are 2 h now.", "2 h")
        workspace = self.it.api.get("/v1/workspace")
        self.assertEqual((workspace["calls_per_minute"], workspace["requests_per_minute"],
                          workspace["credit_s"]), (5000, 90000, 7200))
        b.open("audit")
        b.see("key.revoke", "workspace.credit", "session.create")
        b.fill("Action", "key.create")
        b.gone("key.revoke")
        b.see("key.create")
        b.open("system")
        b.see("Every part is up.", "leading", "sim", ".sql")
