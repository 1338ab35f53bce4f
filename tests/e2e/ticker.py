#!/usr/bin/env python3
"""A modest program that does a little work every few milliseconds and notes when it was kept from it for more than 50 ms: what
the machine does to any window. Writes the number of such stops so far to standard output, a line every stop."""
import time

WORK_S, REST_S, STOP_S = 0.004, 0.004, 0.050

stops = 0
before = time.monotonic()
while True:
    end = time.monotonic() + WORK_S
    while time.monotonic() < end:
        pass
    time.sleep(REST_S)
    now = time.monotonic()
    if now - before > WORK_S + REST_S + STOP_S:
        stops += 1
        print(stops, flush=True)
    before = now
