"""The dashboard in a real browser: an operator's way from the sign-in to a campaign that is completed on
the simulated carrier, and all that is done about a campaign on the way."""
import os
import re

import belfry
from dashboard_case import WAIT_S, DashboardCase
from belfry import wait_until

CSV = "to_number,name,city\n" + "".join(
    f"+1415777{n:04d},Person {n},Pune\n" for n in range(2000, 2030)) + \
    "+14157772000,Again,Pune\n12345,Short,Pune\n+0123456789,Zero,\n"


class CampaignTest(DashboardCase):
    expected = ("status of 422",)

    def test_bulk_from_pasting_to_completed(self):
        b = self.browser
        b.open("campaigns/new")
        b.find("//a[contains(., 'A list of numbers')]").click()
        b.see("New bulk campaign", "demo")
        b.fill("Name", "Autumn survey")
        b.paste("Numbers", "+14155552001, +14155552002\n+1 (415) 555-2003\n+14155552001\n555\n"
                           "+14155550001\n+14155550004\n")
        b.see("5 valid", "1 duplicate", "1 bad")
        b.press("Which are left out, and why")
        b.see("stands above already", "needs a plus and the country code")
        b.fill("Rate limit", "5")
        b.see("5 targets at 5 a minute: about a minute")
        b.fill("Rate limit", "600")
        b.press("Create draft")
        b.see("Autumn survey", "draft", "It has not been started.")
        b.press("Start")
        b.see("5 targets will be called at 600 a minute")
        b.press("Start")
        b.see("completed", "100 %", deadline_s=40)
        b.see("answered", "busy", "invalid number", "median lateness", "It is over.")
        b.press("Targets")
        b.see("+14155550001", "failed")
        b.choose("Status", "failed")
        b.gone("+14155552001")
        b.press("+14155550001")
        b.see("Attempts", "486", "busy")
        b.press("Close")
        b.press("Calls")
        b.see("+14155552001", "dispatched")

    def test_a_dropped_file_becomes_targets(self):
        b = self.browser
        b.open("campaigns/new/bulk")
        b.fill("Name", "From a file")
        path = os.path.join(b.profile, "people.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CSV)
        b.find("//input[@type='file']").send_keys(path)
        b.see("people.csv", "30 valid", "1 duplicate", "2 bad", "columns: to_number, name, city")
        b.press("Create draft")
        b.see("0 of 30 targets")
        b.press("Targets")
        b.fill("Search targets", "Person 2029")
        b.see("+14157772029")
        b.gone("+14157772028")
        b.press("+14157772029")
        b.see('"city": "Pune"')
        b.press("Close")

    def test_a_large_list_goes_as_an_import(self):
        b = self.browser
        b.open("campaigns/new/bulk")
        b.fill("Name", "Many")
        b.paste("Numbers", "\n".join(belfry.numbers(12000, block=7)))
        b.see("12,000 valid")
        b.fill("Rate limit", "400")
        b.see("12,000 targets at 400 a minute: about 30 minutes")
        b.press("Create draft")
        b.see("Imported.", "12,000 added", deadline_s=40)
        b.press("Show more targets")
        wait_until(lambda: len(b.find_all("//tbody/tr")) == 100, WAIT_S, "a second page")

    def test_recurring_with_its_next_instants(self):
        b = self.browser
        b.open("campaigns/new/recurring")
        b.see("Weekdays at 9 AM", "The next 5 calls")
        b.fill("Name", "Morning call")
        b.fill("To number", "+14155557009")
        b.press("Every day at 9 AM")
        b.fill("Time zone", "Europe/Berlin")
        b.see("09:00 CE", "UTC")
        self.assertEqual(len(b.find_all("//ul[@class='instants']/li")), 6)
        b.fill("Cron expression", "61 9 * * *")
        wait_until(lambda: b.control("Cron expression").get_attribute("aria-invalid") == "true", 15,
                   "the expression is refused")
        b.see("minute")
        b.fill("Cron expression", "30 18 * * 1-5")
        b.see("18:30 CE")
        b.press("Create draft")
        b.see("Morning call", "draft")
        b.ask("Start")
        b.see("active", "next occurrence", "Nothing: the next occurrence is not due.")
        b.press("Settings")
        b.fill("Name", "Evening call")
        b.press("Every hour")
        b.press("Save")
        b.see("Saved.", "Evening call")
        b.ask("Cancel campaign")
        b.see("cancelled")

    def test_pause_add_skip_resume(self):
        b, stack = self.browser, self.it
        campaign = stack.campaign(targets=belfry.numbers(300, block=8), rate=60, name="Steady")
        stack.start_campaign(campaign)
        b.open(f"campaigns/{campaign}")
        b.see("Steady", "live")
        b.see("Calls wait for the campaign's limit of calls a minute.")
        b.press("Pause")
        b.see("No new call starts, at once.")
        b.press("Pause")
        b.see("paused", "It is paused.")
        b.press("Targets")
        b.press("Add targets")
        b.paste("Numbers", "+14155559101\n+14155559102\nnone")
        b.see("2 valid", "1 bad")
        b.press("Add 2 targets")
        b.see("2 targets added, 0 there already")
        b.fill("Search targets", "+141555591")
        b.see("+14155559102")
        b.act(lambda: b.find("//input[@aria-label='Choose +14155559102']").click())
        b.press("Skip 1 chosen target")
        b.press("Skip them")
        b.see("1 target skipped.", "skipped")
        b.press("+14155559101")
        b.press("Skip")
        b.see("Skip +14155559101?")
        b.press("Skip")
        b.see("+14155559101 is skipped.")
        wait_until(lambda: stack.counts(campaign)["skipped"] == 2, WAIT_S, "two are skipped")
        b.press("Close")
        b.press("Progress")
        b.press("Resume")
        b.see("The line moves on from now at the same rate")
        b.press("Resume")
        b.see("active")
        b.ask("Cancel campaign")
        b.see("cancelled", "final", deadline_s=30)
        counts = stack.counts(campaign)
        b.see(f"skipped {counts['skipped']}")

    def test_the_list_finds_and_filters(self):
        b, stack = self.browser, self.it
        for name in ("Alpha round", "Beta round"):
            stack.campaign(targets=["+14155552001"], name=name)
        b.open("campaigns")
        b.see("Alpha round", "Beta round")
        b.fill("Search campaigns by name", "alpha")
        b.gone("Beta round")
        b.choose("Status", "active")
        b.see("No campaign fits.")
        b.press("Show all campaigns")
        b.see("Beta round")

    def test_export_is_a_file(self):
        b, stack = self.browser, self.it
        campaign = stack.campaign(targets=["+14155558801", "+14155558802"], name="To export")
        b.open(f"campaigns/{campaign}/targets")
        b.see("+14155558801")
        b.press("Export CSV")
        def files():
            found = os.listdir(b.downloads) if os.path.isdir(b.downloads) else []
            return [f for f in found if re.search(r"\.csv$", f)]
        name = wait_until(files, WAIT_S, "the file")[0]
        with open(os.path.join(b.downloads, name), encoding="utf-8") as file:
            self.assertIn("+14155558802", file.read())
