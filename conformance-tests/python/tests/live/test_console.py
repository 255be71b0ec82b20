"""The auditors' console in a real browser: search, entry, proof; by keyboard alone; without script or stranger.

Needs Debian's `chromium` and `chromium-driver`. The browser has no client certificate: a forwarder on this machine holds
the auditor's and copies bytes (`console.py`). Screenshots go to `PMH_SCREENSHOTS` or a directory that is printed.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from live import SANDBOX, clinic, question
from console import forwarded

try:
    from selenium import webdriver
    from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.remote.webelement import WebElement
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    webdriver = None

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
BINARIES = pathlib.Path(os.environ["PMH_BINARIES"])
MISSING = [
    name
    for name, found in (("selenium", webdriver), ("chromium", BROWSER), ("chromium-driver", DRIVER), ("a console", SANDBOX.web))
    if not found
]
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --disable-dev-shm-usage --lang=en --window-size=1280,900"
).split()
INTERACTIVE = "a[href], button, input:not([type=hidden]), select, summary, [tabindex='0']"
MOST_STOPS = 400
PATIENCE = 30
ZOOM_400 = 320  # CSS pixels that are left of 1280 (WCAG 2.2, 1.4.10)


def setUpModule():
    if not MISSING:
        return
    reason = f"the browser test needs {', '.join(MISSING)}"
    print(f"\nSKIPPED: {reason}", flush=True)
    if os.environ.get("CI") == "true":
        raise RuntimeError(reason)
    raise unittest.SkipTest(reason)


class Console(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with clinic() as counter:
            presence = counter.present(SANDBOX.card("ELIGIBLE"))
            cls.disclosure = [counter.verify(presence, question()).proof.index for _ in range(3)][-1]
        cls.url = cls.enterClassContext(forwarded(SANDBOX, SANDBOX.terminal("auditor")))
        kept = os.environ.get("PMH_SCREENSHOTS")
        cls.pictures = pathlib.Path(kept or tempfile.mkdtemp(prefix="pmh-console-"))
        cls.pictures.mkdir(parents=True, exist_ok=True)
        print(f"\nscreenshots in {cls.pictures}", flush=True)

    def setUp(self):
        profile = self.enterContext(tempfile.TemporaryDirectory(prefix="pmh-browser-", ignore_cleanup_errors=True))
        options = webdriver.ChromeOptions()
        options.binary_location = BROWSER
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        # Pages must be whole without it.
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        self.browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
        self.addCleanup(self.browser.quit)
        # The browser's own first page is not ours to judge.
        self.browser.get("about:blank")
        self.browser.get_log("performance")

    def test_search_entry_and_proof(self):
        self.open("/?lang=en")
        self.find("requester").send_keys("clinic:1310310243")
        self.find("method").find_element(By.CSS_SELECTOR, "[value=VerifyEligibility]").click()
        self.press("button[type=submit]")
        self.arrive("Result")
        self.assertIn("entries", self.text("main .lead"))
        self.picture("search-en")
        self.follow(str(self.disclosure))
        self.arrive(f"Entry {self.disclosure}")
        self.assertIn("Proved", self.text(".verdict.good"))
        self.assertTrue(self.browser.find_elements(By.CSS_SELECTOR, "svg.ladder .root"))
        self.picture("entry-en")
        self.verify_by_our_program()
        self.press("a.language")
        self.arrive(f"記録 {self.disclosure}")
        self.assertEqual(self.browser.find_element(By.TAG_NAME, "html").get_dom_attribute("lang"), "ja")
        self.assertIn("証明されました", self.text(".verdict.good"))
        self.picture("entry-ja")
        for name in ("checkpoints", "activity"):
            self.open(f"/{name}?lang=ja")
            self.picture(f"{name}-ja")
        self.open("/search?lang=ja")
        self.picture("search-ja")
        self.nothing_foreign()

    def test_every_control_is_reached_and_seen_by_keyboard(self):
        for address in ("/", "/search", f"/entry?index={self.disclosure}", "/checkpoints", "/activity"):
            with self.subTest(address):
                self.open(address + ("&" if "?" in address else "?") + "lang=en")
                reached = self.walk()
                wanted = {one.id for one in self.browser.find_elements(By.CSS_SELECTOR, INTERACTIVE)}
                self.assertEqual(wanted - reached.keys(), set(), "controls that TAB does not reach")
                blind = [tag for tag, outline in reached.values() if outline in ("", "none")]
                self.assertEqual(blind, [], "focus that cannot be seen")
        self.nothing_foreign()

    def test_an_auditor_without_a_mouse_opens_a_part(self):
        self.open("/?lang=en")
        self.tab_to(lambda one: one.get_dom_attribute("id") == "requester").send_keys("clinic:1310310243")
        self.browser.switch_to.active_element.send_keys(Keys.ENTER)
        self.arrive("Result")
        self.tab_to(lambda one: one.text.endswith(str(self.disclosure))).send_keys(Keys.ENTER)
        self.arrive(f"Entry {self.disclosure}")
        self.tab_to(lambda one: one.text == "All hashes of the path").send_keys(Keys.ENTER)
        self.assertTrue(self.browser.find_element(By.CSS_SELECTOR, "details[open] table").is_displayed())
        self.tab_to(lambda one: one.get_dom_attribute("id") == "actor").send_keys(Keys.SPACE)
        self.tab_to(lambda one: one.get_dom_attribute("id") == "warrant").send_keys("warrant-of-the-browser")
        self.tab_to(lambda one: one.tag_name == "button").send_keys(Keys.ENTER)
        self.arrive(f"Opened – Entry {self.disclosure}")
        self.assertIn("fits", self.text(".verdict.good"))
        self.assertIn("tokyo-clinic-1", self.text("main"))
        self.nothing_foreign()

    def test_at_400_percent_nothing_is_cut_off(self):
        for address in ("/", "/search", f"/entry?index={self.disclosure}", "/checkpoints", "/activity"):
            with self.subTest(address):
                metrics = {"width": ZOOM_400, "height": 640, "deviceScaleFactor": 1, "mobile": False}
                self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
                self.open(address)
                size = self.browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
                self.assertLessEqual(size["width"], ZOOM_400)

    def open(self, address: str) -> None:
        self.browser.get(self.url + address)

    def arrive(self, heading: str) -> None:
        """Waits for the page with this heading; what is pressed returns before the page is there."""
        ignored = (NoSuchElementException, StaleElementReferenceException)
        wait = WebDriverWait(self.browser, PATIENCE, ignored_exceptions=ignored)
        wait.until(lambda _: self.text("h1") == heading, f"no page {heading!r}")

    def find(self, name: str) -> "WebElement":
        return self.browser.find_element(By.ID, name)

    def text(self, selector: str) -> str:
        return self.browser.find_element(By.CSS_SELECTOR, selector).text

    def press(self, selector: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, selector).click()

    def follow(self, number: str) -> None:
        links = self.browser.find_elements(By.CSS_SELECTOR, "table.entries th a")
        next(link for link in links if link.text.endswith(number)).click()

    def tab(self) -> "WebElement":
        self.browser.switch_to.active_element.send_keys(Keys.TAB)
        return self.browser.switch_to.active_element

    def tab_to(self, wanted) -> "WebElement":
        for _ in range(MOST_STOPS):
            if wanted(one := self.tab()):
                return one
        raise AssertionError("TAB never came there")

    def walk(self) -> dict[str, tuple[str, str]]:
        """Every stop of TAB, once around: its tag and the style of its outline while it has the focus. Opens what is
        folded on the way."""
        reached: dict[str, tuple[str, str]] = {}
        first = None
        for _ in range(MOST_STOPS):
            one = self.tab()
            if one.tag_name == "body" or (one.id == first and len(reached) > 1):
                break
            first = first or one.id
            if one.tag_name == "summary" and one.id not in reached:
                one.send_keys(Keys.ENTER)
            reached[one.id] = (one.tag_name, one.value_of_css_property("outline-style"))
        return reached

    def picture(self, name: str) -> None:
        size = self.browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = {"format": "png", "captureBeyondViewport": True, "clip": clip}
        png = self.browser.execute_cdp_cmd("Page.captureScreenshot", shot)["data"]
        (self.pictures / f"{name}.png").write_bytes(base64.b64decode(png))

    def verify_by_our_program(self) -> None:
        """What the page tells an auditor to do does what it says."""
        written = self.browser.find_element(By.CSS_SELECTOR, "section[aria-labelledby=check] details pre")
        file = self.pictures / "entry.tlog-proof"
        file.write_text(written.get_property("textContent"))
        command = [BINARIES / "pmh-audit", "receipt", file, "--vkey", str(SANDBOX.gateway_log)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"entry       {self.disclosure}", done.stdout)

    def nothing_foreign(self) -> None:
        """No request left for another host, none was for a script, and nothing complained of the policy."""
        events = [json.loads(line["message"])["message"] for line in self.browser.get_log("performance")]
        sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
        self.assertGreater(len(sent), 1)
        urls = [request["request"]["url"] for request in sent]
        foreign = [url for url in urls if not url.startswith((self.url + "/", "data:"))]
        self.assertEqual(foreign, [])
        self.assertEqual([one for one in sent if one.get("type") in ("Script", "XHR", "Fetch", "WebSocket")], [])
        self.assertNotIn("<script", self.browser.page_source)
        self.assertEqual(self.browser.get_log("browser"), [])

