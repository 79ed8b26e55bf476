"""What can be measured of the dashboard's looks: sizes, contrasts, labels, the order of the focus, the width
of a phone, in light and dark."""
import belfry
from belfry import wait_until
from dashboard_case import DESKTOP, PHONE, WAIT_S, Browser, DashboardCase
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

FIRST_VIEW_MAX = 150_000  # bytes over the wire
TEXT_CONTRAST, LARGE_CONTRAST = 4.5, 3.0
PLACES = ("campaigns", "campaigns/new", "campaigns/new/bulk", "campaigns/new/recurring", "calls",
          "conversations", "webhooks", "numbers", "trunks", "agents", "suppressions", "workspace", "keys",
          "audit", "system")

# Every text that can be seen with less contrast to what lies behind it than it should have.
PALE = """
const [text, large] = arguments;
const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number);
  return c.startsWith("color(") ? [m[0] * 255, m[1] * 255, m[2] * 255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1]; };
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = (e) => { const layers = [];
  for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); layers.push(c); if (c[3] === 1) break; }
  return layers.reverse().reduce((under, c) => over(c, under), [255, 255, 255, 1]); };
const found = [];
for (const e of document.querySelectorAll("body *")) {
  if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && !e.placeholder) continue;
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  if (!box.width || !box.height || style.visibility !== "visible" || e.closest(".hidden, option, datalist, .skip")) continue;
  const back = behind(e), color = over(parse(style.color), back);
  const [a, b] = [light(color), light(back)].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05), size = parseFloat(style.fontSize);
  const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? large : text;
  if (ratio < least) found.push(`${e.tagName}.${e.className} "${e.textContent.trim().slice(0, 30)}" ${ratio.toFixed(2)}`);
}
return found;
"""
STRUCTURE = """
const faults = [];
if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
if (document.querySelectorAll("main").length !== 1) faults.push("not one main");
const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
for (const id of new Set(ids)) if (ids.filter((i) => i === id).length > 1) faults.push(`the id ${id} twice`);
for (const e of document.querySelectorAll("[aria-describedby], [aria-labelledby], label[for]"))
  for (const id of (e.getAttribute("aria-describedby") || e.getAttribute("aria-labelledby") || e.getAttribute("for")).split(" "))
    if (!document.getElementById(id)) faults.push(`${id} is named and not there`);
for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) faults.push("a tabindex of its own order");
if (!document.title.includes("Belfry")) faults.push("no title");
return faults;
"""
ROLES = {"button", "link", "textbox", "searchbox", "combobox", "checkbox", "spinbutton", "radio", "DisclosureTriangle"}


