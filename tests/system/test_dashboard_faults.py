"""The dashboard when things go wrong: words of the API beside their fields, a session that ends, a gateway
that restarts. Nothing that was entered is lost."""
import belfry
from belfry import wait_until
from dashboard_case import WAIT_S, DashboardCase


class FaultTest(DashboardCase):
    # What the tests provoke: refusals, and a gateway that is away.
    expected = ("status of 422", "status of 401", "status of 409", "status of 404",
                "ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET",
                "ERR_BLOCKED_BY_CLIENT", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_CLOSED", "status of 503")

    def words_beside(self, label):
        field = self.browser.control(label)
        ids = (field.get_attribute("aria-describedby") or "").split()
        return " ".join(self.browser.value("document.getElementById(arguments[0]).innerText", i) for i in ids)

    def test_refusals_stand_beside_their_fields(self):
        b = self.browser
        b.open("campaigns/new/recurring")
        b.see("The next 5 calls")
        b.fill("To number", "12")
        b.press("Create draft")
        wait_until(lambda: b.control("To number").get_attribute("aria-invalid") == "true", WAIT_S, "a fault")
        self.assertIn("must be E.164", self.words_beside("To number"))
        self.assertEqual(b.control("Name").get_attribute("aria-invalid"), "true")
        # The first field that is wrong has the focus, and what was entered stands.
        wait_until(lambda: b.value("document.activeElement.name") == "name", WAIT_S, "the focus")
        self.assertEqual(b.control("To number").get_attribute("value"), "12")
        b.fill("Name", "Mended")
        b.fill("To number", "+14155550123")
        b.press("Create draft")
        b.see("Mended", "draft")

    def test_a_refusal_of_an_action_keeps_the_dialog(self):
        b = self.browser
        number = self.it.api.get("/v1/numbers")["data"][0]["e164"]
        self.it.campaign(targets=["+14155550123"], name="Uses the number")
        b.open("numbers")
        b.press("Delete")
        b.see(f"Delete {number}?")
        b.press("Delete")
        b.see("campaign")
        wait_until(lambda: b.find_all("//dialog[@open]//*[@role='alert']"), WAIT_S, "the API's words")
        b.press("Leave it")

    def test_an_ended_session_loses_nothing(self):
        b = self.browser
        b.open("campaigns/new/bulk")
        b.fill("Name", "Typed before the session ended")
        b.paste("Numbers", "+14155550123")
        b.see("1 valid")
        self.it.psql("UPDATE session SET expires_at = now()")
        # A gateway remembers a session for some seconds; a fresh one remembers nothing.
        self.it.restart("api-gateway")
        self.it.api.close()
        b.press("Create draft")
        b.see("Sign in again", "The session has ended")
        b.fill("API key", "bf_live_wrong")
        b.press("Sign in")
        b.see("Send an API key")
        b.fill("API key", self.it.env["BELFRY_API_KEY"])
        b.press("Sign in")
        b.gone("Sign in again")
        self.assertEqual(b.control("Name").get_attribute("value"), "Typed before the session ended")
        b.press("Create draft")
        b.see("0 of 1 target")

    def test_progress_goes_on_after_a_restart(self):
        b, stack = self.browser, self.it
        campaign = stack.campaign(targets=belfry.numbers(150, block=5), rate=600, name="Through a restart")
        b.open(f"campaigns/{campaign}")
        b.see("live")
        stack.start_campaign(campaign)
        b.see("active")
        stack.kill("KILL", "api-gateway.0")
        b.see("connection lost, coming back")
        stack.start("api-gateway.0")
        stack.api.close()  # its connection went with the one before
        b.see("completed", "100 %", deadline_s=60)
        counts = stack.counts(campaign)
        b.see(f"dispatched {counts['dispatched']}")
        self.assertEqual(counts["dispatched"] + counts["failed"], 150)

    def test_a_press_before_the_choices_came_is_kept(self):
        b = self.browser
        b.open("calls")
        b.see("New call")
        b.slow_down(2000)
        self.addCleanup(b.slow_down, 0)
        b.press("New call")
        b.fill("To number", "+14155550124")
        b.press("Make the call")
        # One agent, one number: chosen once they came, and only then was it sent.
        b.see("The call goes out now.")
        made = self.it.api.get("/v1/scheduled-calls?to_number=%2B14155550124")["data"]
        self.assertEqual(len(made), 1)

    def test_an_answer_that_does_not_come_is_given_up(self):
        b = self.browser
        b.open("suppressions")  # so that the page's own modules are there
        b.see("No number is suppressed.")
        b.open("agents")
        b.see("Add agent")
        b.slow_down(120000)
        self.addCleanup(b.slow_down, 0)
        b.open("suppressions")
        b.see("Belfry did not answer in time.", deadline_s=90)
        b.slow_down(0)
        b.press("Try again")
        b.gone("Belfry did not answer in time.")
        b.see("No number is suppressed.")

    def test_choices_that_did_not_come_are_asked_for_anew(self):
        b = self.browser
        b.open("calls")
        b.block("*/v1/agents*")
        self.addCleanup(b.block)
        b.press("New call")
        b.see("Belfry cannot be reached. Nothing you entered is lost")
        b.fill("To number", "+14155550125")
        b.block()
        b.press("Try again")
        b.gone("Belfry cannot be reached")
        b.press("Make the call")
        b.see("The call goes out now.")

    def test_what_is_not_there_says_so(self):
        b = self.browser
        b.open("campaigns/cmp_01h455vb4pex5vsknk084sn02q")
        b.see("There is no such object in this workspace.")
        b.open("nowhere")
        b.see("There is no such page.")

    def test_a_lost_answer_makes_no_second_campaign(self):
        b, stack = self.browser, self.it
        b.open("campaigns/new/recurring")
        b.see("The next 5 calls")
        b.fill("Name", "Only once")
        b.fill("To number", "+14155550123")
        stack.kill("KILL", "api-gateway.0")
        b.press("Create draft")
        b.see("Belfry cannot be reached. Nothing you entered is lost")
        stack.start("api-gateway.0")
        stack.api.close()  # its connection went with the one before
        b.press("Create draft")
        b.see("Only once", "draft")
        found = stack.api.get("/v1/campaigns?q=Only%20once")["data"]
        self.assertEqual(len(found), 1)
