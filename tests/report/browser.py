"""A headless Chromium, spoken to over a pipe (Chrome DevTools Protocol), with the standard library alone."""
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def find():
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """One page. `complaints` collects what the console, the policy and the network had to say."""

    def __init__(self, program):
        self.home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        down, self.to = os.pipe()
        self.come, up = os.pipe()
        # Chromium reads commands from file descriptor 3 and answers on 4.
        self.process = subprocess.Popen(
            ["sh", "-c", 'exec "$@" 3<&%d 4>&%d' % (down, up), "sh", program, "--headless", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe", "--user-data-dir=" + self.home.name],
            pass_fds=(down, up), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(down)
        os.close(up)
        self.watchdog = threading.Timer(120, self.kill)  # a hanging browser ends, and with it the pipe
        self.watchdog.start()
        self.buffer, self.number, self.session = b"", 0, None
        self.complaints, self.requests, self.events = [], [], []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Log", "Network":
            self(domain + ".enable")

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self):
        self.watchdog.cancel()
        self.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.come)
        self.home.cleanup()

    def receive(self):
        while b"\0" not in self.buffer:
            data = os.read(self.come, 1 << 20)
            if not data:
                raise RuntimeError("the browser ended")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(message)
        method, about = message.get("method"), message.get("params", {})
        if method == "Runtime.consoleAPICalled" or method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(about)[:500])
        elif method == "Log.entryAdded":
            self.complaints.append(about["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        if method:
            self.events.append(method)
        return message

    def __call__(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError("%s: %s" % (method, answer["error"]))
                return answer["result"]

    def open(self, path, width, height, dark=False, script=True, fragment=""):
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self("Emulation.setScriptExecutionDisabled", value=not script)
        self("Emulation.setFocusEmulationEnabled", enabled=True)
        for url in "about:blank", "file://" + os.path.abspath(path) + fragment:
            self.complaints, self.requests, self.events = [], [], []
            self("Page.navigate", url=url)
            while "Page.loadEventFired" not in self.events:
                self.receive()

    def ask(self, expression):
        """The value of a JavaScript expression on the page."""
        answer = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def press(self, key, code=None, text=None):
        for kind in "keyDown", "keyUp":
            more = {"text": text} if text and kind == "keyDown" else {}
            self("Input.dispatchKeyEvent", type=kind, key=key, code=code or key,
                 windowsVirtualKeyCode={"Tab": 9, "Enter": 13}.get(key, 0), **more)

    def pdf(self):
        return base64.b64decode(self("Page.printToPDF", printBackground=True)["data"])