class LookTest(DashboardCase):
    options = {"dispatchers": 1, "schedulers": 1, "settings": {"SIM_TALK_MS": 50, "SIM_RING_MS": 20}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        receiver = belfry.Receiver()
        cls.addClassCleanup(receiver.close)
        endpoint = cls.it.endpoint(receiver)
        cls.campaign = cls.it.campaign(targets=belfry.numbers(20) + belfry.numbers(4, 1), rate=3000,
                                       name="Looked at")
        cls.it.start_campaign(cls.campaign)
        cls.it.api.post("/v1/suppressions", {"to_number": "+14155557777", "reason": "asked"})
        cls.it.wait_status(cls.campaign, "completed", 40)
        at = f"campaigns/{cls.campaign}"
        cls.places = PLACES + (at, at + "/targets", at + "/calls", at + "/settings", f"webhooks/{endpoint}")

    def show(self, place):
        b = self.browser
        b.open(place)
        b.find("//h1")
        wait_until(lambda: "Loading" not in b.text(), WAIT_S, "it is there")

    def names(self):
        """Roles of what can be operated and has no name."""
        nodes = self.browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [node for node in nodes if not node.get("ignored") and
                node.get("role", {}).get("value") in ROLES and not node.get("name", {}).get("value")]

    def test_every_page_in_light_and_dark(self):
        b = self.browser
        self.addCleanup(b.colors, "light")
        for place in self.places:
            self.show(place)
            with self.subTest(place):
                self.assertEqual(b.driver.execute_script(STRUCTURE), [])
                self.assertEqual(self.names(), [])
            for scheme in ("light", "dark"):
                b.colors(scheme)
                with self.subTest(place, scheme=scheme):
                    self.assertEqual(b.driver.execute_script(PALE, TEXT_CONTRAST, LARGE_CONTRAST), [])

    def test_no_page_is_wider_than_a_phone(self):
        b = self.browser
        b.resize(PHONE)
        self.addCleanup(b.resize, DESKTOP)
        for place in self.places:
            self.show(place)
            with self.subTest(place):
                wide = b.value("document.documentElement.scrollWidth")
                self.assertLessEqual(wide, PHONE[0])
        b.press("Menu")
        b.press("Audit log")
        b.see("Every change of this workspace")

    def focused(self):
        return self.browser.value("(document.activeElement.innerText || document.activeElement.name || "
                                  "document.activeElement.getAttribute('aria-label') || '').trim()")

    def tab(self):
        self.browser.driver.switch_to.active_element.send_keys(Keys.TAB)

    def test_the_focus_goes_from_left_to_right_and_can_be_seen(self):
        b = self.browser
        self.show("campaigns")
        b.driver.execute_script("document.querySelector('.skip').focus()")
        seen = [self.focused()]
        while "Looked at" not in seen and len(seen) < 40:
            self.tab()
            seen.append(self.focused())
            outline = b.value("getComputedStyle(document.activeElement).outlineStyle")
            self.assertNotEqual(outline, "none", seen)
        for before, after in (("To the content", "Belfry"), ("Belfry", "Campaigns"), ("Campaigns", "System"),
                              ("System", "Sign out"), ("Sign out", "New campaign")):
            self.assertLess(seen.index(before), seen.index(after), seen)
        self.assertIn("Looked at", seen)

    def test_a_dialog_keeps_the_focus_and_gives_it_back(self):
        b = self.browser
        self.show("agents")
        b.press("Add agent")
        wait_until(lambda: b.find_all("//dialog[@open]"), WAIT_S, "the dialog")
        for _ in range(10):
            b.driver.switch_to.active_element.send_keys(Keys.TAB)
            self.assertTrue(b.value("Boolean(document.activeElement.closest('dialog')) || "
                                    "document.activeElement === document.body"))
        b.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
        wait_until(lambda: not b.find_all("//dialog[@open]"), WAIT_S, "it is closed")
        wait_until(lambda: self.focused() == "Add agent", WAIT_S, "the focus is where it was")

    def test_keys_go_to_places(self):
        b = self.browser
        self.show("campaigns")
        body = b.driver.find_element(By.TAG_NAME, "body")
        body.send_keys("gw")
        b.see("Webhooks")
        wait_until(lambda: b.value("location.hash") == "#/webhooks", WAIT_S, "the address")
        b.driver.find_element(By.TAG_NAME, "body").send_keys("?")
        b.see("a new campaign, from the campaigns")
        b.press("Close")
        self.show("campaigns")
        b.driver.find_element(By.TAG_NAME, "body").send_keys("/")
        wait_until(lambda: b.value("document.activeElement.type") == "search", WAIT_S, "the search")

    def test_a_colour_scheme_can_be_chosen(self):
        b = self.browser
        before = b.value("getComputedStyle(document.body).backgroundColor")
        b.choose("Colours", "Dark")
        wait_until(lambda: b.value("getComputedStyle(document.body).backgroundColor") != before, WAIT_S, "dark")
        b.choose("Colours", "Auto")
        wait_until(lambda: b.value("getComputedStyle(document.body).backgroundColor") == before, WAIT_S, "light")


class FirstViewTest(DashboardCase):
    def test_the_first_view_is_small(self):
        """From nothing in the cache to the list of campaigns, with the sign-in before it."""
        fresh = Browser(self.browser.url, self.browser.key)
        self.addCleanup(fresh.close)
        fresh.sign_in()
        fresh.see("No campaigns yet.")
        size = fresh.transferred()
        self.assertGreater(size, 20_000)
        self.assertLess(size, FIRST_VIEW_MAX)
        self.assertEqual(fresh.complaints(), [])
        # The second time only the page itself and its data are asked for.
        asked = len(fresh.requests)
        fresh.driver.refresh()
        fresh.see("No campaigns yet.")
        fresh.take_logs()
        again = [url for url in fresh.requests[asked:] if "/v1/" not in url]
        ready = fresh.value("performance.getEntriesByType('resource').filter((e) => "
                            "e.name.includes('/dashboard/') && e.transferSize > 0).length")
        self.assertEqual(ready, 0, again)
