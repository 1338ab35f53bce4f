"""A desktop for tests: Xvfb with openbox, the real program on it, a real mouse and keyboard (xdotool), screenshots."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time

SKIP = 77
TOOLS = ("Xvfb", "openbox", "xdotool", "import")


def skip_without_tools():
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        print("Skipped: the test of the window needs " + ", ".join(missing) + " (see installers/packages.txt).")
        sys.exit(SKIP)


def wait_until(what, ready, seconds=30.0):
    """The first true answer of ready(); fails by name when it does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ready()
        if answer:
            return answer
        time.sleep(0.03)
    raise AssertionError(f"waited {seconds:.0f} s in vain for: {what}")


class Ticker:
    """How often the machine kept a modest program from its work for more than 50 ms (ticker.py)."""

    def __init__(self, log):
        self.log = log
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ticker.py")
        self.process = subprocess.Popen([sys.executable, script], stdout=open(log, "w"))

    def stops(self):
        with open(self.log) as lines:
            return len(lines.readlines())

    def close(self):
        self.process.kill()
        self.process.wait()


class Desktop:
    def __init__(self, width=1500, height=950):
        self.width, self.height = width, height

    def __enter__(self):
        reading, writing = os.pipe()
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{self.width}x{self.height}x24", "-nolisten", "tcp"],
                                       pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading) as number:
            self.display = ":" + number.readline().strip()
        self.environment = dict(os.environ, DISPLAY=self.display)
        self.environment.pop("WAYLAND_DISPLAY", None)
        self.manager = subprocess.Popen(["openbox"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        for process in (self.manager, self.server):
            process.terminate()
            process.wait()

    def do(self, *words):
        subprocess.run(["xdotool", *map(str, words)], env=self.environment, check=True, timeout=20)

    def screenshot(self, file):
        subprocess.run(["import", "-window", "root", file], env=self.environment, check=True, timeout=20)


class Window:
    """The program in a window, seen through its state file, touched through the X server alone."""

    def __init__(self, desktop, program, arguments, home, screenshots):
        self.desktop, self.screenshots = desktop, screenshots
        self.state_file = os.path.join(home, f"state-{time.monotonic_ns()}.jsonl")
        environment = dict(desktop.environment, HOME=home, XDG_CONFIG_HOME=home + "/config", XDG_DATA_HOME=home + "/data",
                           XDG_CACHE_HOME=home + "/cache", XDG_RUNTIME_DIR=home, LC_ALL="C.UTF-8")
        self.log = open(os.path.join(screenshots, "program.log"), "a")
        self.process = subprocess.Popen([program, "--state-file", self.state_file, *arguments], env=environment, stdout=self.log,
                                        stderr=self.log)
        wait_until("the first frame", self.state)
        time.sleep(0.3)

    def lines(self):
        try:
            with open(self.state_file) as lines:
                return [line for line in lines if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def state(self):
        assert self.process.poll() is None, f"the program ended with {self.process.returncode}"
        lines = self.lines()
        return json.loads(lines[-1]) if lines else None

    def places_so_far(self, name):
        """Every place where an item has been seen since the start."""
        states = map(json.loads, self.lines())
        return {tuple(s["items"][name]) for s in states if name in s["items"]}

    def wait(self, what, ready, seconds=30.0):
        return wait_until(what, lambda: (lambda s: s if ready(s) else None)(self.state()), seconds)

    def on_screen(self, x, y):
        left, top = self.state()["window"][:2]
        return round(left + x), round(top + y)

    def place_of(self, name):
        return self.wait(f"the item {name}", lambda s: name in s["items"], 10)["items"][name]

    def middle_of(self, name):
        """Of an item at rest, as a hand aims: a page that was just opened may not be laid out yet."""
        place = None
        while place != self.place_of(name):
            place = self.place_of(name)
            time.sleep(0.15)  # more than two looks of the program at itself
        x, y, width, height = place
        return x + width / 2, y + height / 2

    def move(self, x, y):
        self.desktop.do("mousemove", *self.on_screen(x, y))

    def press(self, x, y, button=1):
        self.move(x, y)
        self.desktop.do("mousedown", button)

    def release(self, button=1):
        self.desktop.do("mouseup", button)

    def click(self, x, y):
        self.press(x, y)
        self.release()

    def click_on(self, name):
        place = self.middle_of(name)
        self.wait(f"{name} to be enabled", lambda s: name not in s["disabled"], 10)
        self.click(*place)

    def drag(self, places, release=True):
        """Along the places with the left button, in steps as a hand makes them."""
        self.press(*places[0])
        for (x0, y0), (x1, y1) in zip(places, places[1:]):
            steps = 8
            for n in range(1, steps + 1):
                self.move(x0 + (x1 - x0) * n / steps, y0 + (y1 - y0) * n / steps)
                time.sleep(0.012)
        if release:
            self.release()

    def key(self, *keys):
        self.desktop.do("key", "--clearmodifiers", *keys)

    def type(self, text):
        self.desktop.do("type", "--delay", "20", text)

    def screenshot(self, name):
        time.sleep(0.25)  # a frame or two
        file = os.path.join(self.screenshots, name + ".png")
        self.desktop.screenshot(file)
        return file

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
