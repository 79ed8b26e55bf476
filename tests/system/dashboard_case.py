"""What the tests of the dashboard share: a stack, a headless Chromium that is signed in, and what it did
on the network and said on its console."""
import json
import os
import tempfile
import urllib.parse

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException, ElementNotInteractableException, NoSuchElementException,
    StaleElementReferenceException)
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

import belfry
from belfry import wait_until

WAIT_S = 30
# News at the lower edge goes after some seconds, also where this program stood still for them.
KEEP_NEWS = """
window.news = [];
new MutationObserver((changes) => {
  for (const change of changes)
    for (const node of change.addedNodes)
      if (node.classList?.contains("toast")) window.news.push(node.innerText);
}).observe(document, { childList: true, subtree: true });
"""
DESKTOP, PHONE = (1280, 860), (390, 844)


class Browser:
    """Chromium with one tab. Elements are found by what a person sees: a label, a button's words."""

    def __init__(self, url, key, size=DESKTOP):
        self.url, self.key = url, key
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        self.downloads = os.path.join(self.profile, "downloads")
        options = Options()
        for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--disable-background-networking", "--disable-component-update",
                     "--no-first-run", "--force-color-profile=srgb", "--lang=en",
                     f"--window-size={size[0]},{size[1]}", f"--user-data-dir={self.profile}/data"):
            options.add_argument(word)
        options.add_experimental_option("prefs", {"download.default_directory": self.downloads})
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        options.binary_location = "/usr/bin/chromium"
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_page_load_timeout(30)
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": KEEP_NEWS})
        self.requests, self.urls, self.sizes, self.console = [], {}, {}, []
        self.resize(size)

    def close(self):
        self.driver.quit()

    def resize(self, size):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False})

    def colors(self, scheme):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def slow_down(self, latency_ms):
        """What comes from the gateway comes that much later; 0: as it comes."""
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": False, "latency": latency_ms, "downloadThroughput": -1, "uploadThroughput": -1})

    def block(self, *patterns):
        """Requests that fail from now on; without a pattern none."""
        self.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": list(patterns)})

    # --- going about

    def open(self, place=""):
        """Loads the page, or goes to a place in it such as campaigns/new."""
        if self.driver.current_url.startswith(self.url):
            self.driver.execute_script("location.hash = arguments[0]", "#/" + place)
        else:
            self.driver.get(f"{self.url}/#/{place}")

    def sign_in(self, place="campaigns"):
        self.open(place)
        self.fill("API key", self.key)
        self.press("Sign in")
        self.see("Sign out")
        return self

    def find_all(self, xpath, inside=None):
        return (inside or self.driver).find_elements(By.XPATH, xpath)

    def find(self, xpath, deadline_s=WAIT_S):
        """The first such element that can be seen; a function is asked for the xpath at each look."""
        def path():
            return xpath() if callable(xpath) else xpath
        def look():
            try:
                return next((e for e in self.find_all(path()) if e.is_displayed()), None)
            except StaleElementReferenceException:
                return None
        return wait_until(look, deadline_s, lambda: f"{path()} in:\n{self.shown()}")

    def text(self):
        try:
            return self.driver.find_element(By.TAG_NAME, "body").text
        except (NoSuchElementException, StaleElementReferenceException):
            return ""

    def shown(self):
        """What there is to say of a page that is not as it should be."""
        self.take_logs()
        waiting = [url for which, url in self.urls.items() if which not in self.sizes]
        return f"{self.text()[:3000]}\nconsole: {self.console[-10:]}\nnot answered: {waiting[-10:]}"

    def seen(self):
        """What stands on the page, and what was told since something was pressed."""
        return "\n".join([self.text(), *(self.value("window.news") or [])])

    def see(self, *texts, deadline_s=WAIT_S):
        for text in texts:
            wait_until(lambda t=text: t in self.seen(), deadline_s,
                       lambda t=text: f"{t!r} in:\n{self.shown()}")

    def gone(self, text, deadline_s=WAIT_S):
        wait_until(lambda: text not in self.text(), deadline_s, lambda: f"{text!r} is still there")

    def scope(self):
        """An open dialog is all that can be reached."""
        return "(//dialog[@open])[last()]" if self.find_all("//dialog[@open]") else ""

    def control(self, label, deadline_s=WAIT_S):
        """What is labelled so, by a label element, a legend or aria-label."""
        quoted = json.dumps(label)
        def xpath():
            at = self.scope()
            return (f"{at}//*[@id = //label[starts-with(normalize-space(), {quoted})]/@for]"
                    f"|{at}//*[(self::input or self::select or self::textarea) and @aria-label={quoted}]"
                    f"|{at}//label[normalize-space()={quoted}]//input"
                    f"|{at}//label[span[normalize-space()={quoted}]]//select")
        return wait_until(lambda: next((e for e in self.find_all(xpath()) if e.is_displayed()), None),
                          deadline_s, lambda: f"a control {label!r} in:\n{self.shown()}")

    def act(self, what):
        """Does it anew where the page was drawn anew in between."""
        def attempt():
            try:
                what()
                return True
            except (ElementClickInterceptedException, ElementNotInteractableException,
                    NoSuchElementException, StaleElementReferenceException):
                return False
        wait_until(attempt, WAIT_S, "the page holds still")

    def fill(self, label, text):
        def go():
            field = self.control(label)
            field.send_keys(Keys.CONTROL, "a")
            field.send_keys(Keys.DELETE)
            field.send_keys(text)
        self.act(go)

    def paste(self, label, text):
        """Sets a long text at once, as pasting does."""
        self.driver.execute_script(
            "const [e, text] = arguments; Object.getOwnPropertyDescriptor(Object.getPrototypeOf(e), 'value')"
            ".set.call(e, text); e.dispatchEvent(new Event('input', {bubbles: true}))",
            self.control(label), text)

    def choose(self, label, text):
        def go():
            Select(self.control(label)).select_by_visible_text(text)
        self.act(go)

    def press(self, words, nth=1):
        quoted = json.dumps(words)
        def xpath():
            return (f"({self.scope()}//*[(self::button or self::a or self::summary) and "
                    f"(normalize-space()={quoted} or @aria-label={quoted})])[{nth}]")
        def go():
            found = self.find(xpath)
            self.value("window.news = []")
            found.click()
        self.act(go)

    def ask(self, words, verb=None):
        """Presses what asks first, and then its answer in the dialog that comes up."""
        def dialogs():
            return len(self.find_all("//dialog[@open]"))
        before = dialogs()
        self.press(words)
        wait_until(lambda: dialogs() > before, WAIT_S, f"a dialog after {words}")
        self.press(verb or words)

    def value(self, script, *args):
        return self.driver.execute_script(f"return {script}", *args)

    # --- what it did

    def take_logs(self):
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            params = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
                self.urls[params["requestId"]] = params["request"]["url"]
            elif message["method"] == "Network.loadingFinished":
                self.sizes[params["requestId"]] = params["encodedDataLength"]
        self.console += self.driver.get_log("browser")

    def transferred(self):
        """Bytes that came from the gateway, headers included."""
        self.take_logs()
        return sum(size for which, size in self.sizes.items()
                   if self.urls.get(which, "").startswith(self.url))

    def foreign(self):
        """Requests to another origin than the gateway's."""
        self.take_logs()
        return [url for url in self.requests
                if not url.startswith(("data:", "blob:", "chrome")) and
                urllib.parse.urlsplit(url)[:2] != urllib.parse.urlsplit(self.url)[:2]]

    def complaints(self, expected=()):
        """What the console says, apart from answers with an expected status: those the browser tells of
        by itself."""
        self.take_logs()
        return [entry["message"] for entry in self.console
                if entry["level"] in ("SEVERE", "WARNING") and not (
                    entry["source"] == "network" and any(word in entry["message"] for word in expected))]


class DashboardCase(belfry.TestCase):
    """One stack and one signed-in browser for all tests of the class."""

    options = {"dispatchers": 1, "schedulers": 1, "settings": {"SIM_TALK_MS": 50, "SIM_RING_MS": 20}}
    expected = ()  # words of failed requests that the tests provoke: "status of 422"

    @classmethod
    def setUpClass(cls):
        cls.it = belfry.Stack(**cls.options)
        cls.addClassCleanup(cls.it.close)
        cls.it.up()
        cls.browser = Browser(cls.it.env["BELFRY_URL"], cls.it.env["BELFRY_API_KEY"])
        cls.addClassCleanup(cls.browser.close)
        cls.browser.sign_in()

    def tearDown(self):
        self.assertEqual(self.browser.complaints(self.expected), [])
        self.assertEqual(self.browser.foreign(), [])
